"""Questions over real sockets: ESMEs that submit, and clients that ask what they have submitted."""

from __future__ import annotations

import http.client
import json
import socket
import struct
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from smppd.settings import Journal
from tests.api.support import PROBLEM, ROOT, Client, serving
from tests.transport.support import (
    DELIVER,
    PATIENCE,
    SUBMIT,
    Live,
    Raw,
    account,
    answer,
    bind_body,
    request,
    submit_body,
)

CODE = {"destination_addr": "336*", "text": {"regex": r"code is (?P<code>\d+)"}}


@pytest.fixture(scope="module")
def served() -> Iterator[tuple[Live, Client]]:
    with serving(account=[account(), account("other")]) as both:
        yield both


@pytest.fixture
def esme(served: tuple[Live, Client]) -> Iterator[Raw]:
    with served[0].client() as raw:
        raw.bind()
        yield raw


@pytest.fixture
def client(served: tuple[Live, Client]) -> Client:
    return served[1]


def submit(text: bytes, sequence: int = 2, to: bytes = b"33612345678", **fields: Any) -> bytes:
    return request(SUBMIT, sequence, submit_body(to=(1, 1, to), text=text, **fields))


def say(esme: Raw, *texts: bytes, **fields: Any) -> None:
    for sequence, text in enumerate(texts, 2):
        esme.send(submit(text, sequence, **fields))
        esme.frame()


def ask(client: Client, question: str, body: Any) -> Any:
    answered = client.post(f"/verifications/{question}", body)
    assert answered.status == 200, answered.body
    return answered.json


def here(client: Client) -> int:
    """`since` for what comes now."""
    return int(ask(client, "count", {"since": "now"})["next_number"])


def test_the_code_out_of_the_text(esme: Raw, client: Client) -> None:
    since = here(client)
    say(esme, b"hello", b"your code is 4711")
    (match,) = ask(client, "find", {"when": CODE, "since": since})["items"]
    assert match["groups"] == {"code": "4711"}
    assert match["pdu"]["response"]["command_status"] == "ESME_ROK"
    assert match["pdu"]["response"]["message_id"].isdecimal()
    assert match["pdu"]["destination_addr"] == "33612345678"
    assert ask(client, "count", {"when": CODE, "since": since, "exactly": 1})["holds"] is True


def test_a_bind_and_what_follows_it_in_the_same_read_belong_to_the_account(served: tuple[Live, Client]) -> None:
    live, client = served
    since = here(client)
    with live.client() as esme:
        esme.send(request(9, 1, bind_body()) + submit(b"in one breath"))
        esme.frames(2)
    for when in ({"text": "in one breath"}, {"command": "bind_transceiver"}):
        (match,) = ask(client, "find", {"when": when, "since": since, "namespace": "smppclient1"})["items"]
        assert (match["pdu"]["account"], match["pdu"]["bind_type"]) == ("smppclient1", "transceiver")


def test_a_refused_bind_belongs_to_the_account_that_asked(served: tuple[Live, Client]) -> None:
    live, client = served
    since = here(client)
    with live.client() as esme:
        esme.send(request(9, 1, bind_body("other", "wrong")))
        esme.frame()
        (match,) = ask(client, "find", {"when": {"command": "bind_transceiver", "account": "other"}, "since": since})[
            "items"
        ]
    assert match["pdu"]["response"]["command_status"] == "ESME_RINVPASWD"
    assert "wrong" not in json.dumps(match)


def test_a_wait_ends_with_the_pdu_that_was_waited_for(served: tuple[Live, Client], esme: Raw, client: Client) -> None:
    live, _ = served
    since = here(client)
    with ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(ask, client, "wait", {"when": CODE, "count": 3, "since": since, "within": 30})
        live.until(lambda: live.server.control.verification.waits == 1)
        say(esme, b"code is 1", b"code is 2", b"nothing")
        assert live.call(lambda: live.server.control.verification.waits) == 1
        say(esme, b"code is 3")
        waited = waiting.result(PATIENCE)
    assert (waited["holds"], [match["groups"]["code"] for match in waited["items"]]) == (True, ["1", "2", "3"])
    assert [match["pdu"]["response"]["command_status"] for match in waited["items"]] == ["ESME_ROK"] * 3
    assert live.call(lambda: live.server.journal.tap) is None


def test_the_deadline_comes_with_what_was_nearest(esme: Raw, client: Client) -> None:
    since = here(client)
    say(esme, b"Code is 12")
    waited = ask(client, "wait", {"when": CODE, "since": since, "within": 0.05})
    assert (waited["holds"], waited["count"]) == (False, 0)
    assert 0.05 <= waited["waited"] < PATIENCE
    wrong = [one for one in waited["nearest"][0]["conditions"] if not one["holds"]]
    assert [(one["field"], one["found"], one["hint"]) for one in wrong] == [
        ("text", '"Code is 12"', "only the case of letters differs")
    ]
    assert len(waited["explanation"].splitlines()) < 40


def test_twenty_wait_at_a_time(served: tuple[Live, Client], esme: Raw, client: Client) -> None:
    live, _ = served
    since = here(client)

    def wait(place: int) -> Any:
        with Client(live.server.http_address) as own:
            return ask(own, "wait", {"when": {"text": f"for {place}"}, "since": since, "within": 30})

    with ThreadPoolExecutor(20) as pool:
        waits = [pool.submit(wait, place) for place in range(20)]
        live.until(lambda: live.server.control.verification.waits == 20)
        say(esme, *[b"for %d" % place for place in reversed(range(20))])
        for place, waited in enumerate(waits):
            assert [match["text"] for match in waited.result(PATIENCE)["items"]] == [f"for {place}"]


def test_waits_under_load_miss_nothing(served: tuple[Live, Client], esme: Raw, client: Client) -> None:
    """Ten thousand messages in chunks as fast as they are taken, every hundredth with a code, while five wait."""
    live, _ = served
    since = here(client)
    chunks = [
        b"".join(
            submit(b"code is %d" % number if number % 100 == 0 else b"hello", number + 1)
            for number in range(first, first + 100)
        )
        for first in range(0, 10_000, 100)
    ]

    def wait(_: int) -> Any:
        with Client(live.server.http_address) as own:
            body = {"when": CODE, "count": 100, "since": since, "within": 30, "namespace": "smppclient1"}
            return ask(own, "wait", body)

    with ThreadPoolExecutor(5) as pool:
        waits = [pool.submit(wait, place) for place in range(5)]
        live.until(lambda: live.server.control.verification.waits == 5)
        sender = threading.Thread(target=lambda: esme.send(*chunks))
        sender.start()
        esme.frames(10_000)
        sender.join()
        for waiting in waits:
            waited = waiting.result(PATIENCE)
            assert (waited["holds"], waited["missed"]) == (True, 0)
            assert [int(match["groups"]["code"]) for match in waited["items"]] == list(range(0, 10_000, 100))


def test_a_client_that_leaves_ends_its_wait(served: tuple[Live, Client]) -> None:
    live, _ = served
    connection = http.client.HTTPConnection(live.server.http_address, timeout=PATIENCE)
    body = json.dumps({"when": {"text": "never"}, "within": 600})
    connection.request("POST", f"{ROOT}/verifications/wait", body, {"Content-Type": "application/json"})
    live.until(lambda: live.server.control.verification.waits == 1)
    assert connection.sock is not None
    connection.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    connection.close()
    live.until(lambda: live.server.control.verification.waits == 0)


def test_a_server_that_stops_answers_those_who_wait() -> None:
    with ThreadPoolExecutor(1) as pool:
        with serving() as (live, client):
            body = {"when": {"text": "never"}, "within": 600}
            waiting = pool.submit(client.post, "/verifications/wait", body)
            live.until(lambda: live.server.control.verification.waits == 1)
        answered = waiting.result(PATIENCE)
    assert answered.problem["status"] == 503


def test_long_texts_as_a_whole(esme: Raw, client: Client) -> None:
    since = here(client)
    say(esme, b"\5\0\3\x09\2\1your code ", b"\5\0\3\x09\2\2is 99", esm_class=0x40)
    assert ask(client, "count", {"when": CODE, "since": since})["count"] == 0
    (match,) = ask(client, "find", {"when": CODE, "since": since, "whole": True})["items"]
    assert (match["text"], match["groups"], len(match["parts"])) == ("your code is 99", {"code": "99"}, 2)
    ended = ask(client, "wait", {"when": CODE, "since": since, "within": 0})
    assert "whole = true" in ended["explanation"]


def test_receipts_and_their_acknowledgements(esme: Raw, client: Client) -> None:
    since = here(client)
    esme.send(submit(b"with receipt", registered=1))
    frames = esme.frames(2)
    receipt = next(frame for frame in frames if frame[7] == DELIVER)
    sequence = int.from_bytes(receipt[12:16], "big")
    esme.send(answer(DELIVER, 0, sequence, b"\0"))
    receipts = {"command": "deliver_sm", "direction": "out", "text": {"regex": r"stat:(?P<stat>\w+)"}}
    acknowledged = {"command": "deliver_sm_resp", "sequence_number": sequence}
    assert ask(client, "wait", {"when": acknowledged, "since": since})["holds"]
    (match,) = ask(client, "find", {"when": receipts, "since": since})["items"]
    assert match["groups"] == {"stat": "DELIVRD"}
    assert match["pdu"]["response"]["command"] == "deliver_sm_resp"
    steps = [{"text": "with receipt"}, receipts, acknowledged]
    ordered = ask(client, "order", {"steps": steps, "since": since, "how": "strict"})
    assert (ordered["holds"], len(ordered["items"])) == (True, 3)
    backwards = ask(client, "order", {"steps": steps[::-1], "since": since})
    assert (backwards["holds"], backwards["failed"]) == (False, 1)


def test_nothing_else_and_near_misses(esme: Raw, client: Client) -> None:
    since = here(client)
    say(esme, b"code is 5", b"spam")
    nothing = ask(client, "nothing-else", {"but": [CODE], "since": since})
    assert (nothing["holds"], [pdu["text"] for pdu in nothing["others"]]) == (False, ["spam"])
    assert ask(client, "nothing-else", {"but": [CODE, {"text": "spam"}], "since": since})["holds"]
    near = ask(client, "near-misses", {"when": CODE, "since": since})
    assert [miss["pdu"]["text"] for miss in near["items"]] == ["spam"]


def test_accounts_do_not_see_each_other(served: tuple[Live, Client], esme: Raw) -> None:
    live, client = served
    since = here(client)
    with live.client() as other:
        other.bind(system_id="other")
        say(other, b"from other")
    say(esme, b"from us")
    found = ask(client, "find", {"since": since, "namespace": "other"})
    assert [match["text"] for match in found["items"]] == ["from other"]


@pytest.mark.parametrize(
    ("question", "body", "path"),
    [
        ("find", {"when": {"txt": "x"}}, "when.txt"),
        ("find", {"when": {"text": {"regex": "("}}}, "when.text.regex"),
        ("find", {"when": {"command": "submit_sm_resp"}}, "when.command"),
        ("find", {"limit": 0}, "limit"),
        ("find", {"cursor": "x"}, "cursor"),
        ("find", {"since": -1}, "since"),
        ("find", {"since": "later"}, "since"),
        ("find", {"namespace": "x" * 16}, "namespace"),
        ("count", {"exactly": -1}, "exactly"),
        ("wait", {"within": 601}, "within"),
        ("wait", {"within": "soon"}, "within"),
        ("wait", {"count": 0}, "count"),
        ("order", {}, "steps"),
        ("order", {"steps": []}, "steps"),
        ("order", {"steps": [{}] * 21}, "steps"),
        ("order", {"steps": [{"part": "x"}]}, "steps[0].part"),
        ("order", {"steps": [{}], "how": "somehow"}, "how"),
        ("nothing-else", {"but": {}}, "but"),
        ("near-misses", {"limit": 1001}, "limit"),
    ],
)
def test_what_is_not_understood_is_told(client: Client, question: str, body: Any, path: str) -> None:
    answered = client.post(f"/verifications/{question}", body)
    assert answered.status == 422
    assert path in answered.errors


@pytest.mark.parametrize("question", ["find", "count", "wait", "order", "nothing-else", "near-misses"])
def test_without_a_journal_there_is_nothing_to_ask(question: str) -> None:
    body = {"steps": [{}]} if question == "order" else {}
    with serving(journal=Journal(pdus=0)) as (_, client):
        answered = client.post(f"/verifications/{question}", body)
    assert (answered.status, answered.media) == (409, PROBLEM)
