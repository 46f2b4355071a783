"""Dialects, compiled: what the engine and the transport ask about the ways of an account's message centre."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Final

from smppd.behaviour.ids import IdSpelling
from smppd.behaviour.receipt_forms import ReceiptWriter, tlv
from smppd.behaviour.response_forms import ResponseWriter
from smppd.engine.dialect import PlainDialect
from smppd.settings.dialects import MessageId, ReceiptForm, ResponseForm
from smppd.settings.names import ANY, command_status
from smppd.settings.types import time_zone
from smppwire.constants import CommandId, command_name
from smppwire.text import Alphabet

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from datetime import tzinfo

    from smppd.settings import Settings
    from smppd.settings.dialects import Dialect as DialectSettings
    from smppwire.validation import ValidationPolicy

OF_RECEIPTS: Final = (int(CommandId.DELIVER_SM), int(CommandId.DATA_SM))
"""What the writer of receipts adds vendor TLVs to, and the writer of responses does not."""


class CompiledDialect(PlainDialect):
    """One dialect: the ways of a message centre towards the accounts that speak it.

    Where it does as the default dialect does, it is one, and costs what that costs.
    """

    def __init__(self, name: str, settings: DialectSettings, zone: tzinfo) -> None:
        """Compile the dialect `name`; `zone` is that of dates where the dialect has none of its own."""
        form = settings.receipt
        zone = time_zone(form.zone) if form.zone else zone
        super().__init__(zone)
        self.name = name
        self.settings = settings
        self._added: dict[int, bytes] = {}
        self.ids = IdSpelling(settings.message_id)
        self.default_alphabet = settings.text.default_alphabet
        self.reports_always = form.unrequested
        self.accepts_first = form.accepted_first
        self.first_sequence_number = settings.session.first_sequence_number
        self.max_pdu = settings.session.max_pdu
        self.strict = settings.limits.strict
        if not self._has_plain_receipts():
            writer = ReceiptWriter(form, self.ids, zone, self.added_tlvs, settings.text.default_alphabet)
            self.receipts = writer
            self.command_id = writer.command_id
        if not self._has_plain_responses():
            self.responses = ResponseWriter(settings, zone, self.added_tlvs)

    def speller(self, *, below_34: bool) -> Callable[[int], bytes] | None:
        """How numbers become ids on a session; None: in decimal digits, or 8 hexadecimal ones below 3.4."""
        return self.ids.speller(below_34=below_34)

    def keys(self, message_id: bytes) -> list[bytes]:
        """Under which ids the message that somebody names so may be known; [] when this is none of our ids."""
        if self.settings.message_id == MessageId():
            return super().keys(message_id)
        return self.ids.keys(message_id)

    def keys_of_receipt(self, named: bytes) -> list[bytes]:
        """Under which ids the message may be known that a receipt of ours names so."""
        return self.ids.keys_of_receipt(named)

    def added_tlvs(self, command_id: int) -> bytes:
        """The octets of the TLVs that are added to a PDU of this kind."""
        added = self._added.get(command_id)
        if added is None:
            names = (ANY, command_name(command_id))
            wanted = [vendor for vendor in self.settings.vendor_tlvs if vendor.pdu in names]
            added = self._added[command_id] = b"".join(
                tlv(vendor.tag, bytes.fromhex(vendor.value)) for vendor in wanted
            )
        return added

    def bind_status(self, reason: str, status: int) -> int:
        """The command_status that refuses a bind: `status`, unless the dialect has another one for this reason.

        Reasons are the keys of `[dialect.NAME.bind]`, such as unknown_system_id.
        """
        wanted = getattr(self.settings.bind, reason, None)
        return status if wanted is None else command_status(wanted)

    def sc_interface_version(self, ours: int) -> int | None:
        """The value of that TLV in bind responses; None where it is left out (quirk Q64)."""
        told = self.settings.bind.sc_interface_version
        if isinstance(told, bool):
            return ours if told else None
        return told

    def policy(self, policy: ValidationPolicy) -> ValidationPolicy:
        """By what the values of an ESME's PDUs are judged, where `policy` is the usual one."""
        limits, addresses = self.settings.limits, self.settings.addresses
        if not (limits.lengths or addresses.source or addresses.destination):
            return policy
        return replace(
            policy,
            lengths=tuple(sorted(limits.lengths.items())),
            source_pairs=frozenset((ton, npi) for ton, npi in addresses.source),
            destination_pairs=frozenset((ton, npi) for ton, npi in addresses.destination),
        )

    def _has_plain_receipts(self) -> bool:
        settings = self.settings
        form = settings.receipt
        ids = settings.message_id
        plain = ReceiptForm(zone=form.zone, unrequested=form.unrequested, accepted_first=form.accepted_first)
        return (
            form == plain
            and ids.receipt_tlv == ids.receipt_text == ids.response
            and ids.receipt_tlv.terminated
            and not ids.receipt_tlv.empty
            and Alphabet(settings.text.default_alphabet) is Alphabet.GSM7
            and not any(self.added_tlvs(command_id) for command_id in OF_RECEIPTS)
        )

    def _has_plain_responses(self) -> bool:
        settings = self.settings
        form = settings.message_id.response
        receipts = [command_name(command_id) for command_id in OF_RECEIPTS]
        return (
            settings.response == ResponseForm()
            and not settings.session.own_response_numbers
            and not settings.session.align_sequences
            and form.terminated
            and not form.empty
            and all(added.pdu in receipts for added in settings.vendor_tlvs)
        )


def compile_dialects(settings: Settings) -> Mapping[str, CompiledDialect]:
    """All dialects of a configuration, by name."""
    zone = time_zone(settings.server.timezone)
    return {name: CompiledDialect(name, dialect, zone) for name, dialect in settings.dialect.items()}
