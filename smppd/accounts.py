"""Accounts at run time: credentials, bind limits, the addresses an ESME serves.

An :class:`AccountBook` holds one :class:`Account` per system_id. A bind goes through it in three steps:

    verdict = book.check(pdu.system_id, pdu.password)
    if verdict.needs_scrypt:                                   # 50 ms of work: in a thread
        if await asyncio.to_thread(book.verify_scrypt, verdict.account, pdu.password):
            book.remember(verdict.account, pdu.password)
        else: ...                                              # answer ESME_RINVPASWD
    status = verdict.account.try_bind("transceiver")           # and release("transceiver") when the session ends

Everything but ``verify_scrypt`` belongs to the thread of the event loop. Passwords are compared as keyed digests: in
constant time whatever their lengths, and nothing here keeps a password in clear.
"""

from __future__ import annotations

import hmac
import os
from typing import TYPE_CHECKING, Final, NamedTuple

from smppd.passwords import ScryptHash
from smppd.patterns import AddressRange
from smppd.settings import BIND_TYPES
from smppwire.constants import CommandStatus

if TYPE_CHECKING:
    from collections.abc import Iterator

    from smppd.settings import Account as AccountSettings
    from smppd.settings import BindType, Settings

KEY_LENGTH: Final = 32
"""Octets of the key that password digests are made with: the block of security SHA-256 offers."""


class Credential:
    """What proves one account's password; replaced as a whole when a reload changes it.

    digest: keyed digest of the right password once it is known, else None. proof: the digest that a verification in a
    thread has found right, before the event loop's thread takes it over: so a verification that a reload overtakes
    leaves its result on an object nobody asks any more.
    """

    __slots__ = ("digest", "proof", "scrypt")

    def __init__(self, digest: bytes | None, scrypt: ScryptHash | None) -> None:
        self.digest = digest
        self.scrypt = scrypt
        self.proof: bytes | None = None


class Account:
    """One system_id: its settings (replaced by reloads) and the binds it holds.

    removed: a reload has taken the account away; its sessions may still be there, but it admits no more.
    """

    __slots__ = ("address_range", "binds", "credential", "removed", "settings", "system_id")

    def __init__(self, settings: AccountSettings, credential: Credential) -> None:
        self.system_id = settings.system_id
        self.binds: dict[BindType, int] = dict.fromkeys(BIND_TYPES, 0)
        """Sessions bound now, by bind type."""
        self.configure(settings, credential)

    def configure(self, settings: AccountSettings, credential: Credential) -> None:
        """Take new settings; the binds stay, even if there are more now than the settings allow."""
        self.settings = settings
        self.removed = False
        self.address_range = AddressRange(settings.address_range)
        self.credential = credential

    def __repr__(self) -> str:
        return f"<Account {self.system_id}, {self.bound} bound>"

    @property
    def bound(self) -> int:
        """Sessions bound now."""
        return sum(self.binds.values())

    def try_bind(self, bind_type: BindType) -> CommandStatus:
        """Count one more bind when it is allowed: ESME_ROK, else why not (nothing is counted then).

        ESME_RINVSYSID when a reload has removed the account, ESME_RBINDFAIL when it is disabled or may not bind this
        way, ESME_RALYBND when it holds max_binds.
        """
        settings = self.settings
        if self.removed:
            return CommandStatus.ESME_RINVSYSID
        if not settings.enabled or bind_type not in settings.bind_types:
            return CommandStatus.ESME_RBINDFAIL
        if settings.max_binds and self.bound >= settings.max_binds:
            return CommandStatus.ESME_RALYBND
        self.binds[bind_type] += 1
        return CommandStatus.ESME_ROK

    def release(self, bind_type: BindType) -> None:
        """A session that ``try_bind`` admitted has ended. Call it once for each."""
        if not self.binds[bind_type]:
            raise ValueError(f"{self.system_id} holds no bind as {bind_type}")
        self.binds[bind_type] -= 1


class Verdict(NamedTuple):
    """What a bind's credentials are worth.

    status: for the bind response; ESME_ROK with ``needs_scrypt`` means: not known yet. account: None when the system_id
    is unknown. needs_scrypt: the password has to be verified in a thread first.
    """

    status: CommandStatus
    account: Account | None = None
    needs_scrypt: bool = False


class Reload(NamedTuple):
    """What :meth:`AccountBook.apply` did, by system_id. still_bound: removed accounts with their bound sessions."""

    added: list[str]
    changed: list[str]
    removed: list[str]
    still_bound: dict[str, int]


class AccountBook:
    """All accounts. ``key`` is for tests; every process draws its own."""

    def __init__(self, settings: Settings, *, key: bytes | None = None) -> None:
        # Drawn from the system, not from the seeded generators: this one guards passwords.
        self._key = key if key is not None else os.urandom(KEY_LENGTH)
        self._accounts: dict[bytes, Account] = {}
        self._departed: dict[str, Account] = {}
        self.apply(settings)

    def __len__(self) -> int:
        return len(self._accounts)

    def __iter__(self) -> Iterator[Account]:
        """The accounts in configured order."""
        return iter(self._accounts.values())

    def get(self, system_id: bytes | str) -> Account | None:
        """The account of a system_id, or None."""
        return self._accounts.get(system_id.encode("latin-1", "replace") if isinstance(system_id, str) else system_id)

    def check(self, system_id: bytes, password: bytes) -> Verdict:
        """Judge the credentials of a bind as far as that is quick.

        ESME_RINVSYSID for an unknown system_id, ESME_RBINDFAIL for a disabled account, ESME_RINVPASWD for a wrong
        password, else ESME_ROK. An account with a password_hash whose password has not been seen yet needs scrypt; once
        it has, this is quick in both directions, because a hash has one password.
        """
        account = self._accounts.get(system_id)
        if account is None:
            return Verdict(CommandStatus.ESME_RINVSYSID)
        if not account.settings.enabled:
            return Verdict(CommandStatus.ESME_RBINDFAIL, account)
        if len(password) > account.settings.password_max:
            return Verdict(CommandStatus.ESME_RINVPASWD, account)
        known = account.credential.digest
        if known is None:
            return Verdict(CommandStatus.ESME_ROK, account, needs_scrypt=True)
        right = hmac.compare_digest(known, self._digest(password))
        return Verdict(CommandStatus.ESME_ROK if right else CommandStatus.ESME_RINVPASWD, account)

    def verify_scrypt(self, account: Account, password: bytes) -> bool:
        """Whether ``password`` has the account's password_hash. Takes tens of milliseconds: call it in a thread."""
        credential = account.credential
        if credential.scrypt is None or not credential.scrypt.verify(password):
            return False
        credential.proof = self._digest(password)
        return True

    def remember(self, account: Account, password: bytes) -> None:
        """Keep the digest of a password that ``verify_scrypt`` found right: from now on ``check`` decides alone.

        Nothing happens when a reload has changed the account's credentials since.
        """
        credential = account.credential
        digest = self._digest(password)
        if credential.proof is not None and hmac.compare_digest(credential.proof, digest):
            credential.digest = digest

    def apply(self, settings: Settings) -> Reload:
        """Take the accounts of new settings. Bind counts stay, also those of an account that comes back.

        Sessions of removed accounts are not touched; ``still_bound`` tells whom to unbind.
        """
        before = self._accounts
        accounts: dict[bytes, Account] = {}
        reload = Reload([], [], [], {})
        for wanted in settings.account:
            system_id = wanted.system_id.encode("latin-1")
            account = before.get(system_id)
            if account is None:
                account = self._departed.pop(wanted.system_id, None)
                reload.added.append(wanted.system_id)
            elif account.settings != wanted:
                reload.changed.append(wanted.system_id)
            accounts[system_id] = self._configured(account, wanted)
        for system_id, account in before.items():
            if system_id not in accounts:
                reload.removed.append(account.system_id)
                account.removed = True
                self._departed[account.system_id] = account
        self._departed = {name: account for name, account in self._departed.items() if account.bound}
        reload.still_bound.update(
            (name, self._departed[name].bound) for name in reload.removed if name in self._departed
        )
        self._accounts = accounts
        return reload

    def _configured(self, account: Account | None, wanted: AccountSettings) -> Account:
        """The account with these settings: a new one, or the existing one changed where it differs."""
        if account is None:
            return Account(wanted, self._new_credential(wanted))
        if account.removed or account.settings != wanted:
            same = (account.settings.password, account.settings.password_hash) == (
                wanted.password,
                wanted.password_hash,
            )
            account.configure(wanted, account.credential if same else self._new_credential(wanted))
        return account

    def _new_credential(self, settings: AccountSettings) -> Credential:
        if settings.password_hash is not None:
            return Credential(None, ScryptHash.parse(settings.password_hash))
        return Credential(self._digest((settings.password or "").encode("latin-1")), None)

    def _digest(self, password: bytes) -> bytes:
        return hmac.digest(self._key, password, "sha256")
