"""What the journal and the log get to see of a session."""

from __future__ import annotations

from typing import Any

import pytest

from smppd.settings import Journal, Log, Privacy
from smppd.transport.watch import EVIDENCE_OCTETS
from tests.transport.support import (
    BIND_TRX,
    DELIVER,
    ENQUIRE_LINK,
    NACK,
    SUBMIT,
    answer,
    bench,
    bind_body,
    bind_resp,
    elapse,
    pdu,
    request,
    run_virtually,
    submit_body,
    virtually,
)


def seen(it: Any) -> list[tuple[str, str, bytes]]:
    return [(entry.session, entry.direction, entry.frame) for entry in it.context.journal]


@virtually
async def test_the_journal_has_every_frame_in_both_directions() -> None:
    async with bench() as it:
        connection, _ = it.connect()
        bind = request(BIND_TRX, 1, bind_body())
        enquiry, broken = request(ENQUIRE_LINK, 2), request(SUBMIT, 3, b"broken")
        stream = bind + enquiry + broken
        connection.data_received(stream[:20])
        assert seen(it) == []
        connection.data_received(stream[20:-3])
        connection.data_received(stream[-3:])
        assert seen(it) == [
            ("1", "in", bind),
            ("1", "in", enquiry),
            ("1", "out", bind_resp()),
            ("1", "out", answer(ENQUIRE_LINK, 0, 2)),
            ("1", "in", broken),
            ("1", "out", answer(SUBMIT, 2, 3)),
        ]
        times = {entry.time for entry in it.context.journal}
        assert len(times) >= 1
        assert min(times) > 1_000_000_000, "Unix time"


@virtually
async def test_refused_binds_and_what_no_pdu_is_are_kept() -> None:
    async with bench() as it:
        connection, _ = it.connect()
        refused = request(BIND_TRX, 1, bind_body(password="wrong"))
        connection.data_received(refused)
        other, _ = it.connect()
        good, rubbish = request(ENQUIRE_LINK, 1), b"GET / HTTP/1.1\r\n" + bytes(2 * EVIDENCE_OCTETS)
        other.data_received(good + rubbish[:3])
        other.data_received(rubbish[3:])
        other.data_received(b"more of it")
        assert seen(it) == [
            ("1", "in", refused),
            ("1", "out", answer(BIND_TRX, 0x0E, 1)),
            ("2", "in", good),
            ("2", "out", answer(ENQUIRE_LINK)),
            ("2", "in", rubbish[:EVIDENCE_OCTETS]),
            ("2", "out", pdu(NACK, 2, int.from_bytes(rubbish[12:16], "big"))),
        ]


@virtually
async def test_an_impossible_length_without_a_header_is_kept_too() -> None:
    async with bench() as it:
        connection, _ = it.connect()
        connection.data_received(b"\xff\xff\xff\xff\x01")
        assert seen(it) == [("1", "in", b"\xff\xff\xff\xff\x01"), ("1", "out", pdu(NACK, 2, 0))]


@virtually
async def test_receipts_are_kept() -> None:
    async with bench() as it:
        connection, transport = it.bound()
        connection.data_received(request(SUBMIT, 2, submit_body(registered=1)))
        await elapse(1)
        (_, receipt) = transport.taken()
        assert seen(it)[-1] == ("1", "out", receipt)
        connection.data_received(answer(DELIVER, 0, 1))
        assert seen(it)[-1] == ("1", "in", answer(DELIVER, 0, 1))


@virtually
async def test_what_leaves_in_one_write_is_seen_pdu_by_pdu() -> None:
    async with bench(log=Log(pdus=True)) as it:
        connection, transport = it.bound()
        submits = [request(SUBMIT, number, submit_body(registered=1)) for number in (2, 3)]
        connection.data_received(submits[0] + submits[1] + request(SUBMIT, 4, b"broken"))
        await elapse(1)
        written = transport.taken()
        assert len(written) == 5
        assert seen(it)[-8:] == [("1", "in", frame) for frame in (*submits, request(SUBMIT, 4, b"broken"))] + [
            ("1", "out", frame) for frame in written
        ]
        assert [line["direction"] for line in it.events("pdu")][-8:] == ["in"] * 3 + ["out"] * 5


@virtually
async def test_nobody_watches_when_the_journal_is_off() -> None:
    async with bench(journal=Journal(pdus=0)) as it:
        connection, _ = it.bound()
        assert connection._watch is None
        assert seen(it) == []
        assert it.events("pdu") == []


def session_log(**tables: Any) -> tuple[str, list[str]]:
    """The log of a session with a bind, a message and its receipt; the descriptions of its PDUs."""

    async def main() -> tuple[str, list[str]]:
        async with bench(**tables) as it:
            connection, _ = it.connect()
            connection.data_received(request(BIND_TRX, 1, bind_body()))
            connection.data_received(request(SUBMIT, 2, submit_body(registered=1, text=b"Your code is 4711")))
            await elapse(1)
            connection.data_received(answer(DELIVER, 0, 1) + bytes(16))
            lines = [f"{line['direction']} {line['pdu']}" for line in it.events("pdu")]
            return it.stream.getvalue(), lines

    return run_virtually(main())


@pytest.mark.parametrize("journal", [0, 100])
def test_one_line_for_each_pdu_if_asked_for(journal: int) -> None:
    text, lines = session_log(journal=Journal(pdus=journal), log=Log(pdus=True))
    assert [" ".join(line.split()[:3]) for line in lines] == [
        "in bind_transceiver seq=1",
        "out bind_transceiver_resp seq=1",
        "in submit_sm seq=2",
        "out submit_sm_resp seq=2",
        "out deliver_sm seq=1",
        "in deliver_sm_resp seq=1",
        "out generic_nack seq=0",
    ]
    assert "4711" not in text
    assert "447700900123" not in text
    assert "password" not in text.replace("password=<8 octets>", "")


def test_no_line_for_a_pdu_unless_asked_for() -> None:
    text, lines = session_log()
    assert lines == []
    assert "4711" not in text


def test_personal_data_where_it_is_allowed_but_never_a_password() -> None:
    text, lines = session_log(log=Log(pdus=True), privacy=Privacy(log_personal_data=True))
    assert "Your code is 4711" in text
    assert "447700900123" in text
    assert "password=<8 octets>" in lines[0]
    assert "'password'" not in text
