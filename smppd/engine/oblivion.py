"""Oblivion: everything that accounts have in the engine is forgotten, as if they had never sent anything.

Their sessions stay. What they sent and what waits for them is gone: messages, receipts, replies, notifications, parts,
flags, broadcasts, whatever is on its way. What other accounts have sent to them stays. Message ids go on, and so do the
counters that are told to Prometheus.

It happens at once, though it may take a while. Each account gets a new `EsmeState`, and its binds belong to that from
then on: nothing finds the old one any more. What is left of it is then taken apart in slices. The engine must not run
until that is done; what is submitted meanwhile belongs to the new states already.
"""

from __future__ import annotations

from collections import deque
from functools import partial
from typing import TYPE_CHECKING, Final

from smppd.engine.esmes import Forgotten
from smppd.engine.peers import Forward

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator

    from smppd.engine.core import Engine
    from smppd.engine.esmes import Deliverable, EsmeState
    from smppd.engine.message import Message

SLICE: Final = 500
"""Messages that are forgotten, or looked at, before others may have a turn: about a millisecond."""


class Oblivion:
    """Forgets what some accounts have in an engine."""

    def __init__(self, engine: Engine, system_ids: Collection[str]) -> None:
        """Forget these accounts; those that the engine does not know are passed over."""
        self._engine = engine
        self._system_ids = system_ids
        self._gone: dict[EsmeState, EsmeState] = {}
        """The old states of the accounts, and the new ones."""
        self.messages = 0
        """How many messages have been forgotten so far."""

    def steps(self) -> Iterator[None]:
        """Forget everything; gives None where others may have a turn. To be gone through to its end."""
        engine = self._engine
        esmes = [esme for system_id in self._system_ids if (esme := engine.esmes.get(system_id)) is not None]
        while engine.slices.works_for(esmes):
            engine.slices.run()  # what is being accepted is accepted, so that it is answered; and then forgotten
            yield
        shelves = engine.messages.at_hand()
        self._gone = {esme: esme.renewed() for esme in esmes}
        self._let_go()
        yield from self._bury(shelves)
        yield from engine.ledger.forget_done(self._gone)
        engine.wake()

    # -- at once ------------------------------------------------------------------------------------------------------

    def _let_go(self) -> None:
        """Have nothing lead to the old states any more, and nothing of theirs lead anywhere."""
        engine, gone = self._engine, self._gone
        for old, new in gone.items():
            engine.esmes[old.system_id] = new
            keeps = partial(self._keeps, new)
            new.pending = deque(filter(keeps, old.pending))
            for bind in new.binds:
                bind.esme = new
                bind.pending = deque(filter(keeps, bind.pending))
                bind.outbound.forget(keeps, new)
            engine.outbox.move(old, new, keeps)
            old.pending.clear()
        held = [] if engine.faults is None else engine.faults.forget(gone)
        for item in held:
            engine.life.lose(item)
        engine.life.forget_accounts(gone)
        engine.broadcasts.forget(gone)
        engine.serve_addresses()

    def _keeps(self, new: EsmeState, item: Deliverable) -> bool:
        """Whether what was to leave towards an account still is: only what another one has sent to it."""
        if isinstance(item, Forgotten):
            item.esme = new
            return True
        if isinstance(item, Forward) and item.message.esme not in self._gone:
            item.esme = new
            new.waiting += 1
            return True
        self._engine.life.lose(item)
        return False

    # -- in slices ----------------------------------------------------------------------------------------------------

    def _bury(self, shelves: list[tuple[dict[bytes, Message], int]]) -> Iterator[None]:
        """Forget the messages that stood on these shelves, of the accounts; the newest first, as `forsake` wants it."""
        gone, life, messages = self._gone, self._engine.life, self._engine.messages
        while shelves:
            shelf, count = shelves.pop()
            entries = list(shelf.values())[:count]
            while entries:
                some = entries[-SLICE:]
                del entries[-SLICE:]  # what nobody else holds is freed now, and not with all the shelf
                for entry in reversed(some):
                    if entry.esme not in gone:
                        continue
                    for message in list(entry.group.members) if entry.group is not None else (entry,):
                        life.forget(message)
                        self.messages += 1
                    messages.remove(entry)
                yield
