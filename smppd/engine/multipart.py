"""Long messages: which parts belong together, what they say together, and one receipt for all of them if asked for.

Parts are told by a concatenation element in the user data header, of 8 or 16 bits, or by the three sar_ TLVs (3GPP TS
23.040 section 9.2.3.24.1, SMPP 3.4 sections 5.3.2.22 to 5.3.2.24). Each is a message of its own, with its own id and
its own fate; an `Assembly` holds those that make one text. A message_payload is whole by itself.

A part that comes twice takes the place of its earlier copy: 23.040 lets the last of two occurrences count, and an ESME
that repeats a part knows only the id of the repetition. The earlier copy belongs to nothing any more and reports for
itself. A reference is free again as soon as its message is complete.
"""

from __future__ import annotations

from itertools import groupby
from typing import TYPE_CHECKING, Final, NamedTuple, TypeAlias

from smppd.engine.message import DELIVERED, FIRST_FINAL, is_reported, text_octets
from smppwire.constants import EsmClassFeature, TlvTag
from smppwire.text import Alphabet, decode_text
from smppwire.udh import Element, Iei, Udh, UdhError, parse_udh

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Sequence

    from smppd.engine.esmes import EsmeState
    from smppd.engine.message import Message
    from smppwire.pdus import SubmitSm

MAX_WAITING_PARTS: Final = 100_000
"""Parts that wait for others, of all messages together: as many as messages are retained by default, so that they at
most double that memory. Beyond it the message that has waited longest is given up, as if its time were over."""

UDHI: Final = int(EsmClassFeature.UDHI)
SAR: Final = 0
"""The kind of parts that the sar_ TLVs number. Those told by a user data header are of kind 8 or 16: the reference's
bits."""

FEWEST_PARTS: Final = 2
"""A part that says it is the only one is a message like any other."""

SAR_MSG_REF_NUM: Final = int(TlvTag.SAR_MSG_REF_NUM)
SAR_TOTAL_SEGMENTS: Final = int(TlvTag.SAR_TOTAL_SEGMENTS)
SAR_SEGMENT_SEQNUM: Final = int(TlvTag.SAR_SEGMENT_SEQNUM)

LANGUAGE_ELEMENTS: Final = (Iei.NATIONAL_LANGUAGE_SINGLE_SHIFT, Iei.NATIONAL_LANGUAGE_LOCKING_SHIFT)
NO_HEADER: Final = Udh()


class Part(NamedTuple):
    """Which part of which message a submit_sm is: part `seq` (from 1) of `total` (2 or more) under `reference`."""

    kind: int
    reference: int
    total: int
    seq: int


def user_data(pdu: SubmitSm) -> tuple[Udh, bytes]:
    """The user data header and the octets of the text. A header that runs over its end is none (23.040 9.2.3.24)."""
    octets = text_octets(pdu)
    if pdu.esm_class & UDHI:
        try:
            return parse_udh(octets)
        except UdhError:
            pass
    return NO_HEADER, octets


def text_of(pdu: SubmitSm, default_alphabet: str = Alphabet.GSM7) -> str:
    """The text of one submit_sm without its user data header. Never raises; binary data comes out as Latin-1."""
    header, octets = user_data(pdu)
    # Where there is no header, packed septets are not aligned behind one either.
    udh = None if header is NO_HEADER else header
    return decode_text(octets, pdu.data_coding, default_alphabet=default_alphabet, udh=udh)


def part_of(pdu: SubmitSm) -> Part | None:
    """Which part this is; None for a message that is whole by itself, numbers that cannot be included."""
    if pdu.esm_class & UDHI:
        concat = user_data(pdu)[0].concat
        if concat is not None:
            return Part(concat.bits, concat.ref, concat.total, concat.seq) if concat.total >= FEWEST_PARTS else None
    if not pdu.tlvs:
        return None
    reference = pdu.tlv(SAR_MSG_REF_NUM)
    total = int.from_bytes(pdu.tlv(SAR_TOTAL_SEGMENTS) or b"", "big")
    seq = int.from_bytes(pdu.tlv(SAR_SEGMENT_SEQNUM) or b"", "big")
    if reference is None or total < FEWEST_PARTS or not 1 <= seq <= total:
        return None
    return Part(SAR, int.from_bytes(reference, "big"), total, seq)


class Verdict(NamedTuple):
    """What became of a whole message, as its one receipt reports it."""

    state: int
    """DELIVERED when every part was; else the state of the first part, by number, that was not."""
    error_code: int
    """The error code of that part."""
    delivered: int
    """How many parts were delivered (`dlvrd:`)."""


Key: TypeAlias = "tuple[EsmeState, bytes, bytes, int, int, int]"
"""Account, source and destination address, kind, reference, total: what the parts of one message have in common."""


class Assembly:
    """The parts of one message, as far as they have come.

    `parts` are the messages by their number. `carrier` is the number of the part that reports for all of them, 0 when
    each reports for itself; `final` counts the parts whose state is final; `verdict` is set once all are and one of
    them is to tell. `started_at` is when the first part came, in seconds of the engine's clock.
    """

    __slots__ = ("carrier", "final", "key", "parts", "started_at", "total", "verdict")

    def __init__(self, key: Key, total: int, carrier: int, started_at: float) -> None:
        self.key = key
        self.total = total
        self.carrier = carrier
        self.started_at = started_at
        self.parts: dict[int, Message] = {}
        self.final = 0
        self.verdict: Verdict | None = None

    @property
    def is_complete(self) -> bool:
        """Whether all parts are there: accepted, not necessarily delivered."""
        return len(self.parts) == self.total

    @property
    def is_delivered(self) -> bool:
        """Whether all parts are there and each was delivered: only then does a handset show the text."""
        return self.is_complete and all(part.state == DELIVERED for part in self.parts.values())

    @property
    def in_order(self) -> list[Message]:
        """The parts that are there, by their number."""
        return [self.parts[seq] for seq in sorted(self.parts)]

    @property
    def first(self) -> Message:
        """The first of the parts that are there."""
        return self.parts[min(self.parts)]

    @property
    def final_wall(self) -> float:
        """When the last part became final (Unix time), 0.0 while none is."""
        return max(part.final_wall for part in self.parts.values())

    @property
    def text(self) -> str:
        """The whole text; what is missing leaves nothing."""
        parts = self.in_order
        return join_texts([part.pdu for part in parts], parts[0].esme.dialect.default_alphabet)


def join_texts(pdus: Sequence[SubmitSm], default_alphabet: str) -> str:
    """The text of parts in order.

    Neighbours in the same alphabet are decoded as one, because some ESMEs cut a character in two. Packed septets are
    aligned anew in each part.
    """
    if default_alphabet == Alphabet.GSM7_PACKED:
        return "".join(text_of(pdu, default_alphabet) for pdu in pdus)
    pieces = [(*user_data(pdu), pdu.data_coding) for pdu in pdus]
    return "".join(
        decode_text(
            b"".join(octets for _, octets, _ in run), data_coding, default_alphabet=default_alphabet, udh=Udh(tables)
        )
        for (data_coding, tables), run in groupby(pieces, key=lambda piece: (piece[2], _tables(piece[0])))
    )


def _tables(header: Udh) -> tuple[Element, ...]:
    """The elements of a header that choose national language tables."""
    return tuple(element for element in header.elements if element.iei in LANGUAGE_ELEMENTS)


def whole(message: Message) -> Assembly | None:
    """The message that this one is a part of; None when it is no part.

    One that was given up, or that holds nothing but an earlier copy of a part, never becomes complete.
    """
    return message.assembly


class Multipart:
    """The messages whose parts are still coming, and the receipts that wait for other parts."""

    def __init__(
        self,
        *,
        report: Callable[[Message], None],
        report_whole: Callable[[Message], None],
        settle: Callable[[Message], None],
        show: Callable[[Assembly], None],
    ) -> None:
        """Set up.

        Args:
            report: called with a final part that is to report for itself after all.
            report_whole: called with the part that is to report the `verdict` of its assembly.
            settle: called with a final part that is not to be reported.
            show: called with an assembly all of whose parts were delivered.
        """
        self.timeout = 0.0
        """Seconds from the first part after which a message that is not complete is given up."""
        self._report = report
        self._report_whole = report_whole
        self._settle = settle
        self._show = show
        self._open: dict[Key, Assembly] = {}
        """The messages that are not complete, the one that began first in front."""
        self._waiting = 0

    def __len__(self) -> int:
        """How many messages wait for parts."""
        return len(self._open)

    def take(self, message: Message, now: float) -> None:
        """A message was accepted that may be a part: if so, put it to the others."""
        pdu = message.pdu
        part = part_of(pdu)
        if part is None:
            return
        key = _key(message, part)
        assembly = self._open.get(key)
        if assembly is None:
            carrier = {"each": 0, "first": 1, "last": part.total}[message.esme.settings.multipart_receipts]
            assembly = self._open[key] = Assembly(key, part.total, carrier, now)
        elif part.seq in assembly.parts:
            self._set_aside(assembly, part.seq)
        assembly.parts[part.seq] = message
        message.assembly = assembly
        self._waiting += 1
        if assembly.is_complete:
            self._close(assembly)
        elif self._waiting > MAX_WAITING_PARTS:
            self._give_up(next(iter(self._open.values())))

    def replaced(self, message: Message, now: float) -> None:
        """A message that is not final has a new text: it may be another part now, or none."""
        assembly = message.assembly
        if assembly is not None:
            part = part_of(message.pdu)
            seq = next(number for number, other in assembly.parts.items() if other is message)
            if part is not None and part.seq == seq and assembly.key == _key(message, part):
                return
            del assembly.parts[seq]
            message.assembly = None
            if self._open.get(assembly.key) is not assembly:
                self._give_up(assembly)  # it was complete, and nobody else will send this part
            else:
                self._waiting -= 1
                if not assembly.parts:
                    self._close(assembly)
        self.take(message, now)

    def finished(self, message: Message) -> bool:
        """A part became final. True when its receipt is taken care of: it waits for other parts, or all are done."""
        assembly = message.assembly
        if assembly is None:
            return False
        assembly.final += 1
        if assembly.final == assembly.total:
            self._conclude(assembly)
        return assembly.carrier > 0

    def run(self, now: float, limit: int) -> bool:
        """Give up messages whose parts have not all come in time; True when there may be more after `limit` parts."""
        oldest = now - self.timeout
        while self._open:
            assembly = next(iter(self._open.values()))
            if assembly.started_at > oldest:
                return False
            if limit <= 0:
                return True
            limit -= len(assembly.parts)
            self._give_up(assembly)
        return False

    def forget(self, gone: Collection[EsmeState]) -> None:
        """Wait no longer for parts that these accounts might send."""
        for assembly in [assembly for assembly in self._open.values() if assembly.key[0] in gone]:
            self._close(assembly)

    def next_due(self, *, exact: bool = True) -> float | None:  # noqa: ARG002  # it is always exact
        """When the next message is to be given up; None when none waits."""
        return next(iter(self._open.values())).started_at + self.timeout if self._open else None

    # -- handing over and taking back ---------------------------------------------------------------------------------

    def is_open(self, assembly: Assembly) -> bool:
        """Whether more of its parts are awaited."""
        return self._open.get(assembly.key) is assembly

    @property
    def open(self) -> Iterable[Assembly]:
        """The messages that are not complete, the one that began first in front."""
        return self._open.values()

    def put_back(self, assembly: Assembly) -> None:
        """Take back one of `open`, in its order."""
        self._open[assembly.key] = assembly
        self._waiting += len(assembly.parts)

    def _close(self, assembly: Assembly) -> None:
        """No more parts are awaited."""
        del self._open[assembly.key]
        self._waiting -= len(assembly.parts)

    def _set_aside(self, assembly: Assembly, seq: int) -> None:
        """Make room for a later copy of a part: the earlier one is alone from now on, and reports for itself."""
        message = assembly.parts.pop(seq)
        self._waiting -= 1
        message.assembly = alone = Assembly(assembly.key, assembly.total, 0, assembly.started_at)
        alone.parts[seq] = message
        if message.state >= FIRST_FINAL:
            assembly.final -= 1
            alone.final = 1
            if assembly.carrier:
                self._report(message)

    def _give_up(self, assembly: Assembly) -> None:
        """A message will not become complete: the parts that are there report each for itself."""
        if self._open.get(assembly.key) is assembly:
            self._close(assembly)
        if assembly.carrier:
            assembly.carrier = 0
            for part in assembly.in_order:
                if part.state >= FIRST_FINAL:
                    self._report(part)

    def _conclude(self, assembly: Assembly) -> None:
        """All parts are final: show the text if it has arrived, and have one part report for all if that is wanted.

        It is wanted when any of them asks for a receipt of such an outcome: some ESMEs set registered_delivery in the
        first part alone, some in the last.
        """
        parts = assembly.in_order
        failed = next((part for part in parts if part.state != DELIVERED), None)
        if assembly.is_delivered:
            self._show(assembly)
        if not assembly.carrier:
            return
        state, error_code = (DELIVERED, 0) if failed is None else (failed.state, failed.error_code)
        wanted = any(is_reported(part, state) for part in parts)
        carrier = assembly.parts[assembly.carrier]
        for part in parts:
            if part is not carrier or not wanted:
                self._settle(part)
        if wanted:
            assembly.verdict = Verdict(state, error_code, sum(part.state == DELIVERED for part in parts))
            self._report_whole(carrier)


def _key(message: Message, part: Part) -> Key:
    pdu = message.pdu
    return message.esme, pdu.source_addr, pdu.destination_addr, part.kind, part.reference, part.total
