"""A server that does something of everything, and what may be done to it: moves, and what comes of them."""

from __future__ import annotations

import functools
import io
from collections.abc import AsyncIterator, Sequence
from typing import Any

import msgspec

from smppd.control.mo_messages import Mo
from smppwire.codec import decode
from smppwire.constants import TlvTag
from smppwire.pdus import (
    BroadcastSm,
    CancelSm,
    DataSm,
    Pdu,
    QueryBroadcastSm,
    QuerySm,
    ReplaceSm,
    SmeAddress,
    SubmitMulti,
    SubmitSm,
    Tlv,
    Unbind,
)
from tests.transport.stage import Esme, Stage, read
from tests.transport.support import BIND_TRX, DELIVER, answer

CONFIGURATION = """
[server]
interface_version = "5.0"
seed = 7

[messages]
retry = [2, 4, 8]
multipart_timeout = 20
transaction_timeout = 10
retain = 40

[[account]]
system_id = "alice"
password = "a"
address_range = "4411*"
multipart_receipts = "first"
throughput = { limit = 4, burst = 8 }

[[account]]
system_id = "bob"
password = "b"
deliver_window = 2
receipt_bind = "round_robin"
dialect = "odd"

[dialect.odd.receipt]
accepted_first = true

[[distribution_list]]
name = "all"
members = ["33600000001", "33600000002", "33600000003"]

[[route]]
name = "slow"
match = { destination_addr = "44*" }
throughput = { limit = 2, over = "queue" }
network = "dice"

[[route]]
name = "absent"
match = { destination_addr = "35*" }
network = "absent"

[[route]]
name = "rest"
network = "dice"

[network.dice]
delay = { distribution = "uniform", min = 0.5, max = 5.0 }
outcome = { DELIVRD = 5, UNDELIV = 2, EXPIRED = 1 }

[network.absent]
delay = { distribution = "fixed", value = 0.5 }
absent_for = 12

[[rule]]
name = "chance"
when = { destination_addr = "336*" }
probability = 0.3
then = { status = "ESME_RSYSERR" }

[[rule]]
name = "fate"
when = { destination_addr = "337*" }
every = 2
then = { outcome = "REJECTD", error = 9, receipt_delay = 3 }

[[rule]]
name = "reply"
when = { destination_addr = "338*" }
then = { reply = { text = "Yes, {source_addr}", delay = 6 } }

[[rule]]
name = "once"
when = { destination_addr = "339*" }
scenario = { name = "s", is = "", becomes = "done" }
then = { status = "ESME_RTHROTTLED" }

[[rule]]
name = "slowed"
when = { destination_addr = "340*" }
after = 1
times = 1
then = { throttle = 40 }

[[rule]]
name = "tardy"
when = { destination_addr = "353*" }
every = 2
then = { receipt_delay = 3 }

[[fault]]
name = "twice"
kind = "receipt_duplicate"
probability = 0.3

[[fault]]
name = "late"
kind = "receipt_reorder"
for = 5
every = 3

[[fault]]
name = "storm"
kind = "receipt_storm"
account = "bob"
every = 4

[[fault]]
name = "stale"
kind = "stale_session"
for = 3
every = 3
"""

ACCOUNTS = {"alice": "a", "bob": "b"}
PREFIXES = ("33600", "33700", "33800", "33900", "34000", "44200", "44110", "35300", "33100")


settings_of = functools.cache(read)


class Universe:
    """One server, its ESMEs, and all that they have received."""

    def __init__(self) -> None:
        self.stage = Stage(settings_of(CONFIGURATION))
        self.esmes: list[Esme] = []
        self.heard: list[object] = []

    async def snapshot(self, *, journal: bool = False) -> bytes:
        file = io.BytesIO()
        await self.stage.server.control.snapshot.write(file, journal=journal)
        return file.getvalue()

    def told(self, *, with_sessions: bool) -> list[object]:
        """What is told of all messages: those from subscribers, and what was special in the lives of the others."""
        server = self.stage.server
        told: list[object] = []
        for view in server.control.mo.list(limit=1000).items:
            parts = (
                view.parts if with_sessions else [msgspec.structs.replace(part, session=None) for part in view.parts]
            )
            told.append(msgspec.structs.replace(view, parts=parts))
        for message, story in server.engine.history.stories():
            events = story.events if with_sessions else [event._replace(session="") for event in story.events]
            told.append((message.message_id, message.pdu.destination_addr, story.dropped, list(events)))
        return sorted(told, key=repr)

    async def restore(self, octets: bytes) -> None:
        await self.stage.server.control.snapshot.restore(pieces_of(octets))

    def part(self) -> None:
        """All sessions end in order, as in a restore, and nobody hears what they were told in the end."""
        for esme in self.esmes:
            if esme.is_open:
                esme.send(Unbind())
            esme.connection.connection_lost(None)
        self.stage.esmes.clear()
        self.esmes.clear()

    def play(self, moves: Sequence[tuple[Any, ...]]) -> None:
        for name, *arguments in moves:
            getattr(self, "do_" + name)(*arguments)
            self.settle()
            for number, esme in enumerate(self.esmes):
                self.heard += [(name, number, pdu) for pdu in esme.received()]

    def settle(self) -> None:
        self.stage.settle()

    # -- moves --------------------------------------------------------------------------------------------------------

    def do_bind(self, account: str, acknowledges: bool) -> None:
        if len(self.esmes) >= 4:
            return
        esme = self.stage.connect()
        esme.acknowledges = acknowledges
        self.esmes.append(esme)
        esme.feed(_request(BIND_TRX, account.encode() + b"\0" + ACCOUNTS[account].encode() + b"\0\0\x50\0\0\0", esme))

    def do_unbind(self, which: int) -> None:
        if self.esmes:
            esme = self.esmes.pop(which % len(self.esmes))
            self.stage.esmes.remove(esme)
            esme.connection.connection_lost(None)

    def do_wake(self, which: int) -> None:
        """An ESME that has not acknowledged anything does so now."""
        if self.esmes:
            self.esmes[which % len(self.esmes)].acknowledges = True

    def do_refuse(self, which: int, status: int) -> None:
        """An ESME answers what it has been sent with an error."""
        if not self.esmes:
            return
        esme = self.esmes[which % len(self.esmes)]
        esme.take()
        numbers = list(esme.connection._session.window.entries)[:2]
        frames = [answer(DELIVER, status, number, b"\0") for number in numbers]
        if frames and esme.is_open:
            esme.feed(*frames)

    def do_advance(self, quarters: int) -> None:
        self.stage.advance(quarters / 4)

    def _send(self, which: int, *pdus: Pdu) -> None:
        open_ones = [esme for esme in self.esmes if esme.is_open and esme.connection.bind is not None]
        if open_ones:
            open_ones[which % len(open_ones)].send(*pdus)

    def do_submit(self, which: int, destination: tuple[int, int], kind: int, registered: int) -> None:
        prefix, number = destination
        fields: dict[str, Any] = {
            "source_addr_ton": 5,
            "source_addr": b"4411000000" if kind == 8 else b"ACME",
            "dest_addr_ton": 1,
            "dest_addr_npi": 1,
            "destination_addr": f"{PREFIXES[prefix]}{number:06d}".encode(),
            "registered_delivery": registered,
            "short_message": b"Hello %d" % number,
        }
        if kind == 1:
            fields["schedule_delivery_time"] = b"000000000007000R"
        elif kind == 2:
            fields["validity_period"] = b"000000000005000R"
        elif kind in (3, 4):
            fields["esm_class"] = 0x40
            fields["short_message"] = bytes((5, 0, 3, 7, 2, kind - 2)) + b"part"
        elif kind == 5:
            fields["esm_class"] = 2
        elif kind == 6:
            fields["tlvs"] = (Tlv(TlvTag.SET_DPF, b"\1"),)
        elif kind == 7:
            fields["replace_if_present_flag"] = 1
        elif kind == 8:
            fields["esm_class"] = 0x80
        elif kind == 9:
            fields["esm_class"] = 1
        self._send(which, SubmitSm(**fields))

    def do_burst(self, which: int, prefix: int, count: int) -> None:
        self._send(
            which,
            *(
                SubmitSm(
                    source_addr=b"BURST",
                    destination_addr=f"{PREFIXES[prefix]}{number:06d}".encode(),
                    registered_delivery=1,
                    short_message=b"x",
                )
                for number in range(count)
            ),
        )

    def do_data(self, which: int, destination: tuple[int, int], mode: int) -> None:
        prefix, number = destination
        address = f"{PREFIXES[prefix]}{number:06d}".encode()
        tlvs = (Tlv(TlvTag.MESSAGE_PAYLOAD, b"data"), Tlv(TlvTag.SET_DPF, b"\1"))
        self._send(
            which,
            DataSm(source_addr=b"DATA", destination_addr=address, esm_class=mode, registered_delivery=1, tlvs=tlvs),
        )

    def do_mo(self, destination: int, delay: int, is_long: bool) -> None:
        """A subscriber sends something, perhaps later."""
        account, address = ("alice", "4411000000") if destination % 2 else ("bob", "12345")
        text = "Ahoy " * (50 if is_long else 1)
        self.stage.server.control.mo.inject(
            Mo(source_addr="33600000007", destination_addr=address, text=text, account=account, delay=delay / 2)
        )

    def do_acknowledge(self, which: int) -> None:
        """An ESME acknowledges a message that it has got from another."""
        self._send(which, SubmitSm(source_addr=b"4411000000", destination_addr=b"ACME", esm_class=0x08))

    def do_multi(self, which: int, numbers: Sequence[int]) -> None:
        destinations = tuple(SmeAddress(1, 1, b"33100%06d" % number) for number in numbers)
        pdu = SubmitMulti(source_addr=b"MULTI", registered_delivery=1, dest_address=destinations, short_message=b"all")
        self._send(which, pdu)

    def _id(self, back: int) -> bytes:
        messages = list(self.stage.server.engine.messages)
        return messages[-1 - back % len(messages)] if messages else b"1"

    def do_query(self, which: int, back: int) -> None:
        self._send(which, QuerySm(message_id=self._id(back)))

    def do_cancel(self, which: int, back: int) -> None:
        self._send(which, CancelSm(message_id=self._id(back)))

    def do_replace(self, which: int, back: int) -> None:
        self._send(which, ReplaceSm(message_id=self._id(back), registered_delivery=1, short_message=b"New"))

    def do_broadcast(self, which: int, repetitions: int) -> None:
        tlvs = (
            Tlv(TlvTag.BROADCAST_AREA_IDENTIFIER, b"\0area"),
            Tlv(TlvTag.BROADCAST_CONTENT_TYPE, b"\1\0\0"),
            Tlv(TlvTag.BROADCAST_REP_NUM, repetitions.to_bytes(2, "big")),
            Tlv(TlvTag.BROADCAST_FREQUENCY_INTERVAL, b"\x08\0\x02"),
            Tlv(TlvTag.USER_MESSAGE_REFERENCE, b"\0\1"),
        )
        self._send(which, BroadcastSm(source_addr=b"CB", tlvs=tlvs))

    def do_query_broadcast(self, which: int) -> None:
        self._send(which, QueryBroadcastSm(source_addr=b"CB", tlvs=(Tlv(TlvTag.USER_MESSAGE_REFERENCE, b"\0\1"),)))


async def pieces_of(octets: bytes, size: int = 4096) -> AsyncIterator[bytes]:
    """Octets in pieces, as they come from a socket."""
    for start in range(0, len(octets), size):
        yield octets[start : start + size]


def _request(command_id: int, body: bytes, esme: Esme) -> bytes:
    esme.sequence += 1
    header = (16 + len(body), command_id, 0, esme.sequence)
    return b"".join(number.to_bytes(4, "big") for number in header) + body


__all__ = ["Universe", "decode", "pieces_of"]
