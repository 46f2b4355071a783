"""The starred quirks that are faults, each reproduced against smpplib over a loopback socket.

A name such as test_q31_... is that of the quirk. What a client of other people does about it is part of the test: where
it breaks, the test says how.
"""

from __future__ import annotations

import struct
from collections.abc import Callable

import pytest
import smpplib.exceptions

from smppd.settings import Clock, Timers, faults
from smppd.settings.faults import Fault
from smppd.settings.rules import Schedule
from smppwire.receipt import parse_receipt
from tests.interop.conftest import Serve, SmpplibEsme
from tests.transport.support import Live, account

Make = Callable[..., SmpplibEsme]

RALYBND, RTHROTTLED, RMSGQFUL, RSUBMITFAIL, RBINDFAIL = 0x05, 0x58, 0x14, 0x45, 0x0D
TCP_INFO, TCP = 11, 6
SYSTEM_ID = "smppclient1"
LOST = (smpplib.exceptions.ConnectionError, OSError)
"""What smpplib says of a connection that ends under its hands."""


def segments_received(esme: SmpplibEsme) -> int:
    """Segments with data that have come, as the system counts them (tcpi_data_segs_in)."""
    return struct.unpack_from("<I", esme.client._socket.getsockopt(TCP, TCP_INFO, 256), 152)[0]  # type: ignore[no-any-return]


def commands(esme: SmpplibEsme, count: int) -> list[str]:
    """What comes next, unanswered."""
    return [esme.client.read_pdu().command for _ in range(count)]


def hits(smsc: Live, name: str) -> int:
    return smsc.call(smsc.server.faults.hits)[name].fired


# B. Delivery receipts.


def test_q31_a_receipt_comes_before_the_submit_sm_resp(serve: Serve, smpplib_esme: Make) -> None:
    smsc = serve(fault=[faults.ReceiptBeforeResponse(name="early")])
    esme = smpplib_esme(smsc)
    esme.bind()
    order: list[str] = []
    esme.client.set_message_received_handler(lambda pdu: order.append(pdu.receipted_message_id.decode()))
    esme.client.set_message_sent_handler(lambda pdu: order.append("response " + pdu.message_id.decode()))
    for _ in range(3):
        esme.submit()
    esme.until(lambda: len(order) == 6)
    # It names a message of which the client knows nothing yet.
    assert [f"response {receipted}" for receipted in order[::2]] == order[1::2]
    smsc.until(lambda: smsc.server.engine.ledger.live == 0)


def test_q32_receipts_come_on_any_bind_of_the_account(serve: Serve, smpplib_esme: Make) -> None:
    smsc = serve(account=[account(SYSTEM_ID, receipt_bind="round_robin")])
    first, second = smpplib_esme(smsc), smpplib_esme(smsc)
    first.bind()
    second.bind()
    sent = [first.submitted() for _ in range(2)]
    first.until(lambda: len(first.receipts) == 1)
    second.until(lambda: len(second.receipts) == 1)
    assert sorted(first.receipted + second.receipted) == sorted(sent)


def test_q33a_receipts_of_old_messages_flood_in_after_a_bind(serve: Serve, smpplib_esme: Make) -> None:
    smsc = serve(fault=[faults.ReceiptStorm(name="storm"), faults.ReceiptOld(name="old", age=86_400.0 * 365)])
    esme = smpplib_esme(smsc)
    esme.bind()
    sent = [esme.submitted() for _ in range(20)]
    smsc.until(lambda: smsc.server.engine.in_flight == 0)
    esme.client.unbind()
    esme.close()
    again = smpplib_esme(smsc)
    again.bind()
    again.until(lambda: len(again.receipts) == 20)
    assert again.receipted == sent
    dates = {parse_receipt(pdu.short_message).done_date or "" for pdu in again.receipts}
    assert all(date < "3" for date in dates)
    smsc.until(lambda: smsc.server.engine.ledger.live == 0)


# D. Sessions.


def test_q51_the_message_centre_sends_enquire_link_and_drops_who_does_not_answer(
    serve: Serve, smpplib_esme: Make
) -> None:
    timers = Timers(session_init=0, enquire_link=0.05, inactivity=0, response=0.05)
    smsc = serve(timers=timers)
    esme = smpplib_esme(smsc)
    esme.bind()
    assert commands(esme, 4) == ["enquire_link"] * 3 + ["unbind"]
    assert esme.ended()


def test_q51_and_q54_enquire_links_come_at_a_pace_of_their_own(serve: Serve, smpplib_esme: Make) -> None:
    smsc = serve(fault=[faults.EnquireLinkInterval(name="often", interval=0.02)])
    esme = smpplib_esme(smsc)
    esme.bind()
    esme.until(lambda: hits(smsc, "often") >= 5)
    assert esme.submitted()
    assert len(smsc.events("protocol error")) == 0


def test_q52_an_enquire_link_comes_before_the_bind(serve: Serve, smpplib_esme: Make) -> None:
    smsc = serve(fault=[faults.EnquireLinkBeforeBind(name="early", count=1)])
    esme = smpplib_esme(smsc)
    # smpplib takes whatever comes first for the answer to its bind.
    assert esme.bind().command == "enquire_link"
    assert esme.client.read_pdu().command == "bind_transceiver_resp"
    assert esme.submitted()
    again = smpplib_esme(smsc)
    assert again.bind().command == "bind_transceiver_resp"


def test_q55_already_bound_while_a_stale_session_lingers(serve: Serve, smpplib_esme: Make) -> None:
    smsc = serve(
        account=[account(SYSTEM_ID), account("other")],
        fault=[faults.StaleSession(name="stale", for_=120.0, account=SYSTEM_ID)],
        clock=Clock(mode="virtual"),
    )
    esme = smpplib_esme(smsc)
    esme.bind()
    esme.close()
    smsc.until(lambda: not smsc.server.session_counts())

    def refused() -> int:
        with pytest.raises(smpplib.exceptions.PDUError) as error:
            smpplib_esme(smsc).bind()
        return int(error.value.args[1])

    assert refused() == RALYBND
    smpplib_esme(smsc).bind(system_id="other")
    smsc.run(smsc.server.advance(119.0))
    assert refused() == RALYBND
    smsc.run(smsc.server.advance(1.0))
    assert smpplib_esme(smsc).bind().status == 0
    assert hits(smsc, "stale") == 1


def test_q58_a_deliver_sm_comes_in_the_same_segment_as_the_bind_resp(serve: Serve, smpplib_esme: Make) -> None:
    smsc = serve(fault=[faults.MoWithBindResponse(name="mo", text="already here")])
    esme = smpplib_esme(smsc)
    assert esme.bind().command == "bind_transceiver_resp"
    esme.until(lambda: bool(esme.mobile_originated))
    assert segments_received(esme) == 1
    assert esme.mobile_originated[0].short_message == b"already here"
    smsc.until(lambda: smsc.server.engine.ledger.live == 0)


@pytest.mark.parametrize("kind", [faults.Fin, faults.Reset, faults.ResetInsidePdu], ids=lambda kind: kind.__name__)
def test_q59_the_connection_ends_without_an_unbind(serve: Serve, smpplib_esme: Make, kind: type[Fault]) -> None:
    smsc = serve(fault=[kind(name="end", command="deliver_sm", count=1)])  # type: ignore[call-arg]
    esme = smpplib_esme(smsc)
    esme.bind()
    sent = esme.submitted()
    with pytest.raises(LOST):
        esme.until(lambda: bool(esme.receipts))
    # What was not acknowledged comes again on the next bind.
    again = smpplib_esme(smsc)
    again.bind()
    again.until(lambda: bool(again.receipts))
    assert again.receipted == [sent]


def test_q59_a_scheduled_disconnect(serve: Serve, smpplib_esme: Make) -> None:
    smsc = serve(
        account=[account(SYSTEM_ID), account("other")],
        fault=[faults.Disconnect(name="d", account=SYSTEM_ID, schedule=Schedule(start=60, since="session"))],
        clock=Clock(mode="virtual"),
    )
    esme, other = smpplib_esme(smsc), smpplib_esme(smsc)
    esme.bind()
    other.bind(system_id="other")
    smsc.run(smsc.server.advance(61.0))
    with pytest.raises(LOST):
        esme.client.read_pdu()
    assert other.submitted()


# E. Windows.


@pytest.mark.parametrize(
    ("name", "status"),
    [("ESME_RTHROTTLED", RTHROTTLED), ("ESME_RMSGQFUL", RMSGQFUL), ("ESME_RSUBMITFAIL", RSUBMITFAIL)],
)
def test_q77_too_many_submissions_are_refused(serve: Serve, smpplib_esme: Make, name: str, status: int) -> None:
    smsc = serve(fault=[faults.Throttle(name="t", after=2, count=3, status=name)])
    esme = smpplib_esme(smsc)
    esme.bind()
    numbers = [esme.submit() for _ in range(6)]
    esme.until(lambda: len(esme.responses) + len(esme.errors) == 6)
    assert esme.errors == [("submit_sm_resp", status, number) for number in numbers[2:5]]
    assert [pdu.sequence for pdu in esme.responses] == [*numbers[:2], numbers[5]]


def test_q77_too_many_submissions_meet_with_silence(serve: Serve, smpplib_esme: Make) -> None:
    smsc = serve(fault=[faults.Withhold(name="w", command="submit_sm_resp", after=1, count=2)])
    esme = smpplib_esme(smsc)
    esme.bind()
    numbers = [esme.submit() for _ in range(4)]
    esme.until(lambda: len(esme.responses) == 2)
    assert [pdu.sequence for pdu in esme.responses] == [numbers[0], numbers[3]]


def test_q77_too_many_submissions_end_the_session(serve: Serve, smpplib_esme: Make) -> None:
    smsc = serve(fault=[faults.Fin(name="f", command="submit_sm_resp", after=2)])
    esme = smpplib_esme(smsc)
    esme.bind()
    for _ in range(4):
        esme.submit()
    with pytest.raises(LOST):
        esme.until(lambda: len(esme.responses) == 4)
    assert len(esme.responses) == 2


# F. Framing.


@pytest.mark.parametrize(
    "fault",
    [
        faults.Slice(name="x", size=1),
        faults.Slice(name="x", size=7, direction="in"),
        faults.Coalesce(name="x", for_=0.05),
    ],
    ids=lambda fault: f"{fault.kind}-{fault.direction}",
)
def test_q80_pdus_are_split_and_joined_at_any_octet(serve: Serve, smpplib_esme: Make, fault: Fault) -> None:
    smsc = serve(fault=[fault])
    esme = smpplib_esme(smsc)
    esme.bind()
    sent = [esme.submitted(b"Hello %d" % number) for number in range(3)]
    esme.until(lambda: len(esme.receipts) == 3)
    assert sorted(esme.receipted) == sorted(sent)
    assert hits(smsc, "x") > 0
