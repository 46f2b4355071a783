"""Checks of dialects: ids that fit their field, templates that name what there is, TLVs on PDUs that we send."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any, Final

from smppd import strict
from smppd.settings.dialects import (
    MAX_ID,
    MAX_VENDOR_OCTETS,
    TEMPLATE_FIELDS,
    Dialect,
    IdForm,
    MessageId,
    ReceiptForm,
    ResponseForm,
    SessionForm,
)
from smppd.settings.names import ANY, COMMANDS, template_names
from smppwire.constants import CommandId, CommandStatus
from smppwire.session import TRANSITIONS, Role

if TYPE_CHECKING:
    from collections.abc import Mapping

    from smppd.strict import Path, StrictReader

DIGITS: Final = {"decimal": 10, "hex": 9}
"""Digits of the longest number that becomes an id: numbers stay below 10,000,000,000."""

UUID_DIGITS: Final = {"decimal": 39, "hex": 32}
"""Digits of 128 bits."""

UUID_DASHES: Final = 4

SHORTEST_MAX_PDU: Final = 256
"""What `[server] max_pdu` is at least."""

TLV_HEADER: Final = 4
"""Octets of a TLV before its value."""

SENT: Final = frozenset(
    command_id
    for cells in TRANSITIONS.values()
    for side, command_id in cells
    if side is Role.SMSC and command_id != CommandId.OUTBIND
)
"""What a message centre sends in a session. An outbind comes before there is one."""


def longest_id(form: IdForm, *, of_uuid: bool = False) -> int:
    """Characters of the longest id in this form; `of_uuid`: where it says the same as a UUID in the response."""
    if form.base == "uuid":
        digits = UUID_DIGITS["hex"] + UUID_DASHES * form.dashes
    else:
        digits = max(form.width, (UUID_DIGITS if of_uuid else DIGITS)[form.base])
    return 0 if form.empty else len(form.prefix) + digits


def check_message_id(reader: StrictReader, message_id: MessageId, _table: Mapping[str, Any], path: Path) -> None:
    """No id is longer than its field."""
    of_uuid = message_id.response.base == "uuid"
    for name in message_id.__struct_fields__:
        form = getattr(message_id, name)
        length = longest_id(form, of_uuid=of_uuid and name.startswith("receipt"))
        if length > MAX_ID and reader.sound(path, name, "response"):
            hint = f"ids here have up to {length} characters: prefix {len(form.prefix)}, the rest digits"
            reader.reject((*path, name), None, f"expected a form of at most {MAX_ID} characters", hint)


def check_receipt(reader: StrictReader, receipt: ReceiptForm, _table: Mapping[str, Any], path: Path) -> None:
    """A template that names what there is, and nothing else in braces."""
    if not reader.sound(path, "template"):
        return
    place = (*path, "template")
    try:
        names = template_names(receipt.template)
    except ValueError as error:
        reader.reject(place, receipt.template, "expected a text with names in braces", str(error))
        return
    for name in dict.fromkeys(names):
        if name not in TEMPLATE_FIELDS:
            hint = strict.suggestion(name, TEMPLATE_FIELDS) or f"known here: {', '.join(TEMPLATE_FIELDS)}"
            reader.reject(place, receipt.template, f'nothing is called "{name}"', hint)


def check_response(reader: StrictReader, response: ResponseForm, _table: Mapping[str, Any], path: Path) -> None:
    """Statuses of refusals, and requests that an ESME sends."""
    if CommandStatus.ESME_ROK.name in response.statuses and reader.sound(path, "statuses"):
        reader.reject((*path, "statuses", "ESME_ROK"), None, "expected the status of a refusal")
    for index, name in enumerate(response.unsupported):
        is_request = name != ANY and not name.endswith("_resp") and name != "generic_nack"
        if not is_request and reader.sound((*path, "unsupported"), index):
            reader.reject((*path, "unsupported", index), name, "expected the name of a request")


def check_session(reader: StrictReader, session: SessionForm, _table: Mapping[str, Any], path: Path) -> None:
    """A longest PDU that leaves room for requests."""
    if 0 < session.max_pdu < SHORTEST_MAX_PDU and reader.sound(path, "max_pdu"):
        expected = f"expected 0, or at least {SHORTEST_MAX_PDU}"
        reader.reject((*path, "max_pdu"), session.max_pdu, expected, "a submit_sm needs so many octets")


def check_dialect(reader: StrictReader, dialect: Dialect, _table: Mapping[str, Any], path: Path) -> None:
    """TLVs that are sent at all, and not so many on one PDU that no ESME reads it."""
    octets: Counter[str] = Counter()
    for index, added in enumerate(dialect.vendor_tlvs):
        if not reader.sound((*path, "vendor_tlvs"), index):
            continue
        if added.pdu != ANY and COMMANDS[added.pdu] not in SENT:
            place = (*path, "vendor_tlvs", index, "pdu")
            reader.reject(place, added.pdu, "expected a PDU that a message centre sends, such as deliver_sm")
        octets[added.pdu] += TLV_HEADER + len(bytes.fromhex(added.value))
    most = octets.pop(ANY, 0) + max(octets.values(), default=0)
    if most > MAX_VENDOR_OCTETS:
        hint = f"there are {most} on one"
        reader.reject((*path, "vendor_tlvs"), None, f"expected at most {MAX_VENDOR_OCTETS} octets on one PDU", hint)
