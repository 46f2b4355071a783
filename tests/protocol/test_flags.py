"""The bit fields of a message, every octet of them."""

import pytest

from smppwire import flags

TYPES = {
    0x04: flags.is_receipt,
    0x08: flags.is_delivery_acknowledgement,
    0x10: flags.is_manual_acknowledgement,
    0x20: flags.is_intermediate_notification,
}


@pytest.mark.parametrize("esm_class", range(256))
def test_the_message_type_is_one_value(esm_class: int) -> None:
    kind = esm_class & 0x3C
    assert flags.message_type(esm_class) == kind
    assert [value for value, predicate in TYPES.items() if predicate(esm_class)] == [kind] * (kind in TYPES)
    assert flags.is_report(esm_class) is (kind in TYPES)


@pytest.mark.parametrize("esm_class", range(256))
def test_features_are_bits(esm_class: int) -> None:
    assert flags.has_udh(esm_class) is (esm_class >> 6 & 1 == 1)
    assert flags.has_reply_path(esm_class) is (esm_class >> 7 == 1)


@pytest.mark.parametrize("registered_delivery", range(256))
def test_requests(registered_delivery: int) -> None:
    request = registered_delivery & 3
    assert flags.wants_receipt(registered_delivery) is (request == 1)
    assert flags.wants_failure_receipt(registered_delivery) is (request == 2)
    assert flags.wants_receipt_for(registered_delivery, delivered=True) is (request in (1, 3))
    assert flags.wants_receipt_for(registered_delivery, delivered=False) is (request in (1, 2))
    assert flags.wants_delivery_acknowledgement(registered_delivery) is bool(registered_delivery & 4)
    assert flags.wants_manual_acknowledgement(registered_delivery) is bool(registered_delivery & 8)
    assert flags.wants_intermediate_notification(registered_delivery) is bool(registered_delivery & 0x30)
