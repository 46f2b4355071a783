"""Lists in their order whose entries come and go: what rules and faults have in common, shown with rules."""

from __future__ import annotations

from typing import Any

import pytest

from smppd.control import adjusting
from smppd.control.failures import ConflictError, InvalidError, NotFoundError, TooBusyError
from tests.control.support import Stage, status_of
from tests.transport.stage import on_stage

FILE = """
[[account]]
system_id = "alice"
password = "secret"

[[account]]
system_id = "bob"
password = "secret"

[[rule]]
name = "one"
when = { destination_addr = "1*" }
then = { status = 1 }

[[rule]]
name = "two"
when = { destination_addr = "2*" }
then = { status = 2 }
"""


def rule(status: int = 8, **fields: Any) -> dict[str, Any]:
    return {"then": {"status": status}, **fields}


def names(stage: Stage) -> list[str]:
    return [each.name for each in stage.server.rules]


def paths(error: InvalidError) -> list[str]:
    return [where for where, _ in error.problems]


def test_the_newest_goes_first_and_counts_at_once() -> None:
    async def act(stage: Stage) -> None:
        rules = stage.server.control.rules
        esme = stage.bound(system_id="alice", password="secret")
        assert status_of(esme, "1") == 1
        view = rules.add(rule(when={"destination_addr": "1*"}))
        assert (view.name, view.position, view.origin, view.namespace, view.expires_in) == (
            "api-rule-1",
            1,
            "api",
            None,
            None,
        )
        assert status_of(esme, "1") == 8
        rules.delete("api-rule-1")
        assert status_of(esme, "1") == 1
        assert rules.get("one").fired == 2
        assert rules.get("one").origin == "file"
        with pytest.raises(NotFoundError):
            rules.delete("api-rule-1")

    on_stage(FILE, act)


def test_places() -> None:
    async def act(stage: Stage) -> None:
        rules = stage.server.control.rules
        rules.add(rule(name="last"), last=True)
        rules.add(rule(name="before"), before="two")
        rules.add(rule(name="after"), after="two")
        assert names(stage) == ["one", "before", "two", "after", "last"]
        for wrong in ({"before": "tow"}, {"before": "two", "after": "one"}, {"after": "one", "last": True}):
            with pytest.raises(InvalidError):
                rules.add(rule(), **wrong)  # type: ignore[arg-type]
        assert rules.order(["last", "after"]).total == 5
        assert names(stage) == ["last", "after", "one", "before", "two"]
        with pytest.raises(InvalidError) as caught:
            rules.order(["two", "two", "three"])
        assert paths(caught.value) == ["names[1]", "names[2]"]

    on_stage(FILE, act)


def test_names_are_unique() -> None:
    async def act(stage: Stage) -> None:
        rules = stage.server.control.rules
        rules.add(rule(name="api-rule-1"))
        assert rules.add(rule()).name == "api-rule-2"
        with pytest.raises(ConflictError, match='there is a rule "one"'):
            rules.add(rule(name="one"))
        with pytest.raises(InvalidError) as caught:
            rules.put_all([rule(name="a"), rule(name="a"), rule(when={"route": "nowhere"}), rule()])
        assert paths(caught.value) == ["[1].name", "[2].when.route"]
        assert names(stage) == ["api-rule-2", "api-rule-1", "one", "two"]

    on_stage(FILE, act)


def test_one_in_the_place_of_another() -> None:
    async def act(stage: Stage) -> None:
        rules = stage.server.control.rules
        esme = stage.bound(system_id="alice", password="secret")
        assert status_of(esme, "2") == 2
        assert rules.put("two", rule(2, when={"destination_addr": "2*"})).fired == 1  # the same as before
        view = rules.put("two", rule(9, when={"destination_addr": "2*"}))
        assert (view.position, view.fired, view.origin, view.changed) == (2, 0, "file", True)
        assert status_of(esme, "2") == 9
        assert rules.put("new", rule()).position == 1
        with pytest.raises(InvalidError) as caught:
            rules.put("two", rule(name="three"))
        assert paths(caught.value) == ["name"]

    on_stage(FILE, act)


def test_in_use_and_out_of_use() -> None:
    async def act(stage: Stage) -> None:
        rules = stage.server.control.rules
        esme = stage.bound(system_id="alice", password="secret")
        rules.add(rule(name="mine"), namespace="alice", expires_in=60.0)
        assert status_of(esme, "1") == 8
        view = rules.enable("mine", False)
        assert (view.enabled, view.namespace, view.expires_in, view.matched) == (False, "alice", 60.0, 0)
        assert status_of(esme, "1") == 1
        assert rules.enable("mine", True).enabled
        assert status_of(esme, "1") == 8

    on_stage(FILE, act)


def test_a_namespace_concerns_nobody_else() -> None:
    async def act(stage: Stage) -> None:
        rules = stage.server.control.rules
        alice = stage.bound(system_id="alice", password="secret")
        bob = stage.bound(system_id="bob", password="secret")
        rules.add(rule(), namespace="alice")
        rules.add(rule(9, when={"account": "bob"}), namespace="bob")
        assert (status_of(alice, "1"), status_of(bob, "1")) == (8, 9)
        with pytest.raises(InvalidError) as caught:
            rules.add(rule(when={"account": "a*"}), namespace="alice")
        assert paths(caught.value) == ["when.account"]
        with pytest.raises(InvalidError) as caught:
            rules.add(rule(), namespace="carol")
        assert paths(caught.value) == ["namespace"]
        assert [view.name for view in (await rules.page(namespace="bob")).items] == ["api-rule-2"]
        assert rules.put_all([rule(7), rule(6)], namespace="bob").total == 5
        assert status_of(bob, "1") == 7
        rules.reset_counts(namespace="bob")
        assert [rules.get(name).fired for name in ("api-rule-1", names(stage)[0])] == [1, 0]
        assert rules.delete_all(namespace="bob").total == 3
        assert (status_of(alice, "1"), status_of(bob, "1")) == (8, 1)
        assert rules.delete_all().total == 0

    on_stage(FILE, act)


def test_time_to_live() -> None:
    async def act(stage: Stage) -> None:
        rules = stage.server.control.rules
        esme = stage.bound(system_id="alice", password="secret")
        rules.add(rule(name="soon"), expires_in=10.0)
        rules.add(rule(9, name="later", when={"destination_addr": "2*"}), expires_in=20.0)
        assert rules.get("soon").expires_in == 10.0
        stage.advance(9.0)
        assert rules.get("soon").expires_in == 1.0
        assert status_of(esme, "1") == 8
        stage.advance(1.0)
        assert status_of(esme, "1") == 1
        assert names(stage) == ["later", "one", "two"]
        rules.put("later", rule(7))  # without an end
        stage.advance(3600.0)
        assert names(stage) == ["later", "one", "two"]

    on_stage(FILE, act)


def test_a_time_that_is_over_takes_nothing_else_of_its_name() -> None:
    async def act(stage: Stage) -> None:
        rules = stage.server.control.rules
        rules.add(rule(name="mine"), expires_in=10.0)
        stage.server.rules.remove("mine")
        (other,) = [each for each in stage.server.rules if each.name == "one"]
        import msgspec

        stage.server.rules.add(msgspec.structs.replace(other, name="mine"))
        assert rules.get("mine").expires_in is None
        stage.advance(60.0)
        assert "mine" in names(stage)

    on_stage(FILE, act)


def test_pages_and_revisions() -> None:
    async def act(stage: Stage) -> None:
        rules = stage.server.control.rules
        for number in range(60):
            rules.add(rule(name=f"r{number}"))
        first = await rules.page(limit=50)
        assert (len(first.items), first.total) == (50, 62)
        second = await rules.page(limit=50, cursor=first.next or "")
        assert ([view.name for view in second.items[-2:]], second.next) == (["one", "two"], None)
        assert second.items[0].position == 51
        revision = rules.revision
        rules.reset_counts()
        assert rules.revision == revision
        stage.server.rules.remove("one")
        assert rules.revision == revision + 1
        with pytest.raises(InvalidError):
            await rules.page(cursor="nonsense")

    on_stage(FILE, act)


def test_there_is_an_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(adjusting, "MOST", 3)

    async def act(stage: Stage) -> None:
        rules = stage.server.control.rules
        rules.add(rule())
        with pytest.raises(TooBusyError):
            rules.add(rule())
        with pytest.raises(TooBusyError):
            rules.put_all([rule()] * 4)

    on_stage(FILE, act)


def test_a_reload_keeps_what_was_added() -> None:
    async def act(stage: Stage) -> None:
        rules = stage.server.control.rules
        rules.add(rule(name="mine"), namespace="alice", expires_in=60.0)
        rules.put("one", rule(5))
        stage.server.reload(stage.server.control.simulation.configured)
        assert names(stage) == ["mine", "one", "two"]
        assert (rules.get("mine").namespace, rules.get("mine").expires_in) == ("alice", 60.0)
        assert not rules.get("one").changed

    on_stage(FILE, act)
