"""The PDUs of one message are found among those of others, and no others with them."""

from __future__ import annotations

from smppd.settings import Account
from tests.control.messages.scene import Scene, scene
from tests.transport.support import (
    AT_ONCE,
    BIND_TRX,
    DELIVER,
    RESP,
    SUBMIT,
    SUBMIT_MULTI,
    account,
    answer,
    c,
    request,
    submit_body,
)


def pdus(it: Scene, message_id: str) -> list[tuple[str, str, str]]:
    found = it.live.run(it.desk.pdus(message_id)).items
    numbers = [each.pdu.number for each in found]
    assert numbers == sorted(numbers)
    assert all(each.pdu.dissection is not None for each in found)
    return [(each.kind, each.pdu.command, each.pdu.session) for each in found]


def test_ids_in_texts_and_numbers_that_come_again_mislead_nobody() -> None:
    with scene(network=AT_ONCE, account=[account(), account("other")]) as it:
        first = it.submit(sequence=7)
        with it.live.client() as other:
            other.bind(system_id="other")
            other.send(request(SUBMIT, 7, submit_body(text=first.encode(), to=(1, 1, first.encode()), registered=1)))
            frames = other.frames(2)
            assert first.encode() in frames[1]
        second = it.submit(sequence=7, text=f"id:{first} sub:001".encode())
        assert pdus(it, first) == [("request", "submit_sm", "1"), ("response", "submit_sm_resp", "1")]
        assert pdus(it, second) == [("request", "submit_sm", "1"), ("response", "submit_sm_resp", "1")]
        numbers = [it.live.run(it.desk.pdus(one)).items[0].pdu.number for one in (first, second)]
        assert numbers[0] < numbers[1]


def test_a_forwarded_message_is_followed_to_its_receiver() -> None:
    accounts = [account(), Account(system_id="shop", password="password", address_range="^4477")]
    with scene(account=accounts) as it, it.live.client() as shop:
        shop.bind(system_id="shop")
        message_id = it.submit(registered=1)
        frame = shop.frame()
        shop.send(answer(DELIVER, 0, int.from_bytes(frame[12:16], "big"), b"\0"))
        receipt = it.esme.frame()
        it.esme.send(answer(DELIVER, 0, int.from_bytes(receipt[12:16], "big"), b"\0"))
        it.until_settled(message_id)
        assert pdus(it, message_id) == [
            ("request", "submit_sm", "1"),
            ("response", "submit_sm_resp", "1"),
            ("forward", "deliver_sm", "2"),
            ("answer", "deliver_sm_resp", "2"),
            ("receipt", "deliver_sm", "1"),
            ("answer", "deliver_sm_resp", "1"),
        ]
        assert [each for each in it.events(message_id) if "forward" in each] == ["sent forward", "acknowledged forward"]


def test_the_messages_of_a_submit_multi_share_their_request() -> None:
    with scene() as it:
        body = submit_body()
        named = c("") + b"\5\0" + c("smppd") + bytes((2,)) + b"\1\1\1" + c("331") + b"\1\1\1" + c("332")
        rest = body[body.index(b"447700900123\0") + 13 :]
        it.esme.send(request(SUBMIT_MULTI, 9, named + rest))
        frame = it.esme.frame()
        assert int.from_bytes(frame[4:8], "big") == SUBMIT_MULTI | RESP
        message_id = frame[16:].partition(b"\0")[0].decode()
        assert [kind for kind, _, _ in pdus(it, message_id)] == ["request", "response"]
        detail = it.get(message_id)
        assert [member.destination_addr for member in detail.group] == ["331", "332"]
        assert detail.group_size == 2
        assert it.get(message_id, destination_addr="332").message.destination_addr == "332"
        assert BIND_TRX
