"""Dialects, compiled: what the engine and the transport ask an account's message centre about its ways."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from smppd.behaviour.ids import IdSpelling
from smppd.behaviour.receipt_forms import DATA_SM, DELIVER_SM, ReceiptWriter, tlv
from smppd.behaviour.response_forms import ResponseWriter
from smppd.engine.receipts import DefaultDialect
from smppd.settings.dialects import MessageId, ReceiptForm, ResponseForm
from smppd.settings.names import ANY, command_status
from smppd.settings.types import time_zone

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from datetime import tzinfo

    from smppd.engine.message import Message
    from smppd.settings import Settings
    from smppd.settings.dialects import Dialect as DialectSettings

GSM7: Final = "gsm7"


class Carrier:
    """One dialect: the ways of a message centre towards the accounts that speak it."""

    def __init__(self, name: str, settings: DialectSettings, zone: tzinfo) -> None:
        """Compile the dialect `name`; `zone` is that of dates where the dialect has none of its own."""
        self.name = name
        self.settings = settings
        self.ids = IdSpelling(settings.message_id)
        form = settings.receipt
        own_zone = time_zone(form.zone) if form.zone else zone
        self.command_id = DATA_SM if form.pdu == "data_sm" else DELIVER_SM
        """What receipts are sent as, to sessions that know it."""
        self.reports_always = form.unrequested
        """Whether a receipt is sent for messages that asked for none."""
        self.accepts_first = form.accepted_first
        """Whether a receipt that says ACCEPTD goes before the final one."""
        self._writer: ReceiptWriter | DefaultDialect
        if self._has_plain_receipts():
            self._writer = DefaultDialect(own_zone)
        else:
            self._writer = ReceiptWriter(form, self.ids, own_zone, self.vendor_tlvs, settings.text.default_alphabet)
        self.receipt_body: Callable[..., bytes] = self._writer.receipt_body
        self.intermediate_body: Callable[..., bytes] = self._writer.intermediate_body
        self.acknowledgement_body: Callable[..., bytes] = self._writer.acknowledgement_body
        self.responses = None if self._has_plain_responses() else ResponseWriter(settings, self.vendor_tlvs)
        """Writes responses; None where they are written as without any dialect."""

    def accepted_body(self, message: Message, *, tlvs: bool) -> bytes:
        """The body of the receipt that says ACCEPTD while the message is still ENROUTE."""
        if isinstance(self._writer, DefaultDialect):
            raise TypeError(f"dialect {self.name} has no receipt of that kind")
        return self._writer.accepted_body(message, tlvs=tlvs)

    def vendor_tlvs(self, pdu: str) -> bytes:
        """The octets of the TLVs that are added to a PDU of this name."""
        wanted = (added for added in self.settings.vendor_tlvs if added.pdu in (pdu, ANY))
        return b"".join(tlv(added.tag, bytes.fromhex(added.value)) for added in wanted)

    def bind_status(self, reason: str, status: int) -> int:
        """The command_status that refuses a bind: `status`, unless the dialect has another one for this reason.

        Reasons are the keys of `[dialect.NAME.bind]`, such as unknown_system_id.
        """
        wanted = getattr(self.settings.bind, reason, None)
        return status if wanted is None else command_status(wanted)

    def sc_interface_version(self, ours: int) -> bytes | None:
        """The value of that TLV in bind responses; None where it is left out (quirk Q64)."""
        told = self.settings.bind.sc_interface_version
        if told is False:
            return None
        return bytes((ours if told is True else told,))

    def _has_plain_receipts(self) -> bool:
        settings = self.settings
        ids = settings.message_id
        return (
            settings.receipt == ReceiptForm(zone=settings.receipt.zone)
            and ids.receipt_text == ids.receipt_tlv == ids.response == MessageId().response
            and ids.below_34 == MessageId().below_34
            and settings.text.default_alphabet == GSM7
            and not self.vendor_tlvs("deliver_sm")
        )

    def _has_plain_responses(self) -> bool:
        settings = self.settings
        form = settings.message_id.response
        return (
            settings.response == ResponseForm()
            and form.terminated
            and not form.empty
            and all(added.pdu in ("deliver_sm", "data_sm") for added in settings.vendor_tlvs)
        )


def compile_dialects(settings: Settings) -> Mapping[str, Carrier]:
    """All dialects of a configuration, by name."""
    zone = time_zone(settings.server.timezone)
    return {name: Carrier(name, dialect, zone) for name, dialect in settings.dialect.items()}
