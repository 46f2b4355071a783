from asyncio import CancelledError
from datetime import UTC

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from smppd.behaviour.conditions import compile_when
from smppd.behaviour.facts import Facts
from smppd.behaviour.firing import Firing
from smppd.behaviour.hooks import Event, Hook
from smppd.behaviour.rules import Hits, RuleBook
from smppd.errors import UserError
from smppd.settings import Pattern, Rule, Test, Then, When
from smppwire.pdus import BindTransceiver, DataSm, DeliverSm, EnquireLink, Pdu, SubmitSm, UnknownPdu
from tests.behaviour.support import rules_of, submit

FACTS = Facts("smppclient1", "transceiver", 0x34)


def book_of(text: str, **options: object) -> RuleBook:
    return RuleBook(rules_of(text), **options)  # type: ignore[arg-type]


def names(book: RuleBook, pdus: list[Pdu], facts: Facts = FACTS) -> list[str]:
    """Which rule fires for each PDU; "" for none."""
    return [firing.rule if (firing := book.find(pdu, facts)) is not None else "" for pdu in pdus]


# -- which rule


def test_no_rules_have_nothing_to_say() -> None:
    book = RuleBook([])
    assert book.find(submit(), FACTS) is None
    assert book.find_out(submit(), FACTS) is None
    assert not book.concerns(submit().command_id)


def test_the_first_that_matches_wins() -> None:
    book = book_of("""
        [[rule]]
        name = "text"
        when = { text = "stop" }
        then = { status = 1 }
        [[rule]]
        name = "exact"
        when = { destination_addr = "336123" }
        then = { status = 2 }
        [[rule]]
        name = "prefix"
        when = { destination_addr = "336*" }
        then = { status = 3 }
        [[rule]]
        name = "rest"
        then = { status = 4 }
    """)
    pdus: list[Pdu] = [submit("336123", "stop"), submit("336123"), submit("336"), submit("44")]
    assert names(book, pdus) == ["text", "exact", "prefix", "rest"]
    assert book.find(submit("336"), FACTS) == Firing("prefix", status=3)
    assert book.hits()["prefix"] == Hits(2, 2, 0)


def test_commands_and_directions_are_kept_apart() -> None:
    book = book_of("""
        [[rule]]
        name = "link"
        when = { command = "enquire_link" }
        then = { answer = "none" }
        [[rule]]
        name = "message"
        when = { destination_addr = "1*" }
        then = { status = 8 }
        [[rule]]
        name = "receipt"
        when = { command = "deliver_sm", direction = "out", destination_addr = "1*" }
        then = { delay = 1 }
        [[rule]]
        name = "any"
        when = { command = "*", sequence_number = 9 }
        then = { connection = "close" }
    """)
    receipt = DeliverSm(1, destination_addr=b"1")
    pdus: list[Pdu] = [EnquireLink(1), submit("1"), DataSm(1, destination_addr=b"1"), receipt]
    assert names(book, pdus) == ["link", "message", "message", ""]
    assert names(book, [UnknownPdu(9, command_id=0x1234), BindTransceiver(9), EnquireLink(9)]) == ["any", "any", "link"]
    sent = book.find_out(receipt, FACTS)
    assert sent is not None
    assert sent.rule == "receipt"
    assert book.find_out(submit("1"), FACTS) is None
    assert book.concerns_out(DeliverSm.command_id)
    assert not book.concerns_out(SubmitSm.command_id)
    assert book.concerns(0x1234), "a rule is about any command"


def test_a_destination_is_not_asked_of_what_has_none() -> None:
    book = book_of(
        '[[rule]]\nwhen = { command = ["submit_sm", "enquire_link"], destination_addr = "1*" }\nthen = { status = 8 }'
    )
    assert names(book, [EnquireLink(1), submit("1")]) == ["", "rule-1"]
    assert not book.concerns(EnquireLink.command_id)


def test_rules_that_are_switched_off_are_not_there() -> None:
    assert not book_of("[[rule]]\nenabled = false\nthen = { status = 8 }").rules


# -- how often


def pattern_of(options: str, count: int = 12) -> str:
    book = book_of(f"[[rule]]\n{options}\nthen = {{ status = 8 }}")
    return "".join("x" if book.find(submit(), FACTS) else "." for _ in range(count))


@pytest.mark.parametrize(
    ("options", "pattern"),
    [
        ("", "xxxxxxxxxxxx"),
        ("times = 2", "xx.........."),
        ("after = 3", "...xxxxxxxxx"),
        ("every = 3", "..x..x..x..x"),
        ("after = 2\nevery = 3", "....x..x..x."),
        ("after = 2\nevery = 3\ntimes = 2", "....x..x...."),
        ("probability = 0.5", ".x.xx..xxxx."),
        ("probability = 0.5\ntimes = 2", ".x.x........"),
        ("probability = 0.5\nevery = 2", ".x.x...x.x.."),
    ],
)
def test_how_often_a_rule_fires(options: str, pattern: str) -> None:
    assert pattern_of(options) == pattern


def test_a_probability_is_kept_over_time() -> None:
    assert pattern_of("probability = 0.1", 10_000).count("x") == pytest.approx(1000, abs=100)


def test_a_rule_that_does_not_fire_lets_the_next_one_try() -> None:
    book = book_of("""
        [[rule]]
        name = "second"
        every = 2
        then = { status = 1 }
        [[rule]]
        name = "rest"
        then = { status = 2 }
    """)
    assert names(book, [submit()] * 4) == ["rest", "second", "rest", "second"]
    assert book.hits() == {"second": Hits(4, 2, 0), "rest": Hits(2, 2, 0)}


def test_draws_depend_on_seed_rule_account_and_ordinal_alone() -> None:
    """However the stream is cut, and whatever other accounts do: the same accounts see the same."""
    text = '[[rule]]\nprobability = 0.5\nthen = { delay = { distribution = "uniform", min = 0, max = 1 } }'
    accounts = {name: Facts(name) for name in ("a", "b")}

    def story(order: str, seed: int = 1) -> dict[str, list[object]]:
        book = book_of(text, seed=seed)
        seen: dict[str, list[object]] = {"a": [], "b": []}
        for name in order:
            seen[name].append(book.find(submit(), accounts[name]))
        return seen

    apart = story("a" * 20 + "b" * 20)
    assert apart == story("ab" * 20) == story("b" * 20 + "a" * 20)
    assert apart["a"] != apart["b"]
    assert apart != story("ab" * 20, seed=2)


def test_scenarios_lead_from_state_to_state() -> None:
    book = book_of("""
        [[rule]]
        name = "first"
        when = { text = "down" }
        scenario = { name = "outage", is = "", becomes = "down" }
        then = { status = 1 }
        [[rule]]
        name = "up"
        when = { text = "up" }
        scenario = { name = "outage", is = "down", becomes = "" }
        then = { delay = 1 }
        [[rule]]
        name = "while"
        scenario = { name = "outage", is = "down" }
        then = { status = 2 }
    """)
    story = [submit(text=text) for text in ("x", "down", "x", "down", "up", "x")]
    assert names(book, story) == ["", "first", "while", "while", "up", ""]
    book.scenarios.set("outage", "down")
    assert names(book, [submit(text="x")]) == ["while"]


def test_schedules_count_from_the_server_or_the_session() -> None:
    text = '[[rule]]\nschedule = {{ for = 10, every = 60, since = "{}" }}\nthen = {{ status = 8 }}'
    for since, awake in (("server", [100, 109, 160, 169]), ("session", [130, 139, 190, 199])):
        book = book_of(text.format(since), started=100.0)
        fired = [
            now for now in range(100, 200) if book.find(submit(), Facts("a", bound_at=130.0, now=now)) and now in awake
        ]
        assert fired == awake
    book = book_of(text.format("server"), started=100.0)
    assert book.find(submit(), Facts("a", now=110.0)) is None


def test_throttling_lasts_and_is_for_one_account() -> None:
    book = book_of("""
        [[rule]]
        name = "slow"
        when = { text = "burst" }
        times = 1
        then = { throttle = 10, status = "ESME_RMSGQFUL" }
    """)
    facts, other = Facts("a", now=5.0), Facts("b", now=5.0)
    story = []
    for now in (5.0, 6.0, 14.9, 15.0):
        facts.now = now
        story.append(book.find(submit(text="burst"), facts))
    assert story == [Firing("slow", status=0x14)] * 3 + [None]
    assert book.find(submit(text="burst"), other) is None, "it fires once, for the first account"
    assert book.hits()["slow"].fired == 1
    assert book.find(submit(text="other"), facts) is None


# -- hooks


def hooked(hook: Hook, options: str = "", **keywords: object) -> RuleBook:
    text = f'[[rule]]\nname = "h"\n{options}\nthen = {{ hook = "lab:f", delay = 2 }}'
    return book_of(text, load=lambda _name: hook, **keywords)


def test_a_hook_has_the_last_word() -> None:
    def hook(event: Event) -> Firing | None:
        assert event.firing == Firing("h", delay=2.0)
        return event.firing._replace(status=0x58) if event.text == "stop" else None

    book = hooked(hook)
    assert book.find(submit(text="stop"), FACTS) == Firing("h", status=0x58, delay=2.0)
    assert book.find(submit(text="go"), FACTS) == Firing("h", delay=2.0)


@pytest.mark.parametrize("error", [ValueError("broken"), SystemExit(3), CancelledError()])
def test_a_broken_hook_is_counted_and_harms_nobody(error: BaseException) -> None:
    def hook(_event: Event) -> None:
        raise error

    seen: list[tuple[str, BaseException]] = []
    book = hooked(hook, on_hook_failure=lambda name, failure: seen.append((name, failure)))
    assert book.find(submit(), FACTS) == Firing("h", delay=2.0)
    assert seen == [("h", error)]
    assert book.hits() == {"h": Hits(1, 1, 1)}


def test_a_hook_that_answers_nonsense_is_broken() -> None:
    book = hooked(lambda _event: "no")  # type: ignore[arg-type,return-value]
    assert book.find(submit(), FACTS) == Firing("h", delay=2.0)
    assert book.hits()["h"].hook_failures == 1


def test_an_interrupt_is_no_failure_of_a_hook() -> None:
    def hook(_event: Event) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        hooked(hook).find(submit(), FACTS)


def test_a_hook_is_asked_only_when_the_rule_fires() -> None:
    calls: list[Event] = []
    book = hooked(calls.append, "every = 2")  # type: ignore[arg-type]
    for _ in range(4):
        book.find(submit(), FACTS)
    assert len(calls) == 2


def test_a_hook_that_cannot_be_imported_keeps_the_rules_from_changing() -> None:
    book = book_of("[[rule]]\nthen = { status = 8 }")
    with pytest.raises(UserError, match="there is no module"):
        book.replace(rules_of('[[rule]]\nname = "h"\nthen = { hook = "no_such_module:f" }'))
    assert [rule.name for rule in book.rules] == ["rule-1"]
    assert book.find(submit(), FACTS) is not None


# -- changes while running


def test_rules_that_stay_keep_their_counts_and_draws() -> None:
    stays = """
        [[rule]]
        name = "stays"
        when = { destination_addr = "1*" }
        times = 3
        probability = 0.5
        then = { status = 1 }
    """
    changes = """
        [[rule]]
        name = "changes"
        times = 2
        then = { status = 2 }
    """
    new = """
        [[rule]]
        name = "new"
        when = { text = "n" }
        then = { status = 3 }
    """
    before, after = stays + changes, new + changes.replace("times = 2", "times = 3") + stays
    book, untouched = book_of(before), book_of(before)
    pdus: list[Pdu] = [submit("1")] * 5
    assert names(book, pdus) == names(untouched, pdus)
    hits = book.hits()
    book.replace(rules_of(after))
    assert list(book.hits()) == ["new", "changes", "stays"], "in the new order"
    assert book.hits()["stays"] == hits["stays"]
    assert book.hits()["changes"] == Hits(0, 0, 0), "another rule under the same name begins anew"
    book.replace(rules_of(stays))
    untouched_alone = [name if name == "stays" else "" for name in names(untouched, [submit("1")] * 10)]
    assert names(book, [submit("1")] * 10) == untouched_alone


def test_a_new_order_is_another_precedence() -> None:
    one = '[[rule]]\nname = "a"\nwhen = { destination_addr = "1*" }\nthen = { status = 1 }\n'
    rules = rules_of(one + '[[rule]]\nname = "b"\nthen = { status = 1 }')
    book = RuleBook(rules)
    assert names(book, [submit("1")]) == ["a"]
    book.replace(rules[::-1])
    assert names(book, [submit("1")]) == ["b"]
    assert book.hits() == {"b": Hits(1, 1, 0), "a": Hits(1, 1, 0)}


def test_one_name_for_two_rules_is_refused() -> None:
    rule = Rule(name="a", then=Then(status=8))
    with pytest.raises(ValueError, match="two rules are called 'a'"):
        RuleBook([rule, rule])


def test_a_reset_begins_anew() -> None:
    book = book_of('[[rule]]\ntimes = 1\nscenario = { name = "s", becomes = "x" }\nthen = { throttle = 5 }')
    assert names(book, [submit()]) == ["rule-1"]
    book.reset()
    assert book.hits() == {"rule-1": Hits(0, 0, 0)}
    assert book.scenarios.states == {}
    assert names(book, [submit()]) == ["rule-1"]


# -- the index against a plain list

DIGITS = st.sampled_from(["", "3", "33", "336", "3361", "337", "4", "44", "447"])
GLOBS = st.sampled_from(["*", "3*", "33*", "336*", "3?6", "33[67]*", "?4*", "336", "44", "447*", "3361"])
DESTINATIONS = st.one_of(
    st.none(),
    st.builds(Pattern, glob=st.one_of(GLOBS, st.lists(GLOBS, min_size=1, max_size=3))),
    st.builds(Pattern, prefix=DIGITS.filter(bool), not_=st.one_of(st.none(), st.builds(Pattern, glob=GLOBS))),
    st.builds(Pattern, equals=st.lists(DIGITS, min_size=1, max_size=2)),
)
WHENS = st.builds(
    When,
    command=st.sampled_from(["*", "submit_sm", "data_sm", ["submit_sm", "data_sm"], ["submit_sm", "enquire_link"]]),
    account=st.one_of(st.none(), st.builds(Pattern, glob=st.sampled_from(["a", "b", "*"]))),
    destination_addr=DESTINATIONS,
    fields=st.one_of(
        st.just({}), st.fixed_dictionaries({"esm_class": st.builds(Test, equals=st.sampled_from([0, 1, [0, 1]]))})
    ),
)
PDUS = st.one_of(
    st.builds(lambda to, kind: SubmitSm(1, destination_addr=to.encode(), esm_class=kind), DIGITS, st.integers(0, 1)),
    st.builds(lambda to: DataSm(1, destination_addr=to.encode()), DIGITS),
    st.just(EnquireLink(1)),
)


def matches(when: When, pdu: Pdu, facts: Facts) -> bool:
    """What a rule says of a PDU when nothing is indexed."""
    name = {SubmitSm: "submit_sm", DataSm: "data_sm", EnquireLink: "enquire_link"}[type(pdu)]  # type: ignore[index]
    test = compile_when(when, UTC)
    return bool({"*", name} & set(when.commands)) and (test is None or test(pdu, facts))


@settings(max_examples=300)
@given(st.lists(WHENS, max_size=12), st.lists(st.tuples(PDUS, st.sampled_from("abc")), max_size=12))
def test_the_index_finds_what_a_plain_list_finds(whens: list[When], story: list[tuple[Pdu, str]]) -> None:
    book = RuleBook([Rule(name=str(place), when=when, then=Then(status=8)) for place, when in enumerate(whens)])
    for pdu, account in story:
        facts = Facts(account)
        expected = next((str(place) for place, when in enumerate(whens) if matches(when, pdu, facts)), "")
        assert names(book, [pdu], facts) == [expected]
        assert book.concerns(pdu.command_id) or not expected
