"""The ESME of `smppd demo`: smpplib, a third party's client, in a process of its own.

It knows nothing of this server but where it listens. It binds as transceiver, submits, answers what it is sent, and
prints what it saw as one JSON object::

    python -m smppd.cli.demo_esme HOST PORT SYSTEM_ID PASSWORD SECONDS

All checking is done by whoever started it: nothing is judged here.
"""

from __future__ import annotations

import json
import logging
import sys
import time
from typing import Any, Final

import smpplib.client
import smpplib.consts
import smpplib.exceptions

from smppwire.segmentation import segment

CAMPAIGN: Final = 1000
"""Messages of the campaign."""

WINDOW: Final = 50
"""Submits left unanswered at a time: a usual agreement between ESME and message centre."""

SENDER: Final = "smppd"
LONG_TEXT: Final = (
    "Bonjour Zoé, votre rendez-vous chez le docteur Lefèvre est confirmé pour mardi à 9 h 30. Répondez OUI pour "
    "confirmer ou NON pour annuler. À très bientôt ! 😀"
)
GSM: Final = 0
UCS2: Final = 8
RECEIPT_TYPE: Final = 0x04
MESSAGE_TYPE_MASK: Final = 0x3C

SMPPLIB_LOGGERS: Final = ("smpp", "smpplib")
"""What it logs under; what went wrong comes as an exception anyway."""

Submission = tuple[str, str, bytes, int, int]
"""What it is, destination, octets, data_coding, esm_class."""


def a2p_mix() -> list[Submission]:
    """What an application sends to people: a code, an alert, a reminder, a long text, a campaign."""
    mix: list[Submission] = [
        ("one-time code", "447700900001", b"Your code is 493027. It expires in 5 minutes.", GSM, 0),
        ("alert", "447700900002", b"Alert: disk 93% full on db-3.", GSM, 0),
        ("reminder", "447700900003", b"Reminder: dentist tomorrow 09:30. Reply YES to confirm.", GSM, 0),
    ]
    mix.extend(
        ("long UCS-2 text", "33612345678", part.short_message, UCS2, part.esm_class)
        for part in segment(LONG_TEXT, data_coding=UCS2, method="udh8", reference=42)
    )
    mix.extend(
        ("campaign", f"4477001{number:05d}", b"Spring sale: 20%% off until Sunday, customer %d." % number, GSM, 0)
        for number in range(CAMPAIGN)
    )
    return mix


class Observer:
    """What the ESME saw: per submission when it left, when it was answered, when its receipt came."""

    def __init__(self) -> None:
        self.submissions: list[dict[str, Any]] = []
        self.by_sequence: dict[int, dict[str, Any]] = {}
        self.by_id: dict[str, dict[str, Any]] = {}
        self.mobile_originated: list[dict[str, str]] = []
        self.unknown_receipts = 0
        self.unanswered = 0
        self.receipts = 0

    def sent(self, kind: str, sequence: int) -> None:
        """One submit_sm left."""
        entry = {"kind": kind, "sent": time.perf_counter(), "status": None, "receipts": []}
        self.submissions.append(entry)
        self.by_sequence[sequence] = entry
        self.unanswered += 1

    def answered(self, pdu: Any) -> None:
        """A submit_sm_resp came."""
        entry = self.by_sequence.pop(pdu.sequence)
        entry["status"] = pdu.status
        entry["response_s"] = time.perf_counter() - entry["sent"]
        self.unanswered -= 1
        if pdu.message_id is not None:
            self.by_id[pdu.message_id.decode("ascii")] = entry

    def received(self, pdu: Any) -> None:
        """A deliver_sm came: a receipt, or something a subscriber wrote."""
        if pdu.esm_class & MESSAGE_TYPE_MASK != RECEIPT_TYPE:
            self.mobile_originated.append(
                {"from": pdu.source_addr.decode("latin-1"), "text": pdu.short_message.decode("latin-1")}
            )
            return
        entry = self.by_id.get((pdu.receipted_message_id or b"").decode("ascii"))
        if entry is None:
            self.unknown_receipts += 1
            return
        self.receipts += 1
        entry["receipts"].append(pdu.short_message.decode("latin-1"))
        entry["receipt_s"] = time.perf_counter() - entry["sent"]

    def refused(self, pdu: Any) -> None:
        """A response carried an error status; submit_sm_resp are recorded all the same."""


def run(host: str, port: int, system_id: str, password: str, seconds: float) -> dict[str, Any]:
    """Bind, submit the mix, wait for all that is due or for `seconds`, unbind."""
    for name in SMPPLIB_LOGGERS:
        logging.getLogger(name).setLevel(logging.CRITICAL)
    observer = Observer()
    client = smpplib.client.Client(host, port, timeout=1, allow_unknown_opt_params=True)
    client.set_message_sent_handler(observer.answered)
    client.set_message_received_handler(observer.received)
    client.set_error_pdu_handler(observer.refused)
    try:
        client.connect()
        client.bind_transceiver(system_id=system_id, password=password)
        started = time.perf_counter()
        submitted_s = _exchange(client, observer, started, started + seconds)
        took = time.perf_counter() - started
        client.unbind()
    finally:
        client.disconnect()
    return {
        "submissions": observer.submissions,
        "mobile_originated": observer.mobile_originated,
        "unknown_receipts": observer.unknown_receipts,
        "submitted_s": submitted_s,
        "all_s": took,
    }


def _exchange(client: Any, observer: Observer, started: float, deadline: float) -> float | None:
    """Submit and receive until all is there; returns the seconds until the last submit_sm was answered."""
    waiting = list(reversed(a2p_mix()))
    submitted_s: float | None = None
    while time.perf_counter() < deadline:
        while waiting and observer.unanswered < WINDOW:
            _submit(client, observer, waiting.pop())
        if not waiting and not observer.unanswered and submitted_s is None:
            submitted_s = time.perf_counter() - started
        if not waiting and observer.receipts >= len(observer.submissions) and observer.mobile_originated:
            break
        client.read_once()
    return submitted_s


def _submit(client: Any, observer: Observer, submission: Submission) -> None:
    kind, destination, octets, data_coding, esm_class = submission
    pdu = client.send_message(
        source_addr_ton=smpplib.consts.SMPP_TON_ALNUM,
        source_addr_npi=smpplib.consts.SMPP_NPI_UNK,
        source_addr=SENDER,
        dest_addr_ton=smpplib.consts.SMPP_TON_INTL,
        dest_addr_npi=smpplib.consts.SMPP_NPI_ISDN,
        destination_addr=destination,
        short_message=octets,
        data_coding=data_coding,
        esm_class=esm_class,
        registered_delivery=True,
    )
    observer.sent(kind, pdu.sequence)


def main(arguments: list[str]) -> int:
    """Run with the arguments of the command line; 1 when smpplib gave up."""
    host, port, system_id, password, seconds = arguments
    try:
        seen = run(host, int(port), system_id, password, float(seconds))
    except (smpplib.exceptions.ConnectionError, smpplib.exceptions.PDUError, OSError) as error:
        sys.stderr.write(f"{type(error).__name__}: {error}\n")
        return 1
    json.dump(seen, sys.stdout)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
