"""The optional parameters (TLVs) of SMPP 3.4 and 5.0: tag, name, and how their values read.

Written from the specification (3.4: 5.3; 5.0: 4.8.4), independently of ``smppwire.schema``.
"""

# Types are capitalised, as construct's are.
# ruff: noqa: N802

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, NamedTuple

from smppwire.grammar import words
from smppwire.grammar.notation import Finding, Kind

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

MAX_VALUE: Final = 65_535
"""Octets of the longest value: its length has 16 bits."""

WRONG_LENGTH: Final = "ESME_RINVPARLEN"
WRONG_VALUE: Final = "ESME_RINVOPTPARAMVAL"


class Parameter(NamedTuple):
    """How one optional parameter reads.

    ``sizes`` are the octets its value may have. ``meanings`` of integers judge as well: what is not in there is
    reserved.
    """

    kind: Kind
    sizes: Sequence[int]
    meaning: Callable[[Any], str] = words.nothing
    meanings: Mapping[int, str] | None = None

    def read(self, octets: bytes) -> int | bytes:
        """The value: an integer when the octets are one, the characters before the NUL of a text, else the octets."""
        if self.kind == "integer" and len(octets) in self.sizes and octets:
            return int.from_bytes(octets, "big")
        if self.kind == "text":
            return octets.partition(b"\x00")[0]
        return octets

    def explain(self, octets: bytes) -> str:
        """The value in words."""
        value = self.read(octets)
        if self.kind == "integer" and isinstance(value, bytes):
            return ""
        return self.meaning(value)

    def judge(self, octets: bytes) -> Iterator[Finding]:
        """What is wrong with a value."""
        if len(octets) not in self.sizes:
            yield Finding(f"{len(octets)} octets, {_sizes(self.sizes)} expected", WRONG_LENGTH, grave=True)
            return
        value = self.read(octets)
        if self.meanings is not None and isinstance(value, int) and value not in self.meanings:
            yield Finding(f"0x{value:02x} is reserved", WRONG_VALUE, grave=False)
        if self.kind == "text" and not octets.endswith(b"\x00"):
            yield Finding("no terminating NUL", WRONG_LENGTH, grave=False)


def _sizes(sizes: Sequence[int]) -> str:
    if isinstance(sizes, range) and len(sizes) > 1:
        return f"{sizes[0]} to {sizes[-1]}"
    return " or ".join(map(str, sizes))


def Integer(size: int = 1, meaning: Callable[[int], str] = words.nothing) -> Parameter:
    """An unsigned integer of ``size`` octets."""
    return Parameter("integer", range(size, size + 1), meaning)


def Enumerated(meanings: Mapping[int, str]) -> Parameter:
    """One octet with a table of meanings."""
    return Parameter("integer", range(1, 2), words.table(meanings), meanings)


def Text(least: int, most: int) -> Parameter:
    """A C-octet string, its NUL counted in the sizes. Some SMSCs leave the NUL out, which is no error."""
    return Parameter("text", range(least, most + 1))


def Octets(least: int, most: int, meaning: Callable[[bytes], str] = words.nothing) -> Parameter:
    """An octet string."""
    return Parameter("octets", range(least, most + 1), meaning)


PARAMETERS: Final[dict[int, tuple[str, Parameter]]] = {
    0x0005: ("dest_addr_subunit", Enumerated(words.SUBUNIT)),
    0x0006: ("dest_network_type", Enumerated(words.NETWORK_TYPE)),
    0x0007: ("dest_bearer_type", Enumerated(words.BEARER_TYPE)),
    0x0008: ("dest_telematics_id", Integer(2, words.telematics)),
    0x000D: ("source_addr_subunit", Enumerated(words.SUBUNIT)),
    0x000E: ("source_network_type", Enumerated(words.NETWORK_TYPE)),
    0x000F: ("source_bearer_type", Enumerated(words.BEARER_TYPE)),
    0x0010: ("source_telematics_id", Integer(1, words.telematics)),
    0x0017: ("qos_time_to_live", Integer(4, words.unit("second", "seconds"))),
    0x0019: ("payload_type", Enumerated(words.PAYLOAD_TYPE)),
    0x001D: ("additional_status_info_text", Text(1, 256)),
    0x001E: ("receipted_message_id", Text(1, 65)),
    0x0030: ("ms_msg_wait_facilities", Integer(1, words.waiting)),
    0x0201: ("privacy_indicator", Enumerated(words.PRIVACY)),
    0x0202: ("source_subaddress", Octets(2, 23, words.subaddress)),
    0x0203: ("dest_subaddress", Octets(2, 23, words.subaddress)),
    0x0204: ("user_message_reference", Parameter("integer", range(1, 3))),  # 2 octets; 1 is seen and understood
    0x0205: ("user_response_code", Integer()),
    0x020A: ("source_port", Integer(2)),
    0x020B: ("destination_port", Integer(2)),
    0x020C: ("sar_msg_ref_num", Integer(2)),
    0x020D: ("language_indicator", Enumerated(words.LANGUAGE)),
    0x020E: ("sar_total_segments", Integer()),
    0x020F: ("sar_segment_seqnum", Integer()),
    0x0210: ("sc_interface_version", Integer(1, words.interface_version)),
    0x0302: ("callback_num_pres_ind", Integer(1, words.callback_presentation)),
    0x0303: ("callback_num_atag", Octets(1, 65, words.callback_tag)),
    0x0304: ("number_of_messages", Integer()),
    0x0381: ("callback_num", Octets(4, 19, words.callback_number)),
    0x0420: ("dpf_result", Enumerated(words.DPF_RESULT)),
    0x0421: ("set_dpf", Enumerated(words.SET_DPF)),
    0x0422: ("ms_availability_status", Enumerated(words.AVAILABILITY)),
    0x0423: ("network_error_code", Octets(3, 3, words.network_error)),
    0x0424: ("message_payload", Octets(0, MAX_VALUE)),
    0x0425: ("delivery_failure_reason", Enumerated(words.DELIVERY_FAILURE)),
    0x0426: ("more_messages_to_send", Enumerated(words.MORE_MESSAGES)),
    0x0427: ("message_state", Enumerated(words.MESSAGE_STATE)),
    0x0428: ("congestion_state", Integer(1, words.congestion)),  # 5.0, as is all of 06xx
    0x0501: ("ussd_service_op", Integer(1, words.ussd_operation)),
    0x0600: ("broadcast_channel_indicator", Enumerated(words.CHANNEL)),
    0x0601: ("broadcast_content_type", Octets(3, 3, words.broadcast_content)),
    0x0602: ("broadcast_content_type_info", Octets(1, 255)),
    0x0603: ("broadcast_message_class", Enumerated(words.BROADCAST_CLASS)),
    0x0604: ("broadcast_rep_num", Integer(2, words.unit("repetition", "repetitions"))),
    0x0605: ("broadcast_frequency_interval", Octets(3, 3, words.interval)),
    0x0606: ("broadcast_area_identifier", Octets(1, 101, words.area)),  # failed_broadcast_area_identifier in responses
    0x0607: ("broadcast_error_status", Integer(4, words.status)),
    0x0608: ("broadcast_area_success", Integer(1, words.area_success)),
    0x0609: ("broadcast_end_time", Parameter("text", range(16, 18), words.time)),
    0x060A: ("broadcast_service_group", Octets(1, 255)),
    0x060B: ("billing_identification", Octets(1, 1024, words.billing)),
    0x060D: ("source_network_id", Text(7, 65)),
    0x060E: ("dest_network_id", Text(7, 65)),
    0x060F: ("source_node_id", Octets(6, 6, words.characters)),
    0x0610: ("dest_node_id", Octets(6, 6, words.characters)),
    0x0611: ("dest_addr_np_resolution", Enumerated(words.NUMBER_PORTABILITY)),
    0x0612: ("dest_addr_np_information", Octets(10, 10, words.characters)),
    0x0613: ("dest_addr_np_country", Octets(1, 5)),
    0x1201: ("display_time", Enumerated(words.DISPLAY_TIME)),
    0x1203: ("sms_signal", Integer(2)),
    0x1204: ("ms_validity", Parameter("integer", (1, 4), words.validity)),  # 4 octets: 5.0
    0x130C: ("alert_on_message_delivery", Parameter("integer", range(2), words.table(words.ALERT), words.ALERT)),
    0x1380: ("its_reply_type", Enumerated(words.ITS_REPLY)),
    0x1383: ("its_session_info", Octets(2, 2, words.its_session)),
}

REPEATABLE: Final = frozenset({0x0302, 0x0303, 0x0381, 0x0606, 0x0607})
"""Tags that may occur more than once; of others the last one counts."""

MESSAGE_PAYLOAD: Final = 0x0424
SAR: Final = frozenset({0x020C, 0x020E, 0x020F})
"""Segmentation: all three or none."""
PORTS: Final = frozenset({0x020A, 0x020B})

UNKNOWN: Final = Parameter("octets", range(MAX_VALUE + 1))
"""How a tag without a row reads: as its octets."""


def parameter(tag: int) -> tuple[str, Parameter]:
    """Name and reading of a tag; unknown ones are called ``unknown`` and may hold anything."""
    return PARAMETERS.get(tag, ("unknown", UNKNOWN))
