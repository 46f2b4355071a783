"""Events as people and programs look at them."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Any, Final, TypeAlias

import msgspec
from msgspec import UNSET, Struct, UnsetType

from smppd.behaviour.facts import UDHI, Facts
from smppd.control.times import iso
from smppd.engine.esmes import Delivery
from smppd.engine.message import Message
from smppd.engine.peers import Forward
from smppd.observe.witness import Answered, Attempted, Refused
from smppwire.codec import decode, describe
from smppwire.constants import CommandId, MessageState, TlvTag, command_name, status_name
from smppwire.errors import SmppError
from smppwire.schema import PDUS
from smppwire.session import BINDS
from smppwire.text import decode_text

if TYPE_CHECKING:
    from smppd.engine.esmes import Deliverable
    from smppd.observe.events import Happening
    from smppd.observe.journal import JournalEntry
    from smppd.observe.roster import BindRecord, Roster
    from smppwire.pdus import Pdu

WITH_PASSWORD: Final = BINDS | {CommandId.OUTBIND}
"""Commands that are described without what may be a password."""

RECEIPTED_MESSAGE_ID: Final = int(TlvTag.RECEIPTED_MESSAGE_ID)
MESSAGE_PAYLOAD: Final = int(TlvTag.MESSAGE_PAYLOAD)

ADDRESSES: Final = ("source_addr", "destination_addr", "message_id")
"""The fields by which a message is known."""

SHOWN_OF_TEXT: Final = 64
"""Characters of a text in a line."""

Text: TypeAlias = str | UnsetType
Number: TypeAlias = int | UnsetType


class EventView(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One event. What does not belong to its kind is left out.

    * id: where to go on after it (`since`, `Last-Event-ID`). time: real time. line: all of it in one line for people.
    * kind, event: what has happened; kind "viewer" is about the view itself.
    * clock_time: the same moment on the engine's clock.
    * session, account, bind_type, peer: who. reason: why.
    * direction, number, command, command_status, sequence_number: the PDU. number: in the journal.
    * source_addr, destination_addr, text, message_id: the message.
    * message_state, error_code, attempt, route: what became of it.
    * type: what kind of deliver_sm was sent to an ESME: receipt, intermediate, acceptance, delivery_ack, manual_ack,
      forward, or what else it is a message of.
    * rule, fault: which has fired. scope, count: what was full, and how many requests were refused for it.
    * keys, restart: of the settings that have changed, and of those that wait for a restart.
    * seconds: how long the clock was moved. running, speed: how it goes on.
    * counts: how many events are missing, by kind.
    * gap: whether more may be missing: nobody was looking. detail: what there is to say.
    """

    id: str
    time: str
    kind: str
    event: str
    line: str
    clock_time: Text = UNSET
    session: Text = UNSET
    account: Text = UNSET
    bind_type: Text = UNSET
    peer: Text = UNSET
    reason: Text = UNSET
    direction: Text = UNSET
    number: Number = UNSET
    command: Text = UNSET
    command_status: Text = UNSET
    sequence_number: Number = UNSET
    source_addr: Text = UNSET
    destination_addr: Text = UNSET
    text: Text = UNSET
    message_id: Text = UNSET
    message_state: Text = UNSET
    error_code: Number = UNSET
    attempt: Number = UNSET
    route: Text = UNSET
    type: Text = UNSET
    rule: Text = UNSET
    fault: Text = UNSET
    scope: Text = UNSET
    count: Number = UNSET
    keys: list[str] | UnsetType = UNSET
    restart: list[str] | UnsetType = UNSET
    seconds: float | UnsetType = UNSET
    running: bool | UnsetType = UNSET
    speed: float | UnsetType = UNSET
    counts: dict[str, int] | UnsetType = UNSET
    gap: bool | UnsetType = UNSET
    detail: Text = UNSET


NOT_IN_LINES: Final = frozenset({"id", "time", "kind", "event", "line", "clock_time"})

NAMES: Final = tuple(name for name in EventView.__struct_fields__ if name not in NOT_IN_LINES)
"""The fields that a line shows, in their order."""

encode: Final = msgspec.json.Encoder().encode
"""An event as JSON."""


class Renderer:
    """Makes events of frames and happenings."""

    def __init__(self, roster: Roster) -> None:
        """Look up in `roster` who was bound on a session."""
        self._roster = roster

    def bind_of(self, entry: JournalEntry) -> BindRecord | None:
        """Who a PDU belongs to: before the first bind whoever bound then, as most of these PDUs are that bind."""
        record = self._roster.find(entry.session)
        if record is None or not record.binds:
            return None
        return record.bind_at(entry.time) or record.binds[0]

    def pdu(self, event_id: str, number: int, entry: JournalEntry, bind: BindRecord | None) -> EventView:
        """The event of a PDU, `bind` being who it belongs to. What cannot be decoded is shown as far as it goes."""
        frame = entry.frame
        account = "" if bind is None else bind.system_id
        command_id = int.from_bytes(frame[4:8], "big")
        fields: dict[str, Any] = {}
        pdu: Pdu | None = None
        try:
            pdu = decode(frame)
        except SmppError:
            line = describe(frame)
        else:
            line = describe(pdu, personal=command_id not in WITH_PASSWORD)
            fields = _fields_of(pdu, bind)
        return EventView(
            id=event_id,
            time=moment(entry.time),
            kind="pdu",
            event="received" if entry.direction == "in" else "sent",
            line=f"{entry.direction:3} {entry.session} {account or '-'} {line}",
            session=entry.session,
            account=account or UNSET,
            bind_type=UNSET if bind is None else bind.bind_type,
            direction=entry.direction,
            number=number,
            command=command_name(command_id),
            command_status=status_name(int.from_bytes(frame[8:12], "big")),
            sequence_number=int.from_bytes(frame[12:16], "big"),
            **fields,
        )

    def happening(self, event_id: str, happening: Happening, index: int) -> EventView:
        """The event of one item of a happening."""
        fields = dict(happening.facts)
        item = happening.items[index]
        if item is not None:
            fields |= _item_fields(happening.event, item)
        if "clock_time" in fields:
            fields["clock_time"] = moment(fields["clock_time"])
        fields = {name: value for name, value in fields.items() if value != ""}
        words = [f"{name}={_shown(fields[name])}" for name in NAMES if name in fields]
        return EventView(
            id=event_id,
            time=moment(happening.time),
            kind=happening.kind,
            event=happening.event,
            line=" ".join([happening.kind, happening.event, *words]),
            **fields,
        )


@lru_cache(maxsize=256)
def moment(time: float) -> str:
    """A moment as text; many events share one."""
    return iso(time)


def _shown(value: object) -> str:
    if isinstance(value, list):
        return ",".join(map(str, value))
    if isinstance(value, str) and not (value.isalnum() and value.isascii()):
        return value if value.isprintable() and " " not in value and '"' not in value else repr(value[:SHOWN_OF_TEXT])
    return str(value)


def _fields_of(pdu: Pdu, bind: BindRecord | None) -> dict[str, Any]:
    """The fields of a PDU that an event shows."""
    fields = _addresses(pdu)
    if "data_coding" in _names(pdu.command_id) and (getattr(pdu, "short_message", None) or pdu.tlv(MESSAGE_PAYLOAD)):
        fields["text"] = _text_of(pdu, "gsm7" if bind is None else bind.default_alphabet)
    if "message_id" not in fields and pdu.tlvs:
        receipted = pdu.tlv(RECEIPTED_MESSAGE_ID)
        if receipted is not None:
            fields["message_id"] = receipted.rstrip(b"\0").decode("latin-1")
    return fields


def _addresses(pdu: Pdu) -> dict[str, Any]:
    values = [(name, getattr(pdu, name)) for name in ADDRESSES if name in _names(pdu.command_id)]
    return {name: value.decode("latin-1") for name, value in values if value is not None}


@lru_cache(maxsize=256)
def _names(command_id: int) -> frozenset[str]:
    """The names of the fields that PDUs of a command have: to ask a PDU for others is dear."""
    spec = PDUS.get(command_id)
    return frozenset(row.name for row in spec.attributes) if spec is not None else frozenset()


def pdu_facts(pdu: Pdu) -> dict[str, Any]:
    """What an event says of a PDU that something was done with."""
    facts = {"command": command_name(pdu.command_id), "sequence_number": pdu.sequence_number}
    return facts | _addresses(pdu)


def _text_of(pdu: Pdu, default_alphabet: str) -> str:
    if not pdu.tlvs and not getattr(pdu, "esm_class", 0) & UDHI:
        octets, data_coding = getattr(pdu, "short_message", b""), getattr(pdu, "data_coding", 0)
        return decode_text(octets, data_coding, default_alphabet=default_alphabet)
    return Facts(default_alphabet=default_alphabet).text(pdu)


def _item_fields(event: str, item: Any) -> dict[str, Any]:
    """What an event says of one thing that something happened to."""
    if isinstance(item, Refused):
        pdu = item.pdu
        return _fields_of(pdu, None) | {
            "command": command_name(pdu.command_id),
            "sequence_number": pdu.sequence_number,
            "command_status": status_name(item.command_status),
        }
    if isinstance(item, Attempted):
        fields = _message_fields(item.message)
        return fields | {"error_code": item.error_code, "attempt": item.attempt}
    if isinstance(item, Answered):
        return _deliverable_fields(item.item) | {"command_status": status_name(item.command_status)}
    if isinstance(item, Message) and event in _OF_MESSAGES:
        fields = _message_fields(item)
        if event == "final":
            fields["message_state"] = MessageState(item.state).name
            fields["error_code"] = item.error_code
        return fields
    return _deliverable_fields(item)


_OF_MESSAGES: Final = frozenset({"accepted", "replaced", "cancelled", "final"})
"""Events of messages themselves; others are about what is sent to ESMEs."""


def _message_fields(message: Message) -> dict[str, Any]:
    pdu = message.pdu
    fields: dict[str, Any] = {
        "account": message.esme.system_id,
        "message_id": message.message_id.decode("latin-1"),
        "source_addr": pdu.source_addr.decode("latin-1"),
        "destination_addr": pdu.destination_addr.decode("latin-1"),
        "route": message.route.name,
    }
    if message.text_octets():
        fields["text"] = _text_of(pdu, message.esme.dialect.default_alphabet)
    return fields


def _deliverable_fields(item: Deliverable) -> dict[str, Any]:
    """Of a receipt: which message it is about, and what it says."""
    message = item if isinstance(item, Message) else getattr(item, "message", None)
    fields: dict[str, Any] = {
        "account": item.esme.system_id,
        "type": "receipt" if isinstance(item, Message) else item.kind,
    }
    if message is None:
        fields["destination_addr"] = item.address().decode("latin-1") if isinstance(item, Delivery) else ""
        return fields
    fields["message_id"] = message.message_id.decode("latin-1")
    addresses = message.pdu.source_addr, message.pdu.destination_addr
    # An ESME that is told about its message gets the addresses swapped.
    source, destination = addresses if isinstance(item, Forward) else reversed(addresses)
    fields["source_addr"] = source.decode("latin-1")
    fields["destination_addr"] = destination.decode("latin-1")
    if isinstance(item, Message):
        fields["message_state"] = MessageState(item.state).name
    return fields
