"""The ledger beside a naive model, under anything that an SMSC and a network may do.

The model keeps every message and every receipt in plain lists, and looks everything up the slow way. After each step
both agree about every number. The ring of a lane is made tiny, so that it goes round, grows, and sets messages aside.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from unittest.mock import patch

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule, run_state_machine_as_test

from smppd.load.histogram import HistogramState, index_of
from smppd.load.ledger import Ledger, ReceiptSeen
from smppd.load.result import Counters

TIMEOUT = 4.0
QUARTERS = st.integers(0, 12).map(lambda count: count / 4)
STATES = st.sampled_from([2, 5, "DELIVRD", 77])
SHARED_ID = b"same-for-many"


@dataclass
class Sent:
    lane: int
    number: int
    intended: float
    written: float
    wants: bool
    fate: str = "in flight"

    @property
    def id(self) -> bytes:
        return b"id-%d-%d" % (self.lane, self.number)


@dataclass
class Waiting:
    id: bytes
    state: int | str
    at: float


class LedgerMachine(RuleBasedStateMachine):
    def __init__(self) -> None:
        super().__init__()
        self.patch = patch("smppd.load.lane.SMALLEST_RING", 4)
        self.patch.start()
        self.now = 100.0
        self.ledger = Ledger(response_timeout=TIMEOUT)
        self.since = float("-inf")
        self.lanes = {0: self.ledger.lane("bind 0"), 1: self.ledger.lane("bind 1")}
        self.last = {0: 0, 1: 0x7FFFFFF0}
        self.model = Counters()
        self.statuses: Counter[str] = Counter()
        self.states: Counter[str] = Counter()
        self.responses: list[float] = []
        self.services: list[float] = []
        self.receipt_times: list[float] = []
        self.sent: list[Sent] = []
        self.awaited: list[tuple[bytes, float]] = []
        self.issued: set[bytes] = set()
        self.plain: set[bytes] = set()
        self.early: list[Waiting] = []

    def teardown(self) -> None:
        """Nothing comes any more: everything is in exactly one place."""
        self.patch.stop()
        self.ledger.finish()
        self.model_expire(float("inf"))
        self.model.missing_receipts += len(self.awaited)
        self.awaited.clear()
        self.they_agree()
        self.reports_agree()
        counters = self.ledger.counters
        assert counters.sent == counters.ok + counters.throttled + counters.errors + counters.unanswered
        assert counters.wanted_receipts == counters.receipts + counters.missing_receipts

    # What happens.

    @rule(
        which=st.integers(0, 1),
        wants=st.one_of(st.booleans(), st.lists(st.booleans(), min_size=1, max_size=8)),
        n=st.integers(1, 8),
        gap=st.sampled_from([0, 0, 0, 1, 3]),
        delays=st.lists(QUARTERS, min_size=8, max_size=8),
        closed_loop=st.booleans(),
    )
    def send(
        self, which: int, wants: bool | list[bool], n: int, gap: int, delays: list[float], closed_loop: bool
    ) -> None:
        lane_number = sorted(self.lanes)[which]
        lane = self.lanes[lane_number]
        wishes = wants if isinstance(wants, list) else [wants] * n
        n = len(wishes)
        first = self.last[lane_number] + 1 + gap
        if first + n - 1 > 0x7FFFFFFF:
            first = 1
        self.last[lane_number] = first + n - 1
        if closed_loop and isinstance(wants, bool):
            intended = [self.now] * n
            lane.sent_run(first, n, self.now, wants_receipt=wants)
        else:
            intended = sorted(self.now - delay for delay in delays[:n])
            lane.sent(first, intended, self.now, wants if isinstance(wants, bool) else bytes(wishes))
            self.ledger.offered(n)
        self.model.offered += n
        self.model.sent += n
        self.model.late += sum(1 for time in intended if time < self.now - 0.001)
        self.sent += [Sent(lane_number, first + index, intended[index], self.now, wishes[index]) for index in range(n)]

    @precondition(lambda self: self.sent)
    @rule(data=st.data(), as_run=st.booleans(), shared=st.sampled_from([False, False, False, True]))
    def accept(self, data: st.DataObject, as_run: bool, shared: bool) -> None:
        chosen = self.some_of_a_lane(data)
        if as_run:
            chosen.sort(key=lambda message: message.number)
        lane = self.lanes[chosen[0].lane]
        ids = [SHARED_ID if shared else message.id for message in chosen]
        expected = sum(self.model_answer(message, 0, name) for message, name in zip(chosen, ids, strict=True))
        assert lane.answered([message.number for message in chosen], self.now, ids) == expected

    @precondition(lambda self: self.sent)
    @rule(data=st.data(), status=st.sampled_from([8, 0x14, 0x58, 0x4321]))
    def refuse(self, data: st.DataObject, status: int) -> None:
        for message in self.some_of_a_lane(data):
            freed = self.model_answer(message, status, b"")
            assert self.lanes[message.lane].refused(message.number, status, self.now) == freed

    @rule(which=st.integers(0, 1), beyond=st.integers(1, 40), refused=st.booleans())
    def answer_nothing(self, which: int, beyond: int, refused: bool) -> None:
        lane_number = sorted(self.lanes)[which]
        number = self.last[lane_number] + beyond
        if number > 0x7FFFFFFF:
            return
        if refused:
            assert not self.lanes[lane_number].refused(number, 8, self.now)
        else:
            assert self.lanes[lane_number].answered_run(number, 1, self.now, [b"whatever"]) == 0
        self.model.unknown_answers += 1

    @precondition(lambda self: self.sent)
    @rule(data=st.data(), state=STATES, by_tlv=st.booleans(), times=st.integers(1, 2))
    def receive(self, data: st.DataObject, state: int | str, by_tlv: bool, times: int) -> None:
        """A receipt of a message that is answered, or will be, or not, or had one."""
        name = data.draw(st.sampled_from([message.id for message in self.sent[-12:]] + [SHARED_ID, b"id-of-others"]))
        seen = ReceiptSeen(name, b"something else", state) if by_tlv else ReceiptSeen(None, name, state)
        self.ledger.receipts([seen] * times, self.now)
        for _ in range(times):
            self.model_receipt(Waiting(name, state, self.now))

    @rule()
    def receive_without_an_id(self) -> None:
        self.ledger.receipts([(None, None, "DELIVRD"), (b"", b"", 2)], self.now)
        self.model.unknown_receipts += 2

    @rule(seconds=QUARTERS)
    def wait(self, seconds: float) -> None:
        self.now += seconds
        freed = {lane.name: n for lane, n in self.ledger.settle(self.now)}
        expected = Counter(f"bind {message.lane}" for message in self.flying() if message.written <= self.now - TIMEOUT)
        assert freed == expected
        self.model_expire(self.now - TIMEOUT)

    @rule(which=st.integers(0, 1))
    def lose(self, which: int) -> None:
        lane_number = sorted(self.lanes)[which]
        flying = [message for message in self.flying() if message.lane == lane_number]
        assert self.ledger.lost(self.lanes.pop(lane_number)) == len(flying)
        for message in flying:
            message.fate = "lost"
        self.model.connection_lost += len(flying)
        self.sent = [message for message in self.sent if message.lane != lane_number or message.wants]
        fresh = max(self.last) + 1
        self.last[fresh] = 0
        self.lanes[fresh] = self.ledger.lane(f"bind {fresh}")

    @rule()
    def measure(self) -> None:
        self.ledger.start_measuring(self.now)
        self.since = self.now
        self.responses.clear()
        self.services.clear()
        self.receipt_times.clear()

    @rule()
    def roll(self) -> None:
        self.ledger.roll(self.now)

    # What should be.

    def some_of_a_lane(self, data: st.DataObject) -> list[Sent]:
        alive = [message for message in self.sent if message.lane in self.lanes]
        if not alive:
            self.send(0, False, 3, 0, [0.0] * 8, closed_loop=True)
            alive = self.sent[-3:]
        lane = data.draw(st.sampled_from(sorted({message.lane for message in alive})))
        of_lane = [message for message in alive if message.lane == lane]
        return data.draw(st.lists(st.sampled_from(of_lane), min_size=1, max_size=10))

    def flying(self) -> list[Sent]:
        return [message for message in self.sent if message.fate == "in flight"]

    def model_answer(self, message: Sent, status: int, name: bytes) -> bool:
        before = message.fate
        if before == "answered":
            self.model.doubled_answers += 1
            return False
        if before == "timed out":
            self.model.timed_out -= 1
            self.model.late_answers += 1
        message.fate = "answered"
        self.statuses[{0: "ESME_ROK", 8: "ESME_RSYSERR", 0x14: "ESME_RMSGQFUL"}.get(status) or hex_name(status)] += 1
        if message.intended >= self.since:
            self.responses.append(self.now - message.intended)
            self.services.append(self.now - message.written)
        if status:
            self.model.throttled += status in (0x14, 0x58)
            self.model.errors += status not in (0x14, 0x58)
        else:
            self.model.ok += 1
            if message.wants:
                self.model_accepted(name, message.intended)
            else:
                self.model.duplicate_ids += name in self.plain
                self.plain.add(name)
        return before == "in flight"

    def model_accepted(self, name: bytes, intended: float) -> None:
        self.model.wanted_receipts += 1
        self.model.duplicate_ids += name in self.issued
        self.issued.add(name)
        self.awaited.append((name, intended))
        for waiting in self.early:
            if waiting.id == name:
                self.early.remove(waiting)
                self.model.early_receipts += 1
                self.model_receipt(waiting)
                break

    def model_receipt(self, receipt: Waiting) -> None:
        for position, (name, intended) in enumerate(self.awaited):
            if name == receipt.id:
                del self.awaited[position]
                self.model.receipts += 1
                self.states[{2: "DELIVRD", 5: "UNDELIV", 77: "0x4d"}.get(receipt.state, "DELIVRD")] += 1
                if intended >= self.since:
                    self.receipt_times.append(receipt.at - intended)
                return
        if receipt.id in self.issued or any(waiting.id == receipt.id for waiting in self.early):
            self.model.doubled_receipts += 1
        else:
            self.early.append(receipt)

    def model_expire(self, limit: float) -> None:
        for message in self.flying():
            if message.written <= limit:
                message.fate = "timed out"
                self.model.timed_out += 1
        horizon = min((message.written for message in self.flying()), default=float("inf"))
        self.model.unknown_receipts += sum(1 for waiting in self.early if waiting.at < horizon)
        self.early = [waiting for waiting in self.early if waiting.at >= horizon]

    @invariant()
    def they_agree(self) -> None:
        counters = self.ledger.counters
        assert counters == self.model
        assert counters.in_flight == len(self.flying()) == sum(lane.in_flight for lane in self.lanes.values())
        assert counters.awaited_receipts == self.ledger.awaited_receipts == len(self.awaited)

    @rule()
    def reports_agree(self) -> None:
        report = self.ledger.report()
        assert report.counters == self.model
        assert report.statuses == self.statuses
        assert report.receipt_states == self.states
        assert filled(report.submit_response) == in_buckets(self.responses)
        assert filled(report.service) == in_buckets(self.services)
        assert filled(report.receipt) == in_buckets(self.receipt_times)


def in_buckets(times: list[float]) -> dict[int, int]:
    return Counter(index_of(round(time * 1e6)) for time in times)


def filled(state: HistogramState) -> dict[int, int]:
    return dict(zip(state.indices, state.counts, strict=True))


def hex_name(status: int) -> str:
    return "ESME_RTHROTTLED" if status == 0x58 else f"0x{status:08x}"


def test_the_account_is_that_of_the_model() -> None:
    run_state_machine_as_test(
        LedgerMachine,
        settings=settings(
            max_examples=60,
            stateful_step_count=40,
            deadline=None,
            suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much],
        ),
    )
