"""Recorded PDUs as a dialogue: one line each, for people who read why a test has failed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from smppd.control.times import unix
from smppd.control.verification.wording import quoted

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Sequence

    from smppd.control.pdus import PduView

MAX_LINES: Final = 16
"""Lines of a dialogue when nothing else is asked for: a terminal shows it as a whole, with what else is said."""

MAX_TEXT: Final = 48
"""Characters of a text that a line shows."""

ARROWS: Final = {"in": "-->", "out": "<--"}
"""From the ESME on the left to the message centre on the right, and back."""

LINK_CHECKS: Final = ("enquire_link", "enquire_link_resp")
"""PDUs that say nothing about messages; they are left out where they would only fill the lines."""


def dialogue(
    pdus: Iterable[PduView],
    *,
    marked: Collection[int] = (),
    limit: int = MAX_LINES,
    with_links: bool = False,
) -> str:
    """PDUs in the order of their numbers, the time of each from the first on.

    Args:
        pdus: in any order; the latest are shown when there are more than the limit.
        marked: the numbers of those to point at with ">".
        limit: lines at most.
        with_links: enquire_link and its response too.
    """
    chosen = sorted((pdu for pdu in pdus if with_links or pdu.command not in LINK_CHECKS), key=lambda pdu: pdu.number)
    if not chosen:
        return "(no PDUs)"
    began = unix(chosen[0].time)
    hidden = len(chosen) - limit
    shown = chosen[hidden + 1 :] if hidden > 0 else chosen
    sessions = len({pdu.session for pdu in shown}) > 1
    width = max(len(pdu.command) for pdu in shown)
    numbers = max(len(str(pdu.number)) for pdu in shown)
    seconds = max(len(f"{unix(pdu.time) - began:+.3f}") for pdu in shown)
    lines = ["  ... earlier PDUs are left out"] if hidden > 0 else []
    for pdu in shown:
        mark = ">" if pdu.number in marked else " "
        who = f"  {pdu.account or '(unbound)'}/{pdu.session}" if sessions else ""
        head = f"{mark} #{pdu.number:<{numbers}} {unix(pdu.time) - began:+{seconds}.3f}{who}  {ARROWS[pdu.direction]}"
        lines.append(f"{head} {pdu.command:<{width}}  {summary(pdu)}".rstrip())
    return "\n".join(lines)


def summary(pdu: PduView) -> str:
    """What is worth a look in a PDU, beside its command: status, addresses, part, text, message_id, TLVs."""
    if pdu.problem:
        return f"cannot be decoded: {pdu.problem}"
    words = []
    if pdu.command_status not in ("ESME_ROK", ""):
        words.append(pdu.command_status)
    words += _addresses(pdu)
    if pdu.part is not None:
        words.append(f"part {pdu.part.part}/{pdu.part.parts}")
    if pdu.text is not None:
        words.append(quoted(pdu.text, MAX_TEXT))
    if pdu.message_id:
        words.append(f"id={pdu.message_id}")
    system_id = pdu.fields.get("system_id")
    if system_id:
        words.append(f"system_id={system_id}")
    return " ".join(words)


def _addresses(pdu: PduView) -> Sequence[str]:
    source = pdu.source_addr
    several = pdu.fields.get("dest_address")
    if several is not None:
        return [f"{source or '-'} -> {len(several)} destinations"]
    if "destination_addr" in pdu.fields:
        return [f"{source or '-'} -> {pdu.destination_addr or '-'}"]
    return [source] if source else []
