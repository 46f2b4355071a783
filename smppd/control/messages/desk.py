"""The desk for recorded messages: what can be asked about them, and done to them."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Final, Literal

from msgspec import Struct

from smppd.control.failures import ConflictError, InvalidError, NotFoundError, TooBusyError, quoted
from smppd.control.messages.conditions import compile_search
from smppd.control.messages.finder import SLICE, Finder
from smppd.control.messages.index import Index
from smppd.control.messages.life import EventView, tell
from smppd.control.messages.search import Bulk, Count, Criteria, Search, read_search
from smppd.control.messages.traces import Traces
from smppd.control.messages.views import MAX_MEMBERS, Member, MessageView, PartOfText, Shower, member_view, parts_of
from smppd.control.pages import Page, cursor_for, position_in
from smppd.control.pdus import PduDetail
from smppd.engine.message import FIRST_FINAL
from smppd.engine.ports import Outcome
from smppd.settings import time_zone
from smppd.settings.types import MAX_ERR, OUTCOMES, USUAL_ERRORS
from smppwire.constants import MessageState, state_name

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterator

    from smppd.control.messages.finder import Hit
    from smppd.control.pdus import PduDesk
    from smppd.control.simulation import Simulation
    from smppd.engine.message import Message
    from smppd.engine.shelves import Shelves

KIND: Final = "messages"
"""What cursors of lists of messages are called."""

MAX_SEARCHES: Final = 8
"""Searches at the same time: each has its share of the event loop, and holds the columns of one shelf."""


OUTCOME_STATES: Final = {state_name(state): state for state in MessageState if state_name(state) in OUTCOMES} | {
    state.name: state for state in MessageState if state_name(state) in OUTCOMES
}
"""How a message may end, as receipts spell it ("UNDELIV") and as the specification calls it ("UNDELIVERABLE")."""


class MessagePage(Page[MessageView], frozen=True, kw_only=True):
    """Messages in order."""


class MessageCount(Struct, frozen=True, kw_only=True):
    """How many messages there are. is_exact: false where counting ended at its limit."""

    count: int
    is_exact: bool


class WholeText(Struct, frozen=True, kw_only=True):
    """The text that a part belongs to. text: of the parts that are there. is_complete: whether all are."""

    text: str
    is_complete: bool
    total: int
    parts: list[PartOfText]


class MessageDetail(Struct, frozen=True, kw_only=True):
    """One message with its life.

    * whole: the text that it is a part of; null for a message that is whole by itself.
    * group: the messages of its submit_multi, which share the message_id; empty for others. group_size: all of them.
    * events: its life in order. events_dropped: how many were left out between the first and the latest.
    """

    message: MessageView
    whole: WholeText | None
    group: list[Member]
    group_size: int
    events: list[EventView]
    events_dropped: int


class MessagePdu(Struct, frozen=True, kw_only=True):
    """A PDU of a message. kind: request, response, receipt, notification, acknowledgement, forward, answer, or the
    command of what was asked about it."""

    kind: str
    pdu: PduDetail


class MessagePdus(Struct, frozen=True, kw_only=True):
    """The PDUs of a message that the journal still has, in order."""

    items: list[MessagePdu]


class BulkResult(Struct, frozen=True, kw_only=True):
    """What a change of many messages did. changed: messages that ended so. more: others were left for another call."""

    changed: int
    more: bool


class MessagesDesk:
    """Recorded messages: searched, shown, forced to an end, cancelled."""

    def __init__(self, simulation: Simulation, pdus: PduDesk) -> None:
        """Look at the messages of this server; its PDUs are shown by `pdus`."""
        self._simulation = simulation
        self._pdus = pdus
        self._traces = Traces(simulation, pdus)
        self._shower = Shower(simulation.engine.clock)
        self._index: Index | None = None
        self._texts_of: tuple[object, object] = (None, None)
        """The accounts and dialects by which texts were read."""
        self._searches = 0

    # -- searching ----------------------------------------------------------------------------------------------------

    async def search(self, search: Search | None = None, /, **table: Any) -> MessagePage:
        """The messages that are looked for, page by page.

        Given as a `Search`, or by its keys as in JSON: ``search(contains="code", when={"account": "esme1"})``. A page
        is where it is though messages come and go: none comes twice, and none is left out that stays.

        Raises InvalidError for what cannot be asked or for a cursor of another list, TooBusyError.
        """
        search = read_search(table) if search is None else search
        whole = search.unit == "whole"
        after = position_in(KIND, search.cursor, str, int, int) if search.cursor else None
        if after is not None and after[0] != search.order:
            raise InvalidError([("cursor", "it is of a list in the other order")])
        items: list[MessageView] = []
        last: Hit | None = None
        with self._one_more():
            hits = self._hits(search, newest_first=search.order == "newest", after=after and after[1:])
            async for hit in hits:
                if last is not None and len(items) == search.limit:
                    return MessagePage(items=items, next=cursor_for(KIND, search.order, last.shelf, last.number))
                items.append(self._shower.show(hit.message, whole=whole))
                last = hit
        return MessagePage(items=items)

    async def count(self, count: Count) -> MessageCount:
        """How many messages are looked for. Raises InvalidError, TooBusyError."""
        found = 0
        with self._one_more():
            async for _ in self._hits(count, newest_first=True):
                found += 1
                if found > count.limit:
                    return MessageCount(count=count.limit, is_exact=False)
        return MessageCount(count=found, is_exact=True)

    def _hits(
        self, criteria: Criteria, *, newest_first: bool, after: tuple[int, int] | None = None
    ) -> AsyncIterator[Hit]:
        simulation = self._simulation
        query = compile_search(criteria, time_zone(simulation.settings.server.timezone))
        pace = self._pdus.pace(SLICE)
        return Finder(self._up_to_date(), query, pace, newest_first=newest_first).hits(after)

    def _up_to_date(self) -> Index:
        """The index; its texts are read anew once accounts or dialects have changed."""
        shelves = self._simulation.engine.messages
        if self._index is None or shelves.watcher is not self._index:
            self._index = Index(shelves)
        settings = self._simulation.settings
        texts_of = settings.account, settings.dialect
        if texts_of[0] is not self._texts_of[0] or texts_of[1] is not self._texts_of[1]:
            self._index.drop_texts()
            self._texts_of = texts_of
        return self._index

    @contextmanager
    def _one_more(self) -> Iterator[None]:
        if self._searches >= MAX_SEARCHES:
            raise TooBusyError(f"{MAX_SEARCHES} searches are under way; try again in a moment")
        self._searches += 1
        try:
            yield
        finally:
            self._searches -= 1

    # -- one message --------------------------------------------------------------------------------------------------

    async def get(self, message_id: str, *, destination_addr: str = "") -> MessageDetail:
        """One message with its life.

        `destination_addr` chooses among the messages of a submit_multi; without it the first one is shown.
        Raises NotFoundError.
        """
        message, members = self._find(message_id, destination_addr)
        story = self._simulation.engine.history.of(message)
        traces = await self._traces.of(message, () if story is None else story.events)
        assembly = message.assembly
        whole = None
        if assembly is not None:
            whole = WholeText(
                text=assembly.text, is_complete=assembly.is_complete, total=assembly.total, parts=parts_of(message)
            )
        events = tell(
            message,
            story,
            traces,
            journal=self._simulation.journal,
            shower=self._shower,
            clocks_agree=self._traces.clocks_agree,
            forwarded_to=self._simulation.engine.life.forwarded_to(message),
        )
        return MessageDetail(
            message=self._shower.show(message),
            whole=whole,
            group=[] if message.group is None else [member_view(member) for member in members[:MAX_MEMBERS]],
            group_size=0 if message.group is None else len(members),
            events=events,
            events_dropped=0 if story is None else story.dropped,
        )

    async def pdus(self, message_id: str, *, destination_addr: str = "") -> MessagePdus:
        """The PDUs of a message that are in the journal, taken apart. Raises NotFoundError."""
        message, _ = self._find(message_id, destination_addr)
        story = self._simulation.engine.history.of(message)
        traces = await self._traces.of(message, () if story is None else story.events)
        items = []
        pace = self._pdus.pace(SLICE)
        for trace in traces:
            try:
                items.append(MessagePdu(kind=trace.kind, pdu=self._pdus.get(trace.number, dissect=True)))
            except NotFoundError:
                continue  # it was forgotten a moment ago
            await pace.breathe()
        return MessagePdus(items=items)

    def _find(self, message_id: str, destination_addr: str = "") -> tuple[Message, list[Message]]:
        """The message of an id, and all that share the id. Raises NotFoundError."""
        try:
            key = message_id.encode("latin-1")
        except UnicodeEncodeError:
            raise NotFoundError("message", message_id) from None
        engine = self._simulation.engine
        # As it is kept, as an ESME may spell it in a query_sm, or as receipts spell it: the first match wins.
        dialects = engine.dialects.values()
        keys = [key, *(other for dialect in dialects for other in dialect.keys(key))]
        keys += (other for dialect in dialects for other in dialect.keys_of_receipt(key))
        found = next((message for each in keys if (message := engine.messages.get(each)) is not None), None)
        if found is None:
            raise NotFoundError("message", message_id)
        members = [found] if found.group is None else list(found.group.members)
        wanted = destination_addr.encode("latin-1", "replace")
        message = next((each for each in members if not wanted or each.pdu.destination_addr == wanted), None)
        if message is None:
            raise NotFoundError(f"message {quoted(message_id)} to", destination_addr)
        return message, members

    # -- what is done to messages -------------------------------------------------------------------------------------

    def force(
        self, message_id: str, outcome: str, *, error: int | None = None, destination_addr: str = ""
    ) -> MessageView:
        """Have a message end so now, whatever it waits for; its receipt follows as usual.

        outcome: as in rules ("UNDELIV"), or by the name of the state ("UNDELIVERABLE"). error: as its receipt reports
        it; the usual one when it is not given. Of a submit_multi, all messages to `destination_addr`, or all.

        Raises NotFoundError, ConflictError when it is final, InvalidError for an outcome that is none.
        """
        ends_so = outcome_of(outcome, error)
        return self._end(message_id, destination_addr, lambda each: self._simulation.engine.end_early(each, ends_so))

    def cancel(self, message_id: str, *, destination_addr: str = "") -> MessageView:
        """Cancel a message, as cancel_sm does: it is DELETED. Raises NotFoundError, ConflictError when it is final."""
        return self._end(message_id, destination_addr, self._simulation.engine.delete)

    def _end(self, message_id: str, destination_addr: str, end: Callable[[Message], bool]) -> MessageView:
        message, members = self._find(message_id, destination_addr)
        chosen = [message] if destination_addr else members
        if not sum([end(each) for each in chosen]):
            raise ConflictError(f"message {quoted(message_id)} is final: {MessageState(message.state).name}")
        return self._shower.show(message)

    async def force_all(self, bulk: Bulk, outcome: str, *, error: int | None = None) -> BulkResult:
        """Have all messages end so that are looked for and not final. Raises InvalidError, TooBusyError."""
        ends_so = outcome_of(outcome, error)
        return await self._end_all(bulk, lambda each: self._simulation.engine.end_early(each, ends_so))

    async def cancel_all(self, bulk: Bulk) -> BulkResult:
        """Cancel all messages that are looked for and not final. Raises InvalidError, TooBusyError."""
        return await self._end_all(bulk, self._simulation.engine.delete)

    async def _end_all(self, bulk: Bulk, end: Callable[[Message], bool]) -> BulkResult:
        changed = 0
        pace = self._pdus.pace(SLICE)
        shelves = self._simulation.engine.messages
        with self._one_more():
            async for hit in self._hits(bulk, newest_first=False):
                self._check_are_current(shelves)
                parts = [hit.message]
                if bulk.unit == "whole" and hit.message.assembly is not None:
                    parts = hit.message.assembly.in_order
                open_ones = [part for part in parts if part.state < FIRST_FINAL]
                if open_ones and changed >= bulk.limit:
                    return BulkResult(changed=changed, more=True)
                changed += sum([end(part) for part in open_ones])
                await pace.breathe()
        self._check_are_current(shelves)
        return BulkResult(changed=changed, more=False)

    def _check_are_current(self, shelves: Shelves) -> None:
        """Raise ConflictError when the engine has other messages by now."""
        if self._simulation.engine.messages is not shelves:
            raise ConflictError("a snapshot was restored meanwhile: what was changed before is gone")


def outcome_of(name: str, error: int | None) -> Outcome:
    """The outcome of a name, with its usual error unless another is given, 0 to MAX_ERR. Raises InvalidError."""
    state = OUTCOME_STATES.get(name.upper())
    if state is None:
        raise InvalidError([("outcome", f"expected one of {', '.join(OUTCOME_STATES)}")])
    if error is None:
        error = USUAL_ERRORS.get(state_name(state), 0)
    if not 0 <= error <= MAX_ERR:
        raise InvalidError([("error", f"expected an integer from 0 to {MAX_ERR}, got {error}")])
    return Outcome(int(state), error)


OutcomeName = Literal[
    "DELIVRD",
    "EXPIRED",
    "DELETED",
    "UNDELIV",
    "ACCEPTD",
    "UNKNOWN",
    "REJECTD",
    "DELIVERED",
    "UNDELIVERABLE",
    "ACCEPTED",
    "REJECTED",
]
"""What `OUTCOME_STATES` has."""
