"""Messages from subscribers: made here, delivered to an ESME by deliver_sm, and followed until it has answered."""

from __future__ import annotations

import asyncio
from collections import deque
from typing import TYPE_CHECKING, Annotated, Final, Literal

from msgspec import Meta, Struct

from smppd.control.failures import ConflictError, InvalidError, NotFoundError, TooBusyError, quoted
from smppd.control.mo_messages import MAX_BATCH, Composer, Mo, octets_of
from smppd.control.mo_saved import InjectionRow
from smppd.control.pages import DEFAULT_LIMIT, Page, page_of
from smppd.control.times import iso
from smppd.engine.mobile_originated import MobileOriginated
from smppd.strict import suggestion
from smppwire.constants import TlvTag, status_name
from smppwire.errors import EncodeError

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator, Sequence

    from smppd.control.simulation import Simulation
    from smppd.engine.esmes import EsmeState

KIND: Final = "mo"
"""What cursors of this list are called."""

PREFIX: Final = "mo-"
"""What ids begin with."""

MAX_PARTS: Final = 10_000
"""Parts of all messages of one batch: about 10 MB."""

MAX_REMEMBERED: Final = 20_000
"""Parts whose messages are remembered here: about 20 MB. Beyond that the oldest message is forgotten, whatever became
of it; it is delivered all the same."""

MAX_SHOWN: Final = 10
"""Accounts that an error names."""

SLICE: Final = 0.002
"""Seconds of work between two turns of the event loop: responses may not wait longer for a batch."""

MoState = Literal["scheduled", "pending", "sent", "acknowledged", "refused", "expired", "dropped"]

WORST_FIRST: Final[tuple[MoState, ...]] = (
    "refused",
    "expired",
    "dropped",
    "scheduled",
    "pending",
    "sent",
    "acknowledged",
)
"""The state of a message is the first of these that any of its parts has."""


class MoPartView(Struct, frozen=True, kw_only=True):
    """One deliver_sm of a message."""

    state: MoState
    command_status: Annotated[str | None, Meta(description="The ESME's last answer; null: none yet.")]
    session: Annotated[str | None, Meta(description="The session that it was sent by last; null: by none.")]
    attempts: Annotated[int, Meta(description="How often it was sent.")]
    esm_class: int
    data_coding: int
    short_message: Annotated[str, Meta(description="Octets in hexadecimal, or those of message_payload.")]


class MoView(Struct, frozen=True, kw_only=True):
    """A message from a subscriber, and what has become of it."""

    id: Annotated[str, Meta(description="Ours; it never travels.")]
    state: Annotated[
        MoState,
        Meta(
            description="`scheduled`: its delay runs. `pending`: it waits for a bind, or a window. `sent`: it waits "
            "for an answer. `acknowledged`: the ESME took all of it. `refused`: it refused a part for good. `expired`: "
            "nobody took it in time. `dropped`: there was no room for it when its delay was over, or its bind cannot "
            "take it."
        ),
    ]
    account: str
    source_addr: str
    destination_addr: str
    text: Annotated[str | None, Meta(description="null: octets were given.")]
    time: Annotated[str, Meta(description="When it was made, on the engine's clock.")]
    due_time: Annotated[str, Meta(description="When it is sent at the earliest, on the engine's clock.")]
    parts: list[MoPartView]


class MoList(Struct, frozen=True, kw_only=True):
    """The messages of a batch, in its order."""

    items: list[MoView]


class _Injection:
    """One message with its parts; the agenda's appointment where it has a delay."""

    __slots__ = ("desk", "due", "id", "made", "parts", "state_before", "ticket", "wanted")

    def __init__(self, desk: MoDesk, wanted: Mo, parts: list[MobileOriginated], made: float) -> None:
        self.desk = desk
        self.id = ""
        self.wanted = wanted
        self.parts = parts
        self.made = made
        """Unix time on the engine's clock."""
        self.state_before: Literal["scheduled", "dropped"] | None = "scheduled"
        """What it is as a whole; None as soon as its parts have states of their own."""
        self.due = 0.0
        self.ticket = 0

    @property
    def system_id(self) -> str:
        """The account that it is for."""
        return self.parts[0].esme.system_id

    @property
    def party(self) -> MoDesk:
        """Whose appointment it is."""
        return self.desk

    def keep(self) -> None:
        """Its delay is over."""
        self.desk.release(self)


class Book:
    """The messages from subscribers that are known."""

    __slots__ = ("count", "messages", "order", "parts", "scheduled")

    def __init__(self, count: int = 0) -> None:
        """Begin with none, behind so many that there have been."""
        self.count = count
        """How many there have been."""
        self.messages: dict[str, _Injection] = {}
        """Those that can be asked for, by their ids."""
        self.order: deque[_Injection] = deque()
        """The same, the oldest first."""
        self.parts = 0
        """How many parts these have."""
        self.scheduled: dict[_Injection, None] = {}
        """Those whose delay runs, those included that cannot be asked for any more."""

    def remember(self, injection: _Injection) -> None:
        """Have it asked for by its id; the oldest are forgotten for that, if need be."""
        self.messages[injection.id] = injection
        self.order.append(injection)
        self.parts += len(injection.parts)
        while self.parts > MAX_REMEMBERED:
            oldest = self.order.popleft()
            del self.messages[oldest.id]
            self.parts -= len(oldest.parts)


class MoDesk:
    """The subscribers of one server, as far as they send."""

    def __init__(self, simulation: Simulation) -> None:
        """Send to the ESMEs of this server."""
        self._simulation = simulation
        self._engine = simulation.engine
        self._composer = Composer()
        self._book = Book()

    # -- looking ------------------------------------------------------------------------------------------------------

    def list(self, *, limit: int = DEFAULT_LIMIT, cursor: str = "") -> Page[MoView]:
        """A page of the messages that are remembered, the newest first. Raises InvalidError for a wrong cursor."""
        return page_of(list(reversed(self._book.order)), self._view, kind=KIND, limit=limit, cursor=cursor)

    def get(self, mo_id: str) -> MoView:
        """One message. Raises NotFoundError when there never was one, or it is forgotten."""
        injection = self._book.messages.get(mo_id)
        if injection is None:
            raise NotFoundError("mobile originated message", mo_id)
        return self._view(injection)

    # -- sending ------------------------------------------------------------------------------------------------------

    def inject(self, mo: Mo) -> MoView:
        """Have a subscriber send a message.

        Raises InvalidError with what is wrong with it, ConflictError when nobody knows whose it is, and TooBusyError at
        the limit of messages.
        """
        injection = self._compose(mo)
        self._reserve([injection])
        self._send(injection)
        return self._view(injection)

    async def inject_all(self, messages: Sequence[Mo]) -> Sequence[MoView]:
        """Have subscribers send up to MAX_BATCH messages: all of them, or none.

        Raises like `inject`; paths of problems begin with `messages[0]`. When a snapshot is restored meanwhile,
        ConflictError: what was sent until then is gone with the state of before.
        """
        if not 1 <= len(messages) <= MAX_BATCH:
            raise InvalidError([("messages", f"expected 1 to {MAX_BATCH} messages, got {len(messages)}")])
        pace = _Pace(self._simulation)
        book = self._book
        injections: list[_Injection] = []
        problems: list[tuple[str, str]] = []
        for index, mo in enumerate(messages):
            try:
                injections.append(self._compose(mo))
            except InvalidError as error:
                place = f"messages[{index}]"
                problems += [(f"{place}.{path}" if path else place, what) for path, what in error.problems]
            await pace.breathe()
        if problems:
            raise InvalidError(problems)
        parts = sum(len(injection.parts) for injection in injections)
        if parts > MAX_PARTS:
            raise InvalidError([("messages", f"they have {parts} parts in all, expected at most {MAX_PARTS}")])
        self._check_is_current(book)
        self._reserve(injections)
        views = []
        for injection in injections:
            self._check_is_current(book)
            self._send(injection)
            views.append(self._view(injection))
            await pace.breathe()
        return views

    def forget(self, system_ids: Collection[str]) -> None:
        """Forget the messages for these accounts; those that are still to be sent never are.

        What waits in the engine already is the engine's to forget.
        """
        book = self._book
        kept: deque[_Injection] = deque()
        for injection in book.order:
            if injection.system_id not in system_ids:
                kept.append(injection)
                continue
            del book.messages[injection.id]
            book.parts -= len(injection.parts)
        book.order = kept
        for injection in [each for each in book.scheduled if each.system_id in system_ids]:
            self._engine.agenda.forsake(injection)
            del book.scheduled[injection]

    # -- handing over and taking back ---------------------------------------------------------------------------------

    @property
    def messages(self) -> int:
        """How many messages there have been."""
        return self._book.count

    @property
    def references(self) -> int:
        """How many texts in several parts there have been."""
        return self._composer.references

    def rows(self, number_of: Callable[[MobileOriginated], int]) -> Iterator[InjectionRow]:
        """What is known here, the oldest first; `number_of` gives each part its number."""
        book = self._book
        forgotten = [each for each in book.scheduled if each.id not in book.messages]
        for injection in (*forgotten, *book.order):
            wanted = injection.wanted
            yield InjectionRow(
                number=int(injection.id.removeprefix(PREFIX)),
                is_remembered=injection.id in book.messages,
                source_addr=wanted.source_addr,
                destination_addr=wanted.destination_addr,
                text=wanted.text,
                delay=wanted.delay,
                made=injection.made,
                state_before=injection.state_before,
                due=injection.due,
                parts=[number_of(part) for part in injection.parts],
            )

    def add_to(self, book: Book, row: InjectionRow, parts: Sequence[MobileOriginated], due: float) -> None:
        """Have one of `rows` known in a book of this desk; `due`: its time on the clock of this server."""
        wanted = Mo(source_addr=row.source_addr, destination_addr=row.destination_addr, text=row.text, delay=row.delay)
        injection = _Injection(self, wanted, [*parts], row.made)
        injection.id = f"{PREFIX}{row.number}"
        injection.state_before = row.state_before
        injection.due = due
        if row.is_remembered:
            book.remember(injection)
        if row.state_before == "scheduled":
            book.scheduled[injection] = None

    def begin_anew(self, book: Book, references: int) -> None:
        """Know this book from now on, after so many texts in several parts; what was known before is gone."""
        agenda = self._engine.agenda
        for injection in self._book.scheduled:
            agenda.forsake(injection)
        self._book = book
        self._composer = Composer(references)
        for injection in book.scheduled:
            agenda.add(injection.due, injection)

    # -- what the agenda asks -----------------------------------------------------------------------------------------

    def release(self, injection: _Injection) -> None:
        """The delay of a message is over: it is sent, or dropped at the limit of messages."""
        del self._book.scheduled[injection]
        ledger = self._engine.ledger
        if ledger.live + len(injection.parts) > ledger.limit:
            injection.state_before = "dropped"
            return
        ledger.live += len(injection.parts)
        self._queue(injection)

    def settle(self) -> None:
        """All delays that were over in this turn have been dealt with: nothing is left to do."""

    # -- inside -------------------------------------------------------------------------------------------------------

    def _view(self, injection: _Injection) -> MoView:
        return _view(injection, self._engine.clock.now())

    def _compose(self, mo: Mo) -> _Injection:
        """A message with its parts. Raises InvalidError, ConflictError."""
        esme = self._account(mo)
        pdus = self._composer.compose(mo, esme.dialect.default_alphabet)
        clock = self._engine.clock
        due = clock.now() + mo.delay
        expires_at = due + (self._engine.validity(None) if mo.validity is None else mo.validity)
        try:
            parts = [MobileOriginated(pdu, esme, due, expires_at) for pdu in pdus]
        except EncodeError as error:
            raise InvalidError([("", str(error))]) from None
        return _Injection(self, mo, parts, clock.wall())

    def _account(self, mo: Mo) -> EsmeState:
        """Whose a message is. Raises InvalidError for an unknown account, ConflictError when nobody knows."""
        esmes = self._engine.esmes
        names = [account.system_id for account in self._simulation.settings.account]
        if mo.account:
            if mo.account not in names:
                hint = suggestion(mo.account, names)
                raise InvalidError([("account", f"there is no account {quoted(mo.account)}" + (hint and f" ({hint})"))])
            return esmes[mo.account]
        destination = octets_of(mo.destination_addr, "destination_addr", [])
        owner = self._engine.peers.owner(destination)
        if owner is not None:
            return owner
        serving = [name for name in names if _serves(esmes[name], destination)] or names
        if len(serving) == 1:
            return esmes[serving[0]]
        if not serving:
            raise ConflictError("there is no account that could get it")
        shown = ", ".join(serving[:MAX_SHOWN]) + (", ..." if len(serving) > MAX_SHOWN else "")
        why = "no address_range of an account or a bind has it" if serving is names else "several have binds for it"
        raise ConflictError(
            f"it is not clear who serves {quoted(mo.destination_addr)}: {why}. Say which account: {shown}"
        )

    def _reserve(self, injections: Sequence[_Injection]) -> None:
        """Take room for all parts that are sent at once. Raises TooBusyError, and takes none then."""
        ledger, agenda = self._engine.ledger, self._engine.agenda
        at_once = sum(len(injection.parts) for injection in injections if not injection.wanted.delay)
        if ledger.live + at_once > ledger.limit:
            raise TooBusyError(f"there is no room for {at_once} more: {ledger.live} of {ledger.limit} messages wait")
        if agenda.is_full and any(injection.wanted.delay for injection in injections):
            raise TooBusyError("too much is planned for later already: send it without a delay, or wait")
        ledger.live += at_once

    def _send(self, injection: _Injection) -> None:
        """Send a message that has its room, or plan to, and remember it."""
        book = self._book
        book.count += 1
        injection.id = f"{PREFIX}{book.count}"
        book.remember(injection)
        if injection.wanted.delay:
            book.scheduled[injection] = None
            self._engine.agenda.add(self._engine.clock.now() + injection.wanted.delay, injection)
        else:
            self._queue(injection)

    def _check_is_current(self, book: Book) -> None:
        if self._book is not book:
            raise ConflictError("a snapshot was restored meanwhile: what was sent before is gone")

    def _queue(self, injection: _Injection) -> None:
        injection.state_before = None
        for part in injection.parts:
            part.esme = self._engine.esmes[part.esme.system_id]  # a reset has perhaps put another in its place
            self._engine.outbox.add(part)
        self._engine.wake()


class _Pace:
    """Gives others their turn whenever a slice of time is over."""

    def __init__(self, simulation: Simulation) -> None:
        self._monotonic = simulation.context.monotonic
        self._until = self._monotonic() + SLICE

    async def breathe(self) -> None:
        if self._monotonic() >= self._until:
            await asyncio.sleep(0)
            self._until = self._monotonic() + SLICE


def _serves(esme: EsmeState, address: bytes) -> bool:
    """Whether a bind of an account says that it is for an address."""
    return any(bind.address_range and bind.address_range.matches(address) for bind in esme.receivers())


def _state_of(part: MobileOriginated, now: float) -> MoState:
    if part.ended is not None:
        return part.ended
    if part.is_on_way:
        return "sent"
    # It may stand behind others in its queue, and is thrown away when its turn comes.
    return "expired" if part.expires_at < now else "pending"


def _view(injection: _Injection, now: float) -> MoView:
    wanted = injection.wanted
    parts = [_part_view(part, injection.state_before or _state_of(part, now)) for part in injection.parts]
    states = {part.state for part in parts}
    return MoView(
        id=injection.id,
        state=next(state for state in WORST_FIRST if state in states),
        account=injection.system_id,
        source_addr=wanted.source_addr,
        destination_addr=wanted.destination_addr,
        text=wanted.text,
        time=iso(injection.made),
        due_time=iso(injection.made + wanted.delay),
        parts=parts,
    )


def _part_view(part: MobileOriginated, state: MoState) -> MoPartView:
    pdu = part.pdu
    return MoPartView(
        state=state,
        command_status=None if part.status is None else status_name(part.status),
        session=part.session or None,
        attempts=part.attempts,
        esm_class=pdu.esm_class,
        data_coding=pdu.data_coding,
        short_message=(pdu.short_message or pdu.tlv(TlvTag.MESSAGE_PAYLOAD) or b"").hex(),
    )
