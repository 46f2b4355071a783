"""One server for all tests of a process (with xdist: of a worker); each test finds it as new."""

import pytest
from textshop.shop import Shop


@pytest.mark.parametrize("number", range(6))
def test_each_test_sees_its_own_messages(smsc_shared, number):
    assert smsc_shared.submits() == []
    smsc_shared.rules.add(status="ESME_RTHROTTLED", times=1)
    with Shop(*smsc_shared.address) as shop:
        shop.send_code(f"3361234567{number}", "493027")
        smsc_shared.expect_submit(to=f"3361234567{number}", count=2)
        smsc_shared.nothing_else()


@pytest.mark.smsc(rules=[{"to": "336*", "status": "ESME_RSYSERR"}])
def test_a_marker_adds_rules(smsc_shared, esme):
    assert esme.submit("33612345678", "Hello").command_status == "ESME_RSYSERR"
