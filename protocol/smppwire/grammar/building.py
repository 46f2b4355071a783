"""The other direction: PDUs from values. Slow and plain; the codec is what servers use."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from smppwire.constants import HEADER_LENGTH
from smppwire.grammar.gallery import GALLERY, HEADER, LISTS, OPTIONAL_PART

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

_MEMBER: Final = dict.fromkeys(("dest_addr_ton", "dest_addr_npi", "destination_addr", "dl_name"))
"""What a member of a list does not say is None."""


def build(
    command_id: int,
    sequence_number: int,
    values: Mapping[str, Any],
    *,
    command_status: int = 0,
    tlvs: Iterable[tuple[int, bytes]] = (),
    trailing: bytes = b"",
) -> bytes:
    """The PDU with these mandatory values: integers, octets without their NUL, lists of mappings.

    ``sm_length`` and the counts of lists are worked out. What ``values`` leaves out of a response is None: its body
    ends there. ``trailing`` is written after the TLVs. Raises ``KeyError`` for an unknown command or a missing value
    and construct's errors for values that do not fit.
    """
    body = GALLERY[command_id]
    content = {**_blank(command_id), **values}
    for name in LISTS.keys() & content.keys():
        if content[name] is not None:
            content[name] = [{**_MEMBER, **member} for member in content[name]]
    octets = body.fields.build(content)
    octets += OPTIONAL_PART.build({"tlvs": [{"tag": tag, "value": value} for tag, value in tlvs], "trailing": trailing})
    header = {
        "command_length": HEADER_LENGTH + len(octets),
        "command_id": command_id,
        "command_status": command_status,
        "sequence_number": sequence_number,
    }
    built: bytes = HEADER.build(header) + octets
    return built


def _blank(command_id: int) -> dict[str, None]:
    """A response's fields, none of them there."""
    body = GALLERY[command_id]
    return dict.fromkeys(body.names) if body.is_response else {}
