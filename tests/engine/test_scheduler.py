"""What happens later happens in order, and what is cancelled does not stay in memory."""

from hypothesis import given
from hypothesis import strategies as st

from smppd.engine import scheduler
from smppd.engine.scheduler import SLOTS_PER_SECOND, Schedule

TIMES = st.one_of(st.floats(0, 0.01), st.floats(0, 5), st.sampled_from([0.5, 1.0, 1.001, 2.0]))


def schedule_of(*dues: float) -> Schedule[int]:
    schedule: Schedule[int] = Schedule()
    for item, due in enumerate(dues):
        schedule.add(due, item)
    return schedule


def test_nothing_waits_at_first() -> None:
    schedule = schedule_of()
    assert schedule.next_due() is None
    assert schedule.pop_due(1e9, 10) == []
    assert len(schedule) == 0


def test_nothing_comes_before_its_time() -> None:
    schedule = schedule_of(1.0)
    assert schedule.pop_due(0.9999999, 10) == []
    assert schedule.pop_due(1.0, 10) == [0]
    assert schedule.pop_due(1.0, 10) == []


def test_equal_times_keep_their_order() -> None:
    assert schedule_of(*[1.5] * 50).pop_due(2.0, 100) == list(range(50))


@given(dues=st.lists(TIMES, max_size=60), steps=st.lists(TIMES, max_size=20), limit=st.integers(1, 7))
def test_the_same_as_a_sorted_list(dues: list[float], steps: list[float], limit: int) -> None:
    """Whatever is taken when, and at most so many at a time, the order is that of the times."""
    schedule = schedule_of(*dues)
    waiting = sorted((due, item) for item, due in enumerate(dues))
    for now in [*sorted(steps), 10.0]:
        while True:
            taken = schedule.pop_due(now, limit)
            expected = [item for due, item in waiting[:limit] if due <= now]
            assert taken == expected
            del waiting[: len(expected)]
            if len(taken) < limit:
                break
    assert len(schedule) == 0


@given(
    steps=st.lists(
        st.one_of(st.tuples(st.just("add"), st.floats(0, 0.003)), st.tuples(st.just("pop"), st.floats(0, 0.001)))
    )
)
def test_what_is_added_while_a_slot_is_being_taken_finds_its_place(steps: list[tuple[str, float]]) -> None:
    schedule: Schedule[int] = Schedule()
    waiting: list[tuple[float, int]] = []
    now = 0.0
    for item, (step, seconds) in enumerate(steps):
        if step == "add":
            schedule.add(now + seconds, item)
            waiting.append((now + seconds, item))
        else:
            now += seconds
            waiting.sort()
            due = [entry for entry in waiting if entry[0] <= now]
            assert schedule.pop_due(now, 2) == [item for _, item in due[:2]]
            del waiting[: len(due[:2])]


@given(dues=st.lists(TIMES, min_size=1, max_size=20), now=TIMES)
def test_whoever_waits_until_it_says_misses_nothing_and_does_not_spin(dues: list[float], now: float) -> None:
    """Sleeping until `next_due` gets everything in a bounded number of wake-ups, each at its exact time."""
    schedule = schedule_of(*dues)
    taken = len(schedule.pop_due(now, 100))
    wakes = 0
    while (due := schedule.next_due()) is not None:
        assert due > now
        now = due
        taken += len(schedule.pop_due(now, 100))
        wakes += 1
    assert taken == len(dues)
    assert now == max(now, *dues)
    assert wakes <= 2 * len(dues)


def test_a_million_events_of_one_instant_are_sorted_once() -> None:
    """A campaign that is scheduled for 18:00 sharp must not be sorted again for each thousand messages that start."""
    sorted_again = 0

    class Slot(list):  # type: ignore[type-arg]
        def sort(self, **options: object) -> None:
            nonlocal sorted_again
            sorted_again += 1
            super().sort(**options)  # type: ignore[call-overload]

    schedule = schedule_of(*[1.0] * 1000)
    key = int(1.0 * SLOTS_PER_SECOND)
    schedule._slots[key] = Slot(schedule._slots[key])
    assert [schedule.pop_due(1.0, 10) for _ in range(100)] == [list(range(n, n + 10)) for n in range(0, 1000, 10)]
    assert sorted_again == 1


def test_slots_and_seconds_convert_exactly() -> None:
    """A clock that stops exactly at the beginning of a slot opens that slot."""
    for slot in range(0, 10**6, 997):
        assert int(slot / SLOTS_PER_SECOND * SLOTS_PER_SECOND) == slot


def test_what_is_cancelled_leaves_memory_before_its_time() -> None:
    schedule: Schedule[int] = Schedule()
    tickets = [schedule.add(3600.0, item) for item in range(1000)]
    for ticket in tickets[:990]:
        schedule.forsake(3600.0, ticket)
    assert 10 <= len(schedule) <= 20
    assert schedule.pop_due(3600.0, 1000) == list(range(990, 1000))


def test_cancelling_everything_leaves_nothing_behind() -> None:
    """One event in each of many thousand slots, all cancelled: neither slots nor their names in the heap stay."""
    schedule: Schedule[int] = Schedule()
    for item in range(20_000):
        due = 1.0 + item / SLOTS_PER_SECOND
        schedule.forsake(due, schedule.add(due, item))
    assert len(schedule) == 0
    assert len(schedule._slots) == len(schedule._forsaken) == 0
    assert len(schedule._heap) <= scheduler.SPARE_KEYS
    assert schedule.next_due() is None


def test_what_is_moved_back_and_forth_does_not_pile_up() -> None:
    """Two items, each moved to another time and back again and again, beside others that stay."""
    schedule: Schedule[str] = Schedule()
    for item in range(10):
        schedule.add(5.0, f"stays {item}")
    moving = {name: (5.0, schedule.add(5.0, name)) for name in ("a", "b")}
    for step in range(1000):
        for name, (due, ticket) in moving.items():
            schedule.forsake(due, ticket)
            due = 5.0 if step % 2 else 7.0
            moving[name] = (due, schedule.add(due, name))
    assert len(schedule) <= 26
    assert schedule.pop_due(9.0, 100) == [*(f"stays {item}" for item in range(10)), "a", "b"]


@given(
    steps=st.lists(
        st.tuples(st.sampled_from(["add", "move", "cancel", "pop"]), st.integers(0, 9), st.floats(0, 0.004)),
        max_size=60,
    )
)
def test_the_wanted_ones_come_up_exactly_once_and_in_order(steps: list[tuple[str, int, float]]) -> None:
    """Adding, moving, cancelling and taking in any order: nobody is lost, nobody comes at a time given up."""
    schedule: Schedule[int] = Schedule()
    wanted: dict[int, tuple[float, int]] = {}
    now = 0.0
    for step, item, seconds in steps:
        if step in ("move", "cancel") and item in wanted:
            schedule.forsake(*wanted.pop(item))
        if (step == "add" and item not in wanted) or step == "move":
            wanted[item] = (now + seconds, schedule.add(now + seconds, item))
        elif step == "pop":
            now += seconds
            due = sorted((when, item) for item, when in wanted.items() if when[0] <= now)
            assert schedule.pop_due(now, 1000) == [item for _, item in due]
            wanted = {item: when for item, when in wanted.items() if when[0] > now}
    assert schedule.pop_due(1e6, 1000) == [item for _, item in sorted((when, item) for item, when in wanted.items())]
    assert len(schedule) == 0


@given(
    steps=st.lists(
        st.one_of(
            st.tuples(st.just("add"), st.floats(0, 0.01)),
            st.tuples(st.just("pop"), st.floats(0, 0.002)),
            st.tuples(st.just("drop"), st.just(0.0)),
        )
    )
)
def test_the_exact_time_disturbs_nothing(steps: list[tuple[str, float]]) -> None:
    """Asking for it opens slots before their time; whatever is added, taken or dropped afterwards is none the worse."""
    schedule: Schedule[int] = Schedule()
    waiting: list[tuple[float, int]] = []
    now = 0.0
    for item, (what, value) in enumerate(steps):
        if what == "add":
            schedule.add(now + value, item)
            waiting.append((now + value, item))
        elif what == "drop" and waiting:
            due, last = waiting.pop()
            # Tickets are counted from 1, one for each item added.
            schedule.forsake(due, 1 + sum(step == "add" for step, _ in steps[:last]))
        elif what == "pop":
            now += value
            due_now = sorted(entry for entry in waiting if entry[0] <= now)
            assert schedule.pop_due(now, 1000) == [item for _, item in due_now]
            waiting = [entry for entry in waiting if entry[0] > now]
        exact = schedule.next_due(exact=True)
        if waiting:
            # It may be the time of something that is not waited for any more, never one that is too late.
            assert exact is not None
            assert exact <= min(waiting)[0]
            if "drop" not in {step for step, _ in steps}:
                assert exact == min(waiting)[0]


def test_what_is_not_wanted_any_more_never_comes_up() -> None:
    schedule: Schedule[int] = Schedule()
    tickets = {number: schedule.add(number / 4, number) for number in range(40)}
    schedule.forsake(0.5, tickets[2])
    assert schedule.next_due(exact=True) == 0.0
    assert schedule.retain(lambda number: number % 2 == 0) == 20
    schedule.forsake(1.0, tickets[4])
    assert schedule.pop_due(100.0, 100) == [0, *range(6, 40, 2)]
    assert schedule.next_due() is None


def test_what_was_added_last_is_let_go_of_at_once() -> None:
    """The whole of a large slot would take long to clean: most of a million that are due together go before."""
    schedule: Schedule[int] = Schedule()
    tickets = [schedule.add(5.0, number) for number in range(100)]
    schedule.forsake(5.0, tickets[97])
    assert len(schedule) == 100, "it lies below others"
    lengths = []
    for place in (99, 98, *reversed(range(97))):
        schedule.forsake(5.0, tickets[place])
        lengths.append(len(schedule))
    assert lengths == [99, *reversed(range(98))]
    assert schedule.next_due() is None


def test_what_is_forsaken_at_the_end_of_an_open_slot_does_not_come_up() -> None:
    schedule: Schedule[int] = Schedule()
    tickets = [schedule.add(5.0 + number * 1e-6, number) for number in range(4)]
    assert schedule.pop_due(5.0, 10) == [0]
    schedule.forsake(5.0 + 1e-6, tickets[1])
    assert schedule.pop_due(6.0, 10) == [2, 3]
