"""The numbers of SMPP and their names, spelled as the specification spells them.

Members are the specification's names in upper case. Nothing here restricts what may be on the wire: a value without a
member stays a plain ``int`` all the way through, and the ``*_name`` helpers answer it in hexadecimal. Values marked
"5.0" come from SMPP 5.0; everything else is in SMPP 3.4.
"""

from __future__ import annotations

from enum import IntEnum, IntFlag
from typing import Final

HEADER_LENGTH: Final = 16
"""Octets of the PDU header: four 32-bit integers (SMPP 3.4, 3.2)."""

RESPONSE_BIT: Final = 0x80000000
"""command_id of a response = command_id of its request with this bit set (5.1.2)."""

MAX_PDU_LENGTH: Final = 131_072
"""Default ceiling of command_length. A full message_payload (65,535 octets) in a submit_sm needs about 70,000; twice
that leaves room for vendor TLVs while a hostile length cannot make us hold more than 128 KiB."""

MAX_SEQUENCE_NUMBER: Final = 0x7FFFFFFF
"""Highest sequence number we issue (5.1.4). Peers may use any 32-bit value and get it echoed."""


class InterfaceVersion(IntEnum):
    """interface_version of a bind and sc_interface_version of its response (5.2.4)."""

    SMPP_3_3 = 0x33
    SMPP_3_4 = 0x34
    SMPP_5_0 = 0x50


class CommandId(IntEnum):
    """command_id (5.1.2.1; the broadcast family: 5.0)."""

    GENERIC_NACK = 0x80000000
    BIND_RECEIVER = 0x00000001
    BIND_RECEIVER_RESP = 0x80000001
    BIND_TRANSMITTER = 0x00000002
    BIND_TRANSMITTER_RESP = 0x80000002
    QUERY_SM = 0x00000003
    QUERY_SM_RESP = 0x80000003
    SUBMIT_SM = 0x00000004
    SUBMIT_SM_RESP = 0x80000004
    DELIVER_SM = 0x00000005
    DELIVER_SM_RESP = 0x80000005
    UNBIND = 0x00000006
    UNBIND_RESP = 0x80000006
    REPLACE_SM = 0x00000007
    REPLACE_SM_RESP = 0x80000007
    CANCEL_SM = 0x00000008
    CANCEL_SM_RESP = 0x80000008
    BIND_TRANSCEIVER = 0x00000009
    BIND_TRANSCEIVER_RESP = 0x80000009
    OUTBIND = 0x0000000B
    ENQUIRE_LINK = 0x00000015
    ENQUIRE_LINK_RESP = 0x80000015
    SUBMIT_MULTI = 0x00000021
    SUBMIT_MULTI_RESP = 0x80000021
    ALERT_NOTIFICATION = 0x00000102
    DATA_SM = 0x00000103
    DATA_SM_RESP = 0x80000103
    BROADCAST_SM = 0x00000111
    BROADCAST_SM_RESP = 0x80000111
    QUERY_BROADCAST_SM = 0x00000112
    QUERY_BROADCAST_SM_RESP = 0x80000112
    CANCEL_BROADCAST_SM = 0x00000113
    CANCEL_BROADCAST_SM_RESP = 0x80000113


class CommandStatus(IntEnum):
    """command_status (5.1.3); 0x100 and above: 5.0. The last five names of the TLV group are 5.0's new spellings."""

    ESME_ROK = 0x00000000
    ESME_RINVMSGLEN = 0x00000001
    ESME_RINVCMDLEN = 0x00000002
    ESME_RINVCMDID = 0x00000003
    ESME_RINVBNDSTS = 0x00000004
    ESME_RALYBND = 0x00000005
    ESME_RINVPRTFLG = 0x00000006
    ESME_RINVREGDLVFLG = 0x00000007
    ESME_RSYSERR = 0x00000008
    ESME_RINVSRCADR = 0x0000000A
    ESME_RINVDSTADR = 0x0000000B
    ESME_RINVMSGID = 0x0000000C
    ESME_RBINDFAIL = 0x0000000D
    ESME_RINVPASWD = 0x0000000E
    ESME_RINVSYSID = 0x0000000F
    ESME_RCANCELFAIL = 0x00000011
    ESME_RREPLACEFAIL = 0x00000013
    ESME_RMSGQFUL = 0x00000014
    ESME_RINVSERTYP = 0x00000015
    ESME_RINVNUMDESTS = 0x00000033
    ESME_RINVDLNAME = 0x00000034
    ESME_RINVDESTFLAG = 0x00000040
    ESME_RINVSUBREP = 0x00000042
    ESME_RINVESMCLASS = 0x00000043
    ESME_RCNTSUBDL = 0x00000044
    ESME_RSUBMITFAIL = 0x00000045
    ESME_RINVSRCTON = 0x00000048
    ESME_RINVSRCNPI = 0x00000049
    ESME_RINVDSTTON = 0x00000050
    ESME_RINVDSTNPI = 0x00000051
    ESME_RINVSYSTYP = 0x00000053
    ESME_RINVREPFLAG = 0x00000054
    ESME_RINVNUMMSGS = 0x00000055
    ESME_RTHROTTLED = 0x00000058
    ESME_RINVSCHED = 0x00000061
    ESME_RINVEXPIRY = 0x00000062
    ESME_RINVDFTMSGID = 0x00000063
    ESME_RX_T_APPN = 0x00000064
    ESME_RX_P_APPN = 0x00000065
    ESME_RX_R_APPN = 0x00000066
    ESME_RQUERYFAIL = 0x00000067
    ESME_RINVOPTPARSTREAM = 0x000000C0
    ESME_ROPTPARNOTALLWD = 0x000000C1
    ESME_RINVPARLEN = 0x000000C2
    ESME_RMISSINGOPTPARAM = 0x000000C3
    ESME_RINVOPTPARAMVAL = 0x000000C4
    ESME_RDELIVERYFAILURE = 0x000000FE
    ESME_RUNKNOWNERR = 0x000000FF
    ESME_RSERTYPUNAUTH = 0x00000100
    ESME_RPROHIBITED = 0x00000101
    ESME_RSERTYPUNAVAIL = 0x00000102
    ESME_RSERTYPDENIED = 0x00000103
    ESME_RINVDCS = 0x00000104
    ESME_RINVSRCADDRSUBUNIT = 0x00000105
    ESME_RINVDSTADDRSUBUNIT = 0x00000106
    ESME_RINVBCASTFREQINT = 0x00000107
    ESME_RINVBCASTALIAS_NAME = 0x00000108
    ESME_RINVBCASTAREAFMT = 0x00000109
    ESME_RINVNUMBCAST_AREAS = 0x0000010A
    ESME_RINVBCASTCNTTYPE = 0x0000010B
    ESME_RINVBCASTMSGCLASS = 0x0000010C
    ESME_RBCASTFAIL = 0x0000010D
    ESME_RBCASTQUERYFAIL = 0x0000010E
    ESME_RBCASTCANCELFAIL = 0x0000010F
    ESME_RINVBCAST_REP = 0x00000110
    ESME_RINVBCASTSRVGRP = 0x00000111
    ESME_RINVBCASTCHANIND = 0x00000112

    ESME_RINVTLVSTREAM = ESME_RINVOPTPARSTREAM
    ESME_RTLVNOTALLWD = ESME_ROPTPARNOTALLWD
    ESME_RINVTLVLEN = ESME_RINVPARLEN
    ESME_RMISSINGTLV = ESME_RMISSINGOPTPARAM
    ESME_RINVTLVVAL = ESME_RINVOPTPARAMVAL


class TlvTag(IntEnum):
    """Tags of the optional parameters (5.3.1); the 0x06xx group and congestion_state: 5.0."""

    DEST_ADDR_SUBUNIT = 0x0005
    DEST_NETWORK_TYPE = 0x0006
    DEST_BEARER_TYPE = 0x0007
    DEST_TELEMATICS_ID = 0x0008
    SOURCE_ADDR_SUBUNIT = 0x000D
    SOURCE_NETWORK_TYPE = 0x000E
    SOURCE_BEARER_TYPE = 0x000F
    SOURCE_TELEMATICS_ID = 0x0010
    QOS_TIME_TO_LIVE = 0x0017
    PAYLOAD_TYPE = 0x0019
    ADDITIONAL_STATUS_INFO_TEXT = 0x001D
    RECEIPTED_MESSAGE_ID = 0x001E
    MS_MSG_WAIT_FACILITIES = 0x0030
    PRIVACY_INDICATOR = 0x0201
    SOURCE_SUBADDRESS = 0x0202
    DEST_SUBADDRESS = 0x0203
    USER_MESSAGE_REFERENCE = 0x0204
    USER_RESPONSE_CODE = 0x0205
    SOURCE_PORT = 0x020A
    DESTINATION_PORT = 0x020B
    SAR_MSG_REF_NUM = 0x020C
    LANGUAGE_INDICATOR = 0x020D
    SAR_TOTAL_SEGMENTS = 0x020E
    SAR_SEGMENT_SEQNUM = 0x020F
    SC_INTERFACE_VERSION = 0x0210
    CALLBACK_NUM_PRES_IND = 0x0302
    CALLBACK_NUM_ATAG = 0x0303
    NUMBER_OF_MESSAGES = 0x0304
    CALLBACK_NUM = 0x0381
    DPF_RESULT = 0x0420
    SET_DPF = 0x0421
    MS_AVAILABILITY_STATUS = 0x0422
    NETWORK_ERROR_CODE = 0x0423
    MESSAGE_PAYLOAD = 0x0424
    DELIVERY_FAILURE_REASON = 0x0425
    MORE_MESSAGES_TO_SEND = 0x0426
    MESSAGE_STATE = 0x0427
    CONGESTION_STATE = 0x0428
    USSD_SERVICE_OP = 0x0501
    BROADCAST_CHANNEL_INDICATOR = 0x0600
    BROADCAST_CONTENT_TYPE = 0x0601
    BROADCAST_CONTENT_TYPE_INFO = 0x0602
    BROADCAST_MESSAGE_CLASS = 0x0603
    BROADCAST_REP_NUM = 0x0604
    BROADCAST_FREQUENCY_INTERVAL = 0x0605
    BROADCAST_AREA_IDENTIFIER = 0x0606
    BROADCAST_ERROR_STATUS = 0x0607
    BROADCAST_AREA_SUCCESS = 0x0608
    BROADCAST_END_TIME = 0x0609
    BROADCAST_SERVICE_GROUP = 0x060A
    BILLING_IDENTIFICATION = 0x060B
    SOURCE_NETWORK_ID = 0x060D
    DEST_NETWORK_ID = 0x060E
    SOURCE_NODE_ID = 0x060F
    DEST_NODE_ID = 0x0610
    DEST_ADDR_NP_RESOLUTION = 0x0611
    DEST_ADDR_NP_INFORMATION = 0x0612
    DEST_ADDR_NP_COUNTRY = 0x0613
    DISPLAY_TIME = 0x1201
    SMS_SIGNAL = 0x1203
    MS_VALIDITY = 0x1204
    ALERT_ON_MESSAGE_DELIVERY = 0x130C
    ITS_REPLY_TYPE = 0x1380
    ITS_SESSION_INFO = 0x1383

    FAILED_BROADCAST_AREA_IDENTIFIER = BROADCAST_AREA_IDENTIFIER


class Ton(IntEnum):
    """Type of number (5.2.5)."""

    UNKNOWN = 0
    INTERNATIONAL = 1
    NATIONAL = 2
    NETWORK_SPECIFIC = 3
    SUBSCRIBER_NUMBER = 4
    ALPHANUMERIC = 5
    ABBREVIATED = 6


class Npi(IntEnum):
    """Numbering plan indicator (5.2.6). The values are not consecutive."""

    UNKNOWN = 0
    ISDN = 1
    DATA = 3
    TELEX = 4
    LAND_MOBILE = 6
    NATIONAL = 8
    PRIVATE = 9
    ERMES = 10
    INTERNET = 14
    WAP_CLIENT_ID = 18


class MessageState(IntEnum):
    """message_state (5.2.28); SCHEDULED and SKIPPED: 5.0."""

    SCHEDULED = 0
    ENROUTE = 1
    DELIVERED = 2
    EXPIRED = 3
    DELETED = 4
    UNDELIVERABLE = 5
    ACCEPTED = 6
    UNKNOWN = 7
    REJECTED = 8
    SKIPPED = 9


class DataCoding(IntEnum):
    """data_coding (5.2.19), the values that name one alphabet."""

    SMSC_DEFAULT = 0x00
    IA5_ASCII = 0x01
    OCTET_UNSPECIFIED_COMMON = 0x02
    LATIN_1 = 0x03
    OCTET_UNSPECIFIED = 0x04
    JIS = 0x05
    CYRILLIC = 0x06
    LATIN_HEBREW = 0x07
    UCS2 = 0x08
    PICTOGRAM = 0x09
    ISO_2022_JP = 0x0A
    EXTENDED_KANJI_JIS = 0x0D
    KS_C_5601 = 0x0E


ESM_CLASS_MODE_MASK: Final = 0x03
ESM_CLASS_TYPE_MASK: Final = 0x3C
"""The message type is the value under this mask, not a set of bits: 0x18 is neither 0x08 nor 0x10 (5.2.12)."""
ESM_CLASS_FEATURE_MASK: Final = 0xC0


class EsmClassMode(IntEnum):
    """esm_class bits 1-0 (5.2.12); they mean something only towards the SMSC."""

    DEFAULT = 0x00
    DATAGRAM = 0x01
    TRANSACTION = 0x02
    STORE_AND_FORWARD = 0x03


class EsmClassType(IntEnum):
    """esm_class bits 5-2 (5.2.12), to be compared after masking with ESM_CLASS_TYPE_MASK."""

    DEFAULT = 0x00
    SMSC_DELIVERY_RECEIPT = 0x04
    SME_DELIVERY_ACKNOWLEDGEMENT = 0x08
    SME_MANUAL_ACKNOWLEDGEMENT = 0x10
    CONVERSATION_ABORT = 0x18
    INTERMEDIATE_NOTIFICATION = 0x20


class EsmClassFeature(IntFlag):
    """esm_class bits 7-6 (5.2.12)."""

    UDHI = 0x40
    REPLY_PATH = 0x80


REGISTERED_DELIVERY_RECEIPT_MASK: Final = 0x03
REGISTERED_DELIVERY_ACK_MASK: Final = 0x0C
REGISTERED_DELIVERY_INTERMEDIATE_MASK: Final = 0x30
"""Intermediate notification is bit 4 in the bit pattern of 5.2.17 and bit 5 in its heading; peers use either."""


class RegisteredDelivery(IntFlag):
    """registered_delivery (5.2.17). RECEIPT_ON_SUCCESS: 5.0, reserved in 3.4."""

    NONE = 0x00
    RECEIPT = 0x01
    RECEIPT_ON_FAILURE = 0x02
    RECEIPT_ON_SUCCESS = 0x03
    SME_DELIVERY_ACK = 0x04
    SME_MANUAL_ACK = 0x08
    INTERMEDIATE_NOTIFICATION = 0x10
    INTERMEDIATE_NOTIFICATION_BIT_5 = 0x20


class DestFlag(IntEnum):
    """dest_flag of a submit_multi destination (5.2.25)."""

    SME_ADDRESS = 1
    DISTRIBUTION_LIST = 2


def _lower_names(members: type[IntEnum]) -> dict[int, str]:
    return {member.value: member.name.lower() for member in members}


_COMMAND_NAMES: Final = _lower_names(CommandId)
_STATUS_NAMES: Final = {status.value: status.name for status in CommandStatus}
_TLV_NAMES: Final = _lower_names(TlvTag)
_TON_NAMES: Final = _lower_names(Ton)
_NPI_NAMES: Final = _lower_names(Npi)
_DATA_CODING_NAMES: Final = _lower_names(DataCoding)
_STATE_NAMES: Final[dict[int, str]] = {
    MessageState.SCHEDULED: "SCHEDULED",
    MessageState.ENROUTE: "ENROUTE",
    MessageState.DELIVERED: "DELIVRD",
    MessageState.EXPIRED: "EXPIRED",
    MessageState.DELETED: "DELETED",
    MessageState.UNDELIVERABLE: "UNDELIV",
    MessageState.ACCEPTED: "ACCEPTD",
    MessageState.UNKNOWN: "UNKNOWN",
    MessageState.REJECTED: "REJECTD",
    MessageState.SKIPPED: "SKIPPED",
}


def command_name(command_id: int) -> str:
    """Name of a command_id as the specification prints it: ``submit_sm``; an unknown one as ``0x0000ffff``."""
    return _COMMAND_NAMES.get(command_id) or f"0x{command_id:08x}"


def status_name(command_status: int) -> str:
    """Name of a command_status: ``ESME_ROK``; an unknown one (vendor, 3.3) as ``0x0000042e``."""
    return _STATUS_NAMES.get(command_status) or f"0x{command_status:08x}"


def tlv_name(tag: int) -> str:
    """Name of a TLV tag: ``receipted_message_id``; an unknown one as ``0x1403``."""
    return _TLV_NAMES.get(tag) or f"0x{tag:04x}"


def state_name(message_state: int) -> str:
    """Spelling of a message_state in receipt texts (Appendix B): ``DELIVRD``; an unknown one as ``0x0c``."""
    return _STATE_NAMES.get(message_state) or f"0x{message_state:02x}"


def ton_name(ton: int) -> str:
    """Name of a type of number: ``international``; a reserved one as ``0x07``."""
    return _TON_NAMES.get(ton) or f"0x{ton:02x}"


def npi_name(npi: int) -> str:
    """Name of a numbering plan: ``isdn``; a reserved one as ``0x02``."""
    return _NPI_NAMES.get(npi) or f"0x{npi:02x}"


def data_coding_name(data_coding: int) -> str:
    """Name of a data_coding: ``ucs2``; a GSM group (0xC0-0xFF) or reserved value as ``0xf0``."""
    return _DATA_CODING_NAMES.get(data_coding) or f"0x{data_coding:02x}"
