"""The engine: takes batches of submissions, moves each message through its life, and keeps what it promised.

Everything happens in two calls. `submit` and its siblings take what one read of a session brought and answer at once.
`run` does whatever is due: outcomes of the network, paced queues, receipts; it returns when it wants to be called
again. Nothing leaves inside `submit`, so a receipt can never overtake its submit_sm_resp, unless a fault asks for that
(`report_early`).

The engine is made of three parts: the `Intake` accepts, the `Life` moves what was accepted, and both write into the
`Ledger`. Here stands what holds them together: accounts, routes, binds, and the turn of the loop.
"""

from __future__ import annotations

from functools import partial
from math import nextafter
from typing import TYPE_CHECKING, Final

from smppd.engine.agenda import Agenda
from smppd.engine.broadcast import Broadcasts
from smppd.engine.esmes import Delivery, EsmeState
from smppd.engine.intake import Intake
from smppd.engine.ledger import Ledger
from smppd.engine.life import Life
from smppd.engine.message import NEVER, is_reported
from smppd.engine.queues import RouteState
from smppd.engine.router import Router
from smppd.engine.slices import Slices
from smppd.engine.submit_multi import DistributionLists
from smppd.patterns import AddressRange
from smppd.settings import DEFAULT

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from smppd.engine.esmes import Bind, Deliverable
    from smppd.engine.handsets import Handsets
    from smppd.engine.ports import Clock, Dialect, EngineFaults, Network, Observer, Witness
    from smppd.settings import Settings

EVENTS_PER_TURN: Final = 1000
"""Due events and finished messages handled per turn of the loop: about a millisecond between two reads."""

EVENTS_IN_CALM: Final = 400
"""The same while time leaps: a hundred thousand things that are due at one moment take a few turns more, and each turn
with all that follows from it stays at a few milliseconds."""

EVENTS_IN_A_FLOOD: Final = 16_000
"""The same while turn after turn leaves something over: the quantum doubles up to here, or to twice what the sessions
have brought since the last turn if that is more. So the work behind the submissions keeps pace with them however fast
they come and however many sessions bring them, and nothing piles up until `[messages] limit` refuses it."""

SWEEP_SECONDS: Final = 1.0
"""How often deliverables of absent ESMEs are checked for expiry."""


STATE: Final = (
    "ledger",
    "life",
    "intake",
    "slices",
    "broadcasts",
    "esmes",
    "routes",
    "lists",
    "_accounts",
    "_validity",
    "_sweep_at",
)
"""The attributes of an engine that are its state, with the settings it goes by."""


class Engine:
    """Messages, routes and accounts of one message centre."""

    def __init__(
        self,
        settings: Settings,
        networks: Mapping[str, Network],
        *,
        clock: Clock,
        dialects: Mapping[str, Dialect],
        observer: Observer,
        wake: Callable[[], None],
    ) -> None:
        """Build an engine.

        Args:
            settings: accounts, routes and limits.
            networks: the networks that routes name.
            clock: time.
            dialects: the dialects that accounts name, and the one called "default", which strangers hear.
            observer: is told about batches.
            wake: called when `run` should be called soon, possibly many times in a row.
        """
        self.clock = clock
        self.dialects = dialects
        self.observer = observer
        self.wake = wake
        self.esmes: dict[str, EsmeState] = {}
        self.routes: dict[str, RouteState] = {}
        self.ledger = ledger = Ledger(clock.wall)
        self.life = life = Life(ledger, clock=clock, observer=observer, wake=wake)
        self.intake = Intake(ledger, life, clock=clock, observer=observer)
        self.slices = Slices(wake)
        self.agenda = Agenda(wake)
        self.broadcasts = Broadcasts()
        self.faults: EngineFaults | None = None
        """What goes wrong here; None while nothing does."""
        self.witness: Witness | None = None
        """Who looks at what happens; None while nobody does. See `show`."""
        self.is_calm = False
        """Whether turns stay short however much is due: while time leaps nothing piles up."""
        self._sweep_at = 0.0
        self._quantum = EVENTS_PER_TURN
        self._held: list[Callable[[], None]] | None = None
        """What sessions have said while the engine is held; None while it is not."""
        self._call_by_name()
        self._apply(settings, networks)

    def _call_by_name(self) -> None:
        """What the parts hold and do, under the engine's name: those who ask need not know who answers."""
        ledger, life, intake = self.ledger, self.life, self.intake
        self.messages = ledger.messages
        self.take_id = ledger.take_id
        self.pending_towards = ledger.pending_towards
        self.outbox = life.outbox
        self.multipart = life.multipart
        self.peers = life.peers
        self.answer_with_outcome = life.answer_with_outcome
        self.reschedule = life.reschedule
        self.replaced = life.replaced
        self.delete = life.delete
        self.end_early = life.end_early
        self.history = ledger.history
        self.submit = intake.submit
        self.accept = intake.accept
        self.let_go = intake.let_go
        self.route_of = intake.route_of
        self.route_for = intake.route_for
        self.admit_to_account = intake.admit_to_account
        self.validity = intake.validity
        self.times_of = intake.times_of

    @property
    def dialect(self) -> Dialect:
        """How this message centre speaks to those it does not know."""
        return self.dialects[DEFAULT]

    @property
    def in_flight(self) -> int:
        """How many messages are not final."""
        return self.ledger.in_flight

    @property
    def handsets(self) -> Handsets:
        """What subscribers have on their screens: the latest texts."""
        return self.life.handsets

    def show(self, witness: Witness | None) -> None:
        """Have this witness look at what becomes of messages; None: nobody looks any more."""
        self.witness = self.life.witness = self.outbox.witness = witness

    # -- configuration -------------------------------------------------------------------------------------------

    def configure(
        self, settings: Settings, networks: Mapping[str, Network], dialects: Mapping[str, Dialect] | None = None
    ) -> None:
        """Take new settings while running: known accounts and routes keep what they hold.

        Those that are gone keep their state, so that nothing is lost and no counter falls to zero. The sessions of such
        an account go on, and its receipts wait for it to come back. Such a route takes no new messages, and what waits
        in its queue or is scheduled on it goes its way under the route's last settings. New dialects (None: those that
        there are) count for what is accepted and sent from now on.
        """
        if dialects is not None:
            self.dialects = dialects
        self._apply(settings, networks)
        self.wake()

    def _apply(self, settings: Settings, networks: Mapping[str, Network]) -> None:
        self.ledger.configure(settings.messages)
        self.life.configure(settings.messages)
        self.broadcasts.configure(settings.messages)
        self.lists = DistributionLists(settings.distribution_list)
        self._validity = settings.messages.default_validity
        for account in settings.account:
            esme = self.esmes.get(account.system_id)
            if esme is None:
                self.esmes[account.system_id] = EsmeState(account, self.dialects[account.dialect])
            else:
                esme.configure(account, self.dialects[account.dialect])
        self._accounts = [account for account in settings.account if account.enabled]
        self.serve_addresses()
        for route in settings.route:
            state = self.routes.get(route.name)
            if state is None:
                self.routes[route.name] = RouteState(route, networks[route.network])
            else:
                state.configure(route, networks[route.network])
        router = Router([(route.match, self.routes[route.name]) for route in settings.route])
        self.intake.configure(settings.messages, router)

    # -- a whole state ------------------------------------------------------------------------------------------------

    @property
    def sweep_at(self) -> float:
        """When deliverables of absent ESMEs are looked at next, in seconds of the clock."""
        return self._sweep_at

    @sweep_at.setter
    def sweep_at(self, moment: float) -> None:
        self._sweep_at = moment

    def adopt(self, other: Engine) -> None:
        """Have the messages, accounts and routes of another engine in the place of one's own, which that one gets.

        It has the same clock, observer and `wake`. Nobody may be bound, neither here nor there; what binds of before
        say afterwards is ignored. Appointments stay, because they are those of sessions.
        """
        mine, theirs = vars(self), vars(other)
        for name in STATE:
            mine[name], theirs[name] = theirs[name], mine[name]
        self.dialects, other.dialects = other.dialects, self.dialects
        self._call_by_name()
        other._call_by_name()
        self.show(self.witness)
        other.show(None)
        self.wake()

    def hold(self) -> None:
        """Let sessions neither come nor go, until `go_on`: somebody reads the state in several turns of the loop."""
        self._held = []

    def go_on(self) -> None:
        """What sessions have said since `hold` is done now."""
        held, self._held = self._held, None
        for call in held or ():
            call()

    def serve_addresses(self) -> None:
        """Look anew whom messages to the addresses of accounts go to."""
        self.peers.configure(
            (self.esmes[account.system_id], AddressRange(account.address_range)) for account in self._accounts
        )

    # -- binds -------------------------------------------------------------------------------------------------------

    def open_bind(self, bind: Bind) -> None:
        """A session bound: what waits for its account may flow."""
        if self._held is not None:
            self._held.append(partial(self.open_bind, bind))
            return
        self.outbox.opened(bind)
        if self.faults is not None:
            self.faults.opened(bind)
        if bind.receives:
            self.wake()

    def close_bind(self, bind: Bind, unacknowledged: Sequence[Deliverable]) -> None:
        """A session ended; `unacknowledged` is what its window still held."""
        if self._held is not None:
            self._held.append(partial(self.close_bind, bind, unacknowledged))
            return
        self.outbox.closed(bind, unacknowledged)
        self.wake()

    def bind_has_room(self, bind: Bind) -> None:
        """The session can be written to again."""
        self.outbox.activate(bind.esme)
        self.wake()

    def acknowledged(self, answers: Iterable[tuple[Deliverable, int]]) -> None:
        """Responses to deliver_sm: each deliverable with the command_status the ESME gave."""
        self.outbox.acknowledged(answers)
        self.life.wake()

    def unanswered(self, items: Iterable[Deliverable]) -> None:
        """Deliver_sm whose response timer ran out."""
        if self._held is not None:
            self._held.append(partial(self.unanswered, list(items)))
            return
        self.outbox.unanswered(items)
        self.wake()

    def deliver(self, kind: str, system_id: str, body: bytes, *, bind: Bind | None = None) -> bool:
        """Queue a deliver_sm of one's own making for an account; False when it is unknown, or at the limit."""
        esme = self.esmes.get(system_id)
        if esme is None or self.ledger.is_full:
            return False
        now = self.clock.now()
        self.ledger.live += 1
        self.outbox.add(Delivery(kind, body, esme, bind, now, now + self._validity))
        self.wake()
        return True

    def deliver_now(self, kind: str, bind: Bind, body: bytes) -> None:
        """Send a deliver_sm of one's own making by this bind at once; without effect at the limit of messages."""
        if not self.ledger.is_full:
            now = self.clock.now()
            self.ledger.live += 1
            self.outbox.send_now(bind, Delivery(kind, body, bind.esme, bind, now, now + self._validity), now)

    def report_early(self, bind: Bind, answers: Iterable[bytes | int]) -> None:
        """Have those receipts leave that a fault wants before the responses: of messages that were just accepted.

        `answers` are what `submit` has returned. Only messages that end by what their network said already are meant.
        """
        for answer in answers:
            message = self.messages.get(answer) if isinstance(answer, bytes) else None
            if (
                message is not None
                and bind.faults is not None
                and self.life.has_outcome(message)
                and is_reported(message, message.outcome.state)
                and bind.faults.comes_early(message)
            ):
                self.outbox.send_ahead(bind.esme, partial(self.life.finish_early, message), self.clock.now())

    def congestion(self, bind: Bind) -> int:
        """How full the server is for this bind, in percent: what congestion_state says (SMPP 5.0 section 4.8.4.18).

        The fullest counts: the messages that are alive, the queue of any route, or the account's throughput window. 100
        is said only when something is full, 0 only when all is idle.
        """
        shares = [self.ledger.live / self.ledger.limit]
        shares += [len(route.queue) / max(1, route.queue_limit) for route in self.life.queued]
        if bind.esme.throughput is not None:
            shares.append(bind.esme.throughput.window.fullness(self.clock.now()))
        share = min(1.0, max(shares))
        return max(int(100 * share), share > 0.0)

    # -- the turn of the loop -----------------------------------------------------------------------------------------

    def run(self) -> float | None:
        """Do what is due. Returns after how many seconds to call again: 0 for at once, None for not until woken."""
        life, ledger, quantum = self.life, self.ledger, EVENTS_IN_CALM if self.is_calm else self._quantum
        life.begin_turn()
        now = self.clock.now()
        slices = self.slices.run()
        more = life.run_schedule(now, quantum)
        more |= life.run_queues(now, quantum)
        more |= life.run_ready(now, quantum)
        if life.replies.count:
            more |= life.replies.run(now, quantum)
        more |= life.run_retries(now, quantum)
        more |= life.multipart.run(now, quantum)
        if self.broadcasts.live:
            more |= self.broadcasts.run(now, self.clock.wall(), quantum)
        if more and not self.is_calm:
            self._quantum = min(2 * quantum, max(EVENTS_IN_A_FLOOD, 2 * ledger.intake))
        else:
            # Not at once back to the smallest: a flood would pile up anew each time the last of it has been handled.
            self._quantum = max(EVENTS_PER_TURN, quantum // 2)
        ledger.intake = 0
        more |= slices
        if life.transactions.is_ready:
            life.transactions.send()
        if self.agenda.count:
            more |= self.agenda.run(now, quantum)
        if self.outbox.has_work:
            more |= self.outbox.send(now)
        if life.alerts:
            more |= life.alerts.run(now, quantum)
        if now >= self._sweep_at:
            self._sweep_at = now + SWEEP_SECONDS
            self.outbox.sweep(self.esmes.values(), now)
        ledger.forget_surplus()
        return 0.0 if more or life.is_ready else self._next_run(now)

    def _next_run(self, now: float) -> float | None:
        """Seconds until something is due that nobody will wake us for."""
        times = self._dues(now, exact=False)
        if self.ledger.live:
            times.append(self._sweep_at)
        return max(0.0, min(times) - now) if times else None

    def _dues(self, now: float, *, exact: bool) -> list[float]:
        """When what is planned is due, a time for each kind of plan; unless `exact`, a little early."""
        times = [route.next_release(now) for route in self.life.queued if route.queue]
        life = self.life
        plans = (life.schedule, life.retries, life.alerts, life.replies, self.broadcasts, self.multipart, self.agenda)
        times += [due for plan in plans if (due := plan.next_due(exact=exact)) is not None]
        return times

    def next_due(self) -> float | None:
        """When something is due next, in seconds of the clock: the next stop of whoever moves a virtual one.

        Unlike `run` this does not ask for a look every second at what waits for absent ESMEs, but for one just after
        the next of it has expired.
        """
        times = self._dues(self.clock.now(), exact=True)
        expiry = self.outbox.next_expiry(self.esmes.values())
        if expiry is not None:
            times.append(max(self._sweep_at, nextafter(expiry, NEVER)))
        return min(times, default=None)
