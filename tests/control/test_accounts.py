"""The desk of accounts: what it shows, and what it changes, as a reload would."""

from __future__ import annotations

import pytest

from smppd.control.accounts import MAX_ACCOUNTS, AccountChange, AccountDesk, ThroughputChange, settings_of
from smppd.control.failures import ConflictError, InvalidError, NotFoundError
from smppd.settings import Account, Throughput
from smppwire.pdus import Unbind
from tests.transport.stage import Stage, on_stage, sms
from tests.transport.support import BIND_TRX, bind_body, request

HASH = f"scrypt$2$1$1${'A' * 22}==${'A' * 43}="

TWO = """
[[account]]
system_id = "one"
password = "geheim"
throughput = { limit = 1, burst = 2 }
outbind_password = "ours"

[[account]]
system_id = "two"
password_hash = "HASH"
""".replace("HASH", HASH)
NAMED = """
[[account]]
system_id = "one"
password = "geheim"

[[route]]
name = "first"
match = { account = ["one"] }

[[route]]
name = "rest"

[[distribution_list]]
name = "list"
members = ["447700900123"]
accounts = ["one"]

[[rule]]
when = { account = "one" }
then = { status = "ESME_RSYSERR" }

[[fault]]
kind = "throttle"
account = "one"
every = 2
"""


def desk(stage: Stage) -> AccountDesk:
    return stage.server.control.accounts


def binds(stage: Stage, system_id: str, password: str) -> int:
    """The command_status of a bind."""
    esme = stage.connect()
    esme.feed(request(BIND_TRX, 1, bind_body(system_id, password)))
    (response,) = esme.received()
    return response.command_status


def test_what_is_shown() -> None:
    async def act(stage: Stage) -> None:
        esme = stage.bound(system_id="one", password="geheim")
        esme.send(sms(), sms(), sms())
        page = desk(stage).list()
        assert ([view.system_id for view in page.items], page.next) == (["one", "two"], None)
        view = page.items[0]
        assert view == desk(stage).get("one")
        assert view.throughput == Throughput(limit=1.0, burst=2)
        state = view.state
        assert state.binds == {"transmitter": 0, "receiver": 0, "transceiver": 1}
        assert (state.messages["ENROUTE"], state.messages["DELIVERED"]) == (2, 0)
        assert (state.throttled, state.bind_attempts) == ({"account": 1}, {"ESME_ROK": 1})
        assert state.throughput_fullness == 1.0
        for secret in ("geheim", "scrypt", "ours"):
            assert secret not in repr(page)
        with pytest.raises(NotFoundError):
            desk(stage).get("three")

    on_stage(TWO, act)


def test_pages() -> None:
    async def act(stage: Stage) -> None:
        page = desk(stage).list(limit=1)
        assert [view.system_id for view in page.items] == ["one"]
        page = desk(stage).list(limit=1, cursor=page.next or "")
        assert ([view.system_id for view in page.items], page.next) == (["two"], None)

    on_stage(TWO, act)


def test_a_new_account_may_bind_at_once() -> None:
    async def act(stage: Stage) -> None:
        view = desk(stage).create(Account(system_id="new", password="secret", window=5))
        assert (view.system_id, view.window, view.state.messages["ENROUTE"]) == ("new", 5, 0)
        assert binds(stage, "new", "secret") == 0
        assert stage.server.settings.account[-1].system_id == "new"
        assert stage.server.control.simulation.configured.account[-1].system_id != "new", "a reset takes it away"
        with pytest.raises(ConflictError, match="already"):
            desk(stage).create(Account(system_id="new", password="other"))

    on_stage("", act)


def test_all_that_is_wrong_with_it() -> None:
    async def act(stage: Stage) -> None:
        before = stage.server.settings
        with pytest.raises(InvalidError) as caught:
            desk(stage).create(Account(system_id="x" * 16, password="p" * 9, window=-1, bind_types=[]))
        assert {where for where, _ in caught.value.problems} >= {"system_id", "window", "bind_types", "password"}
        assert "ppppppppp" not in str(caught.value)
        with pytest.raises(InvalidError, match="neither is given"):
            desk(stage).create(Account(system_id="x"))
        with pytest.raises(InvalidError, match="dialect: expected the name of a dialect"):
            desk(stage).create(Account(system_id="x", password="p", dialect="klingon"))
        assert stage.server.settings is before

    on_stage("", act)


def test_a_shipped_dialect_is_taken_in() -> None:
    async def act(stage: Stage) -> None:
        desk(stage).create(Account(system_id="x", password="p", dialect="uuid-ids"))
        assert "uuid-ids" in stage.server.settings.dialect
        esme = stage.bound(system_id="x", password="p")
        (response,) = esme.ask(sms())
        assert len(response.message_id) >= 32  # type: ignore[attr-defined]

    on_stage("", act)


def test_replace() -> None:
    async def act(stage: Stage) -> None:
        view = desk(stage).replace("one", Account(system_id="one", password="other", window=9))
        assert (view.window, view.throughput) == (9, Throughput())
        assert [account.system_id for account in stage.server.settings.account] == ["one", "two"]
        assert binds(stage, "one", "geheim") == 0x0E
        assert binds(stage, "one", "other") == 0
        with pytest.raises(InvalidError, match="as in the path"):
            desk(stage).replace("one", Account(system_id="two", password="p"))
        assert desk(stage).replace("three", Account(system_id="three", password="p")).system_id == "three"

    on_stage(TWO, act)


def test_change_some_settings() -> None:
    async def act(stage: Stage) -> None:
        esme = stage.bound(system_id="one", password="geheim")
        view = desk(stage).change("one", AccountChange(throughput=ThroughputChange(over="ESME_RMSGQFUL")))
        assert view.throughput == Throughput(limit=1.0, burst=2, over="ESME_RMSGQFUL")
        esme.send(sms(), sms(), sms())
        assert esme.statuses() == [0, 0, 0x14], "the throughput holds at once for whoever is bound"
        view = desk(stage).change("one", AccountChange(strict=True, max_binds=1))
        assert (view.strict, view.max_binds) == (True, 1)
        assert binds(stage, "one", "geheim") == 5
        assert desk(stage).change("one", AccountChange(strict=None)).strict is None
        with pytest.raises(NotFoundError):
            desk(stage).change("nobody", AccountChange(window=1))

    on_stage(TWO, act)


def test_a_password_takes_the_place_of_a_hash() -> None:
    async def act(stage: Stage) -> None:
        desk(stage).change("two", AccountChange(password="secret"))
        assert binds(stage, "two", "secret") == 0
        with pytest.raises(InvalidError, match="both are given"):
            desk(stage).change("two", AccountChange(password="a", password_hash=HASH))
        with pytest.raises(InvalidError, match="at most 8 characters"):
            desk(stage).change("two", AccountChange(password="p" * 9))

    on_stage(TWO, act)


def test_a_disabled_account_is_unbound() -> None:
    async def act(stage: Stage) -> None:
        esme, other = stage.bound(system_id="one", password="geheim"), stage.connect()
        assert not desk(stage).disable("one").enabled
        assert [type(pdu) for pdu in esme.received()] == [Unbind]
        assert binds(stage, "one", "geheim") == 0x0D
        assert desk(stage).enable("one").enabled
        other.bind(system_id="one", password="geheim")

    on_stage(TWO, act)


def test_delete() -> None:
    async def act(stage: Stage) -> None:
        esme = stage.bound(system_id="one", password="geheim")
        desk(stage).delete("one")
        assert [type(pdu) for pdu in esme.received()] == [Unbind]
        with pytest.raises(NotFoundError):
            desk(stage).get("one")
        assert binds(stage, "one", "geheim") == 0x0F
        desk(stage).delete("two")
        assert desk(stage).list().items == [], "the last one may go, too"
        with pytest.raises(NotFoundError):
            desk(stage).delete("two")

    on_stage(TWO, act)


def test_an_account_that_others_name_stays() -> None:
    async def act(stage: Stage) -> None:
        with pytest.raises(ConflictError) as caught:
            desk(stage).delete("one")
        for place in (
            "route[0].match.account",
            "distribution_list[0].accounts",
            "rule[0].when.account",
            "fault[0].account",
        ):
            assert place in str(caught.value)
        assert desk(stage).get("one").system_id == "one"

    on_stage(NAMED, act)


def test_there_is_an_end_to_it(monkeypatch: pytest.MonkeyPatch) -> None:
    async def act(stage: Stage) -> None:
        monkeypatch.setattr("smppd.control.accounts.MAX_ACCOUNTS", 2)
        with pytest.raises(ConflictError, match="no more than 2"):
            desk(stage).create(Account(system_id="three", password="p"))

    assert MAX_ACCOUNTS > 2
    on_stage(TWO, act)


def test_who_can_be_called() -> None:
    async def act(stage: Stage) -> None:
        with pytest.raises(ConflictError, match="no address to call"):
            await desk(stage).outbind("one")
        with pytest.raises(NotFoundError):
            await desk(stage).outbind("three")
        desk(stage).change("one", AccountChange(outbind="127.0.0.1:9", enabled=False))
        with pytest.raises(ConflictError, match="disabled"):
            await desk(stage).outbind("one")

    on_stage(TWO, act)


def test_what_of_a_view_is_settings() -> None:
    async def act(stage: Stage) -> None:
        before = settings_of(desk(stage).get("one"))
        stage.bound(system_id="one", password="geheim").submit()
        assert settings_of(desk(stage).get("one")) == before
        desk(stage).change("one", AccountChange(window=3))
        assert settings_of(desk(stage).get("one")) != before

    on_stage(TWO, act)
