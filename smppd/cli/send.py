"""`smppd send`: one message as an ESME, to any SMSC."""

from __future__ import annotations

import asyncio
import math
from typing import TYPE_CHECKING, Final

import click

from smppd.errors import UserError
from smppd.patterns import address_type

if TYPE_CHECKING:
    from smppd.esme import Esme
    from smppwire.pdus import DataSm, DeliverSm

INTERFACE_VERSION: Final = 0x34
UCS2: Final = 8
RECEIPT_TYPES: Final = (0x04, 0x20)
MESSAGE_TYPE_MASK: Final = 0x3C
INTERMEDIATE: Final = 0x20
REFERENCE: Final = 1
"""The concatenation reference: one message per run, so any number does."""


def _finite(_context: click.Context, _parameter: click.Parameter, value: float) -> float:
    """Refuse "nan", which is within any range."""
    if math.isnan(value):
        raise click.BadParameter("nan is no number of seconds")
    return value


@click.command(name="send", short_help="Submit one message as an ESME.")
@click.argument("destination")
@click.argument("text")
@click.option("--from", "source", default="smppd", show_default=True, metavar="ADDRESS", help="source_addr.")
@click.option(
    "--smpp", default="127.0.0.1:2775", show_default=True, metavar="HOST:PORT", help="Where the SMSC listens."
)
@click.option("--system-id", default="smppclient1", show_default=True, envvar="SMPP_SYSTEM_ID", help="Who binds.")
@click.option("--password", default="password", envvar="SMPP_PASSWORD", help="Its password (or SMPP_PASSWORD).")
@click.option(
    "--data-coding",
    type=click.IntRange(0, 255),
    metavar="N",
    help="data_coding. Default: 0 (GSM 03.38) when the text fits it, else 8 (UCS-2).",
)
@click.option("--no-receipt", is_flag=True, help="Ask for no receipt, and do not wait for one.")
@click.option(
    "--wait",
    type=click.FloatRange(0, 86400),
    callback=_finite,
    default=10.0,
    show_default=True,
    metavar="SECONDS",
    help="How long to wait for receipts.",
)
def command(
    destination: str,
    text: str,
    source: str,
    smpp: str,
    system_id: str,
    password: str,
    data_coding: int | None,
    no_receipt: bool,  # click passes flags by name
    wait: float,
) -> int:
    """Submit TEXT to DESTINATION, print the message_id and the receipt.

    A text that is too long for one message is sent in parts. Exit status 1 when the SMSC refuses, or when a receipt
    does not arrive or reports a failure.
    """
    try:
        host, port = _address(smpp)
    except ValueError as error:
        raise click.BadParameter(f"{smpp!r}: {error}", param_hint="--smpp") from None
    return asyncio.run(
        _send(
            host,
            port,
            system_id=_latin1(system_id, "--system-id"),
            password=_latin1(password, "--password"),
            source=_latin1(source, "--from"),
            destination=_latin1(destination, "DESTINATION"),
            text=text,
            data_coding=data_coding,
            wait=0.0 if no_receipt else wait,
            registered_delivery=0 if no_receipt else 1,
        )
    )


def _address(text: str) -> tuple[str, int]:
    from smppd.settings import parse_address

    return parse_address(text)


def _latin1(text: str, what: str) -> bytes:
    """A C-octet string; what Latin-1 does not have, or a NUL, is the user's mistake."""
    try:
        octets = text.encode("latin-1")
    except UnicodeEncodeError:
        raise click.BadParameter(f"{text!r} has characters that SMPP cannot carry here", param_hint=what) from None
    if b"\0" in octets:
        raise click.BadParameter("a NUL cannot be sent here", param_hint=what)
    return octets


class _Receipts:
    """Collects the receipts of the messages just submitted, also those that come before we know their ids."""

    def __init__(self) -> None:
        self.final: dict[str, str] = {}
        self.changed = asyncio.Event()
        self._lines: list[str] = []

    def show(self) -> None:
        """Print what came; a receipt can be here before the response to its message was looked at."""
        for line in self._lines:
            click.echo(line)
        self._lines.clear()

    def on_deliver(self, pdu: DeliverSm | DataSm) -> None:
        """A deliver_sm or data_sm came."""
        from smppwire.constants import TlvTag
        from smppwire.receipt import parse_receipt

        if pdu.esm_class & MESSAGE_TYPE_MASK not in RECEIPT_TYPES:
            return
        octets = getattr(pdu, "short_message", b"") or pdu.tlv(TlvTag.MESSAGE_PAYLOAD) or b""
        receipt = parse_receipt(octets)
        named = pdu.tlv(TlvTag.RECEIPTED_MESSAGE_ID)
        message_id = named.rstrip(b"\0").decode("latin-1") if named else (receipt.id or "")
        self._lines.append(f"receipt {message_id}: {receipt.stat or 'unknown state'} err:{receipt.err or '-'}")
        if pdu.esm_class & MESSAGE_TYPE_MASK != INTERMEDIATE:
            self.final[message_id] = receipt.stat or ""
        self.changed.set()


async def _send(
    host: str,
    port: int,
    *,
    system_id: bytes,
    password: bytes,
    source: bytes,
    destination: bytes,
    text: str,
    data_coding: int | None,
    wait: float,
    registered_delivery: int,
) -> int:
    from smppd.esme import Esme, expect
    from smppwire.errors import EncodeError, StateError, TextError
    from smppwire.pdus import BindTransceiver, SubmitSm, SubmitSmResp
    from smppwire.segmentation import segment
    from smppwire.text import detect_alphabet

    if data_coding is None:
        data_coding = 0 if detect_alphabet(text) == "gsm7" else UCS2
    try:
        parts = segment(text, data_coding=data_coding, method="udh8", reference=REFERENCE)
    except TextError as error:
        raise UserError(f"the text cannot be sent with data_coding {data_coding}: {error}") from None
    receipts = _Receipts()
    source_ton, source_npi = address_type(source)
    dest_ton, dest_npi = address_type(destination)
    ids: list[str] = []
    async with await Esme.connect(host, port, receipts.on_deliver) as esme:
        try:
            await esme.bind(
                BindTransceiver(system_id=system_id, password=password, interface_version=INTERFACE_VERSION)
            )
            for number, part in enumerate(parts, 1):
                request = SubmitSm(
                    source_addr_ton=source_ton,
                    source_addr_npi=source_npi,
                    source_addr=source,
                    dest_addr_ton=dest_ton,
                    dest_addr_npi=dest_npi,
                    destination_addr=destination,
                    esm_class=part.esm_class,
                    registered_delivery=registered_delivery,
                    data_coding=data_coding,
                    short_message=part.short_message,
                    tlvs=part.tlvs,
                )
                response = expect(await esme.request(request), SubmitSmResp)
                ids.append((response.message_id or b"").decode("latin-1"))
                label = f" (part {number} of {len(parts)})" if len(parts) > 1 else ""
                click.echo(f"message_id {ids[-1]}{label}")
                receipts.show()
        except EncodeError as error:
            raise UserError(str(error)) from None
        except StateError:
            raise UserError("the SMSC has ended the session") from None
        return await _await_receipts(esme, receipts, ids, wait) if registered_delivery else 0


async def _await_receipts(esme: Esme, receipts: _Receipts, ids: list[str], wait: float) -> int:
    """0 when every message was delivered within `wait` seconds; a connection that ends brings no more receipts."""
    ended = asyncio.create_task(esme.wait_closed())
    ended.add_done_callback(lambda _: receipts.changed.set())
    try:
        async with asyncio.timeout(wait):
            while not set(ids) <= receipts.final.keys() and not ended.done():
                receipts.changed.clear()
                await receipts.changed.wait()
                receipts.show()
    except TimeoutError:
        pass
    finally:
        ended.cancel()
        receipts.show()
    missing = [message_id for message_id in ids if message_id not in receipts.final]
    if missing and not esme.is_bound:
        raise UserError(f"the SMSC has ended the session before the receipt for {', '.join(missing)}")
    if missing:
        raise UserError(f"no receipt within {wait:g} seconds for {', '.join(missing)}")
    return 0 if all(receipts.final[message_id] == "DELIVRD" for message_id in ids) else 1
