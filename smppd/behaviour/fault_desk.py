"""Where the faults of receipts, sessions and load are put to work, and taken away again while the server runs.

Whatever no fault is about knows nothing of faults: its attribute is None.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from smppd.behaviour.receipt_faults import ReceiptDesk
from smppd.behaviour.request_faults import REQUEST_FAULTS, BindFaults, party_of_bind
from smppd.behaviour.session_faults import SessionDesk

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable

    from smppd.behaviour.faults import FaultBook
    from smppd.behaviour.session_faults import Loop
    from smppd.behaviour.waits import Waits
    from smppd.engine.core import Engine
    from smppd.engine.esmes import Bind, Deliverable, EsmeState
    from smppd.engine.ports import FaultySession, SessionFaults


class FaultDesk:
    """The faults of one server that are not about octets and PDUs (`smppd.engine.ports.EngineFaults`)."""

    def __init__(
        self,
        book: FaultBook,
        engine: Engine,
        waits: Waits,
        *,
        sessions: Callable[[], Iterable[FaultySession]],
        attach: Callable[[SessionFaults | None], None],
        loop: Callable[[], Loop] = asyncio.get_running_loop,
    ) -> None:
        """Put the faults of a book to work.

        Args:
            book: which faults there are.
            engine: where receipts and requests go wrong.
            waits: on the engine's clock.
            sessions: the open connections.
            attach: called with what goes wrong with sessions, or None while nothing does.
            loop: the event loop, by whose clock enquire_links are sent.
        """
        self.receipts = ReceiptDesk(engine, waits)
        self.sessions = SessionDesk(engine, waits, sessions=sessions, loop=loop)
        self._book = book
        self._engine = engine
        self._waits = waits
        self._attach = attach
        book.watchers.append(self.choose)
        self.choose()

    def choose(self) -> None:
        """Take the faults that the book has now."""
        occasions = self._book.occasions
        self.receipts.choose(occasions)
        self.sessions.choose(occasions)
        self._attach(self.sessions if self.sessions.is_needed else None)
        self._engine.faults = self if occasions else None
        for esme in self._engine.esmes.values():
            for bind in esme.binds:
                self._judge(bind)

    def opened(self, bind: Bind) -> None:
        """A session has bound."""
        self._judge(bind)
        self.receipts.opened(bind)

    def forget(self, gone: Collection[EsmeState]) -> list[Deliverable]:
        """Let go of these accounts; returns what was held back for them, which never leaves."""
        return self.receipts.forget(gone)

    def _judge(self, bind: Bind) -> None:
        """Give a bind the faults of its requests."""
        party = party_of_bind(bind, bind.esme.system_id)
        chosen = [one for one in self._book.occasions if isinstance(one.fault, REQUEST_FAULTS) and one.concerns(party)]
        bind.faults = None
        if chosen:
            engine = self._engine
            bind.faults = BindFaults(
                bind,
                chosen,
                now=self._waits.now,
                route_of=engine.route_of,
                throttled=engine.observer.throttled,
            )
