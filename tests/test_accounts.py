import pytest

from smppd.accounts import AccountBook, Verdict
from smppd.settings import Account, BindType, Settings
from smppwire.constants import CommandStatus
from tests.test_passwords import cheap_hash

OK = CommandStatus.ESME_ROK
WRONG = CommandStatus.ESME_RINVPASWD


def book_of(*accounts: Account) -> AccountBook:
    return AccountBook(Settings(account=list(accounts)))


def plain(system_id: str = "esme", password: str = "secret", **settings: object) -> Account:
    return Account(system_id=system_id, password=password, **settings)  # type: ignore[arg-type]


def hashed(password: bytes = b"secret", n: int = 2) -> Account:
    return Account(system_id="esme", password_hash=cheap_hash(password, n))


def verified(book: AccountBook, password: bytes) -> bool:
    """What a caller does when scrypt is needed; the result of verify_scrypt."""
    verdict = book.check(b"esme", password)
    assert verdict.needs_scrypt
    assert verdict.account is not None
    right = book.verify_scrypt(verdict.account, password)
    if right:
        book.remember(verdict.account, password)
    return right


# -- credentials


def test_the_built_in_account() -> None:
    book = AccountBook(Settings())
    assert book.check(b"smppclient1", b"password").status is OK
    assert len(book) == 1


@pytest.mark.parametrize("password", [b"", b"secre", b"secret1", b"Secret", b"\xff\xff"])
def test_wrong_passwords(password: bytes) -> None:
    verdict = book_of(plain()).check(b"esme", password)
    assert (verdict.status, verdict.needs_scrypt) == (WRONG, False)


@pytest.mark.parametrize("system_id", [b"", b"esm", b"ESME", b"\xff"])
def test_unknown_system_ids(system_id: bytes) -> None:
    assert book_of(plain()).check(system_id, b"secret") == Verdict(CommandStatus.ESME_RINVSYSID, None, False)


def test_a_disabled_account_is_refused_whatever_the_password() -> None:
    book = book_of(plain(enabled=False))
    assert book.check(b"esme", b"secret").status is CommandStatus.ESME_RBINDFAIL
    assert book.check(b"esme", b"wrong").status is CommandStatus.ESME_RBINDFAIL


def test_an_empty_password_may_be_configured() -> None:
    book = book_of(plain(password=""))
    assert book.check(b"esme", b"").status is OK
    assert book.check(b"esme", b"x").status is WRONG


def test_a_password_longer_than_the_account_allows_is_wrong() -> None:
    book = book_of(hashed(b"ninechars"))
    assert book.check(b"esme", b"ninechars") == Verdict(WRONG, book.get("esme"), False)
    longer = Account(system_id="esme", password_hash=cheap_hash(b"ninechars"), password_max=9)
    assert verified(book_of(longer), b"ninechars")


def test_accounts_are_found_by_text_and_by_octets() -> None:
    book = book_of(plain("a"), plain("b"))
    assert book.get("b") is book.get(b"b")
    assert book.get("\u20ac") is None
    assert [account.system_id for account in book] == ["a", "b"]


def test_nothing_keeps_or_shows_a_password() -> None:
    book = book_of(plain(password="hunter2"))
    verdict = book.check(b"esme", b"hunter2")
    assert "hunter2" not in repr(verdict)
    assert "hunter2" not in repr(Settings(account=[plain(password="hunter2")]))


# -- scrypt


def test_scrypt_is_asked_for_until_the_password_is_known() -> None:
    book = book_of(hashed())
    assert not verified(book, b"wrong")
    assert verified(book, b"secret")
    assert book.check(b"esme", b"secret") == Verdict(OK, book.get("esme"), False)


def test_once_the_password_is_known_wrong_ones_need_no_scrypt() -> None:
    book = book_of(hashed())
    verified(book, b"secret")
    assert book.check(b"esme", b"wrong") == Verdict(WRONG, book.get("esme"), False)


def test_a_password_that_was_not_verified_is_not_remembered() -> None:
    book = book_of(hashed())
    account = book.get("esme")
    assert account is not None
    book.remember(account, b"guess")
    assert book.check(b"esme", b"guess").needs_scrypt
    book.verify_scrypt(account, b"secret")
    book.remember(account, b"guess")
    assert book.check(b"esme", b"guess").needs_scrypt


def test_a_reload_overtakes_a_verification() -> None:
    book = book_of(hashed(b"old"))
    account = book.get("esme")
    assert account is not None
    assert book.verify_scrypt(account, b"old")
    book.apply(Settings(account=[hashed(b"new")]))
    book.remember(account, b"old")
    assert book.check(b"esme", b"old").needs_scrypt
    assert not verified(book, b"old")


def test_a_reload_that_keeps_the_hash_keeps_what_is_known() -> None:
    book = book_of(hashed())
    verified(book, b"secret")
    book.apply(Settings(account=[Account(system_id="esme", password_hash=cheap_hash(b"secret"), window=5)]))
    assert not book.check(b"esme", b"secret").needs_scrypt


def test_verifying_an_account_without_hash_fails() -> None:
    book = book_of(plain())
    account = book.get("esme")
    assert account is not None
    assert not book.verify_scrypt(account, b"secret")


# -- binds


def test_bind_types() -> None:
    account = book_of(plain(bind_types=["transmitter", "receiver"])).get("esme")
    assert account is not None
    assert account.try_bind("transmitter") is OK
    assert account.try_bind("transceiver") is CommandStatus.ESME_RBINDFAIL
    assert account.binds == {"transmitter": 1, "receiver": 0, "transceiver": 0}


def test_max_binds_counts_all_types_and_released_ones_no_more() -> None:
    account = book_of(plain(max_binds=2)).get("esme")
    assert account is not None
    types: list[BindType] = ["transmitter", "receiver", "transceiver"]
    assert [account.try_bind(kind) for kind in types] == [OK, OK, CommandStatus.ESME_RALYBND]
    assert account.bound == 2
    account.release("receiver")
    assert account.try_bind("transceiver") is OK
    assert account.bound == 2


def test_zero_means_no_limit() -> None:
    account = book_of(plain(max_binds=0)).get("esme")
    assert account is not None
    assert {account.try_bind("receiver") for _ in range(1000)} == {OK}


def test_a_bind_is_released_once() -> None:
    account = book_of(plain()).get("esme")
    assert account is not None
    account.try_bind("receiver")
    account.release("receiver")
    with pytest.raises(ValueError, match="holds no bind"):
        account.release("receiver")


# -- reload


def test_apply_reports_what_it_did() -> None:
    book = book_of(plain("kept"), plain("gone"), plain("changed"))
    reload = book.apply(Settings(account=[plain("new"), plain("changed", window=3), plain("kept")]))
    assert reload == (["new"], ["changed"], ["gone"], {})
    assert [account.system_id for account in book] == ["new", "changed", "kept"]
    assert book.check(b"gone", b"secret").status is CommandStatus.ESME_RINVSYSID


def test_new_settings_reach_the_account_that_sessions_hold() -> None:
    book = book_of(plain())
    account = book.get("esme")
    assert account is not None
    account.try_bind("receiver")
    book.apply(Settings(account=[plain(password="other", max_binds=1, address_range="44*")]))
    assert book.get("esme") is account
    assert account.settings.max_binds == 1
    assert account.try_bind("receiver") is CommandStatus.ESME_RALYBND
    assert not account.address_range.matches(b"33")
    assert book.check(b"esme", b"other").status is OK
    assert book.check(b"esme", b"secret").status is WRONG


def test_a_removed_account_with_bound_sessions_is_reported_and_admits_no_more() -> None:
    book = book_of(plain())
    account = book.get("esme")
    assert account is not None
    account.try_bind("receiver")
    assert book.apply(Settings(account=[])).still_bound == {"esme": 1}
    assert account.try_bind("receiver") is CommandStatus.ESME_RINVSYSID
    account.release("receiver")


def test_an_account_that_comes_back_finds_its_binds() -> None:
    book = book_of(plain(max_binds=1))
    account = book.get("esme")
    assert account is not None
    account.try_bind("receiver")
    book.apply(Settings(account=[]))
    assert book.apply(Settings(account=[plain(max_binds=1)])).added == ["esme"]
    assert book.get("esme") is account
    assert account.try_bind("receiver") is CommandStatus.ESME_RALYBND
    account.release("receiver")
    assert account.try_bind("receiver") is OK


def test_each_book_draws_its_own_key() -> None:
    one, other = AccountBook(Settings()).get("smppclient1"), AccountBook(Settings()).get("smppclient1")
    assert one is not None
    assert other is not None
    assert one.credential.digest != other.credential.digest
