"""Questions to esm_class and registered_delivery, the two bit fields of a message (SMPP 3.4, 5.2.12 and 5.2.17).

The message type is the *value* of bits 5 to 2 of esm_class, not four flags: 0x24 is a reserved type, and neither a
receipt (0x04) nor an intermediate notification (0x20).
"""

from __future__ import annotations

from typing import Final

from smppwire.constants import (
    ESM_CLASS_TYPE_MASK,
    REGISTERED_DELIVERY_INTERMEDIATE_MASK,
    REGISTERED_DELIVERY_RECEIPT_MASK,
    EsmClassFeature,
    EsmClassType,
    RegisteredDelivery,
)

# Plain integers: these are asked once per message, and operators of enum members cost twenty times as much.
_UDHI: Final = int(EsmClassFeature.UDHI)
_REPLY_PATH: Final = int(EsmClassFeature.REPLY_PATH)
_RECEIPT_TYPE: Final = int(EsmClassType.SMSC_DELIVERY_RECEIPT)
_DELIVERY_ACK_TYPE: Final = int(EsmClassType.SME_DELIVERY_ACKNOWLEDGEMENT)
_MANUAL_ACK_TYPE: Final = int(EsmClassType.SME_MANUAL_ACKNOWLEDGEMENT)
_INTERMEDIATE_TYPE: Final = int(EsmClassType.INTERMEDIATE_NOTIFICATION)
_REPORT_TYPES: Final = frozenset({_RECEIPT_TYPE, _DELIVERY_ACK_TYPE, _MANUAL_ACK_TYPE, _INTERMEDIATE_TYPE})
_ALWAYS: Final = int(RegisteredDelivery.RECEIPT)
_ON_FAILURE: Final = int(RegisteredDelivery.RECEIPT_ON_FAILURE)
_ON_SUCCESS: Final = int(RegisteredDelivery.RECEIPT_ON_SUCCESS)
_WANTS_DELIVERY_ACK: Final = int(RegisteredDelivery.SME_DELIVERY_ACK)
_WANTS_MANUAL_ACK: Final = int(RegisteredDelivery.SME_MANUAL_ACK)


def has_udh(esm_class: int) -> bool:
    """Whether the user data starts with a user data header."""
    return bool(esm_class & _UDHI)


def has_reply_path(esm_class: int) -> bool:
    """Whether the reply shall take the same way back."""
    return bool(esm_class & _REPLY_PATH)


def message_type(esm_class: int) -> int:
    """The message type, a value of ``EsmClassType`` or a reserved one."""
    return esm_class & ESM_CLASS_TYPE_MASK


def is_receipt(esm_class: int) -> bool:
    """Whether this is an SMSC delivery receipt, other bits aside (0x44 is one with a user data header)."""
    return esm_class & ESM_CLASS_TYPE_MASK == _RECEIPT_TYPE


def is_delivery_acknowledgement(esm_class: int) -> bool:
    """Whether the handset acknowledges that the message arrived."""
    return esm_class & ESM_CLASS_TYPE_MASK == _DELIVERY_ACK_TYPE


def is_manual_acknowledgement(esm_class: int) -> bool:
    """Whether the user acknowledges that the message was read."""
    return esm_class & ESM_CLASS_TYPE_MASK == _MANUAL_ACK_TYPE


def is_intermediate_notification(esm_class: int) -> bool:
    """Whether this tells the state of a message that is not final yet."""
    return esm_class & ESM_CLASS_TYPE_MASK == _INTERMEDIATE_TYPE


def is_report(esm_class: int) -> bool:
    """Whether this reports on an earlier message: a receipt, an acknowledgement or an intermediate notification."""
    return esm_class & ESM_CLASS_TYPE_MASK in _REPORT_TYPES


def wants_receipt(registered_delivery: int) -> bool:
    """Whether a receipt is requested for success and failure alike."""
    return registered_delivery & REGISTERED_DELIVERY_RECEIPT_MASK == _ALWAYS


def wants_failure_receipt(registered_delivery: int) -> bool:
    """Whether a receipt is requested for failure only."""
    return registered_delivery & REGISTERED_DELIVERY_RECEIPT_MASK == _ON_FAILURE


def wants_receipt_for(registered_delivery: int, *, delivered: bool) -> bool:
    """Whether an outcome, delivered or not, shall be reported.

    The value 3 is reserved in SMPP 3.4 and "success only" in 5.0; it is read as 5.0 does, as 3.4 gives it no meaning.
    """
    request = registered_delivery & REGISTERED_DELIVERY_RECEIPT_MASK
    if request == _ALWAYS:
        return True
    return request == (_ON_SUCCESS if delivered else _ON_FAILURE)


def wants_delivery_acknowledgement(registered_delivery: int) -> bool:
    """Whether the handset shall acknowledge the arrival."""
    return bool(registered_delivery & _WANTS_DELIVERY_ACK)


def wants_manual_acknowledgement(registered_delivery: int) -> bool:
    """Whether the user shall acknowledge the reading."""
    return bool(registered_delivery & _WANTS_MANUAL_ACK)


def wants_intermediate_notification(registered_delivery: int) -> bool:
    """Whether states before the final one shall be reported: bit 4 by the pattern of 5.2.17, bit 5 by its heading."""
    return bool(registered_delivery & REGISTERED_DELIVERY_INTERMEDIATE_MASK)
