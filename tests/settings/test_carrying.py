"""What a reload does to things that were made while the server ran."""

from __future__ import annotations

from smppd.settings import Account, Dialect, Match, Network, Pattern, Route, Rule, Settings, Then, When
from smppd.settings.carrying import carried_over
from smppd.settings.faults import RouteDown


def rule(name: str, status: int = 1, **when: Pattern) -> Rule:
    return Rule(name=name, when=When(**when), then=Then(status=status))  # type: ignore[arg-type]


def rules(*named: Rule) -> Settings:
    return Settings(rule=list(named))


def names(settings: Settings) -> list[str]:
    return [one.name for one in settings.rule]


def test_without_additions_the_files_say_it_all() -> None:
    before, after = rules(rule("a"), rule("b")), rules(rule("b", 2), rule("c"))
    assert carried_over(before, before, after) == after
    changed = rules(rule("a", 7), rule("b", 7))
    assert carried_over(changed, before, after) == after
    assert carried_over(rules(), before, after) == after


def test_what_was_added_stays_in_its_place() -> None:
    before = rules(rule("a"), rule("b"))
    running = rules(rule("x"), rule("y"), rule("a"), rule("z"), rule("b"), rule("last"))
    assert names(carried_over(running, before, before)) == ["x", "y", "a", "z", "b", "last"]
    after = rules(rule("b"), rule("new"), rule("a"))
    assert names(carried_over(running, before, after)) == ["x", "y", "b", "last", "new", "a", "z"]
    assert names(carried_over(running, before, rules(rule("b")))) == ["x", "y", "z", "b", "last"]
    assert names(carried_over(running, before, rules())) == ["x", "y", "z", "last"]


def test_the_files_have_their_names() -> None:
    running = rules(rule("mine", 5), rule("a"))
    merged = carried_over(running, rules(rule("a")), rules(rule("a"), rule("mine", 9)))
    assert merged.rule == [rule("a"), rule("mine", 9)]


def test_everything_that_has_a_name() -> None:
    before = Settings()
    running = Settings(
        account=[*before.account, Account(system_id="mine", password="x", dialect="mine")],
        dialect={**before.dialect, "mine": Dialect(description="m")},
        network={**before.network, "mine": Network(absent_for=5)},
        route=[Route(name="mine", match=Match(account="mine"), network="mine"), *before.route],
        rule=[rule("mine", account=Pattern(equals="mine"), route=Pattern(glob="mine"))],
        fault=[RouteDown(name="mine", route="mine")],
    )
    assert carried_over(running, before, before) == running


def test_what_refers_to_something_that_is_gone_goes() -> None:
    before = Settings(
        account=[Account(system_id="a", password="x"), Account(system_id="b", password="x")],
        dialect={"default": Dialect(), "d": Dialect()},
        network={"default": Network(), "n": Network()},
        route=[Route(name="r", match=Match(service_type="WAP")), Route(name="default")],
    )
    running = Settings(
        account=[*before.account, Account(system_id="mine", password="x", dialect="d")],
        dialect=before.dialect,
        network=before.network,
        route=[
            Route(name="by_network", match=Match(service_type="x"), network="n"),
            Route(name="by_account", match=Match(account=["a", "b"])),
            Route(name="free", match=Match(service_type="y")),
            *before.route,
        ],
        rule=[rule("by_account", account=Pattern(equals="b")), rule("by_route", route=Pattern(glob="r")), rule("free")],
        fault=[RouteDown(name="by_route", route="r")],
    )
    after = Settings(account=before.account[:1], route=[Route(name="default")])
    merged = carried_over(running, before, after)
    assert [one.system_id for one in merged.account] == ["a"]
    assert [one.name for one in merged.route] == ["free", "default"]
    assert names(merged) == ["free"]
    assert merged.fault == []


def test_a_route_that_would_leave_nothing_to_those_of_the_files_goes() -> None:
    before = Settings(route=[Route(name="a", match=Match(service_type="x"))])
    running = Settings(route=[*before.route, Route(name="all")])
    after = Settings(route=[*before.route, Route(name="b", match=Match(service_type="y"))])
    assert carried_over(running, before, before).route == running.route
    assert carried_over(running, before, after).route == after.route
