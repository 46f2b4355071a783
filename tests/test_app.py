"""The whole server over real loopback sockets: listeners, limits, slow readers, figures, changes and the end."""

from __future__ import annotations

import asyncio
import contextlib
import http.client
import io
import json
import selectors
import socket
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from prometheus_client.parser import text_string_to_metric_families

from smppd import __version__
from smppd.app import CONNECTION_LEAVES, REQUEST_LEAVES, SmscServer
from smppd.cli.serve import loop_factory
from smppd.engine.core import Engine
from smppd.errors import UserError
from smppd.settings import Clock, Delay, Match, Network, Route, Settings, Throughput, Timers
from smppd.transport.connection import WRITE_BUFFER_HIGH
from tests.transport.support import (
    BIND_RX,
    BIND_TRX,
    BIND_TX,
    DELIVER,
    ENQUIRE_LINK,
    JOURNAL_OFF,
    SUBMIT,
    UNBIND,
    Live,
    Raw,
    account,
    answer,
    bind_body,
    bind_resp,
    delivered,
    field,
    live_settings,
    pdu,
    request,
    submit_body,
    wait_until,
)

RTHROTTLED, RINVDSTADR, RINVPASWD, RINVSYSID, RBINDFAIL = 0x58, 0x0B, 0x0E, 0x0F, 0x0D

BOTH_LOOPS = pytest.mark.parametrize("loop", ["asyncio", "uvloop"])


def on(loop: str) -> Callable[[], asyncio.AbstractEventLoop] | None:
    if loop == "uvloop":
        pytest.importorskip("uvloop")
    return loop_factory(loop)


def start_and_stop(settings: Settings) -> tuple[list[str], list[str]]:
    """Start a server and stop it; what it announced, and its addresses."""

    async def main() -> tuple[list[str], list[str]]:
        announced: list[str] = []
        server = SmscServer(settings, log_stream=io.StringIO(), environ={})
        assert not server.is_ready()
        await server.start(announced.append)
        assert server.is_ready()
        addresses = [*server.smpp_addresses, server.http_address]
        await server.stop()
        assert not server.is_ready()
        return announced, addresses

    return asyncio.run(main())


def is_listened_on(address: str) -> bool:
    try:
        Raw(address).socket.close()
    except ConnectionRefusedError:
        return False
    return True


# Listeners.


def test_listeners_are_announced_with_their_real_ports() -> None:
    settings = live_settings(server={"smpp": ["127.0.0.1:0", "127.0.0.1:0"], "http": "127.0.0.1:0"})
    announced, addresses = start_and_stop(settings)
    assert announced == [
        f"smppd {__version__}: SMPP on {addresses[0]}",
        f"smppd {__version__}: SMPP on {addresses[1]}",
        f"smppd {__version__}: HTTP on http://{addresses[2]}",
    ]
    assert len({address.rpartition(":")[2] for address in addresses}) == 3
    assert not any(address.endswith(":0") for address in addresses)


def test_without_http() -> None:
    announced, addresses = start_and_stop(live_settings(server={"http": ""}))
    assert len(announced) == 1
    assert addresses[1] == ""


def test_ipv6() -> None:
    if not socket.has_ipv6:
        pytest.skip("no IPv6 here")
    try:
        with Live(live_settings(server={"smpp": ["[::1]:0"]})) as live, live.client() as client:
            assert live.address.startswith("[::1]:")
            client.bind()
            assert live.events("bind")[0]["peer"].startswith("[::1]:")
            assert live.events("listener opened")[0]["address"] == live.address
    except UserError as error:
        pytest.skip(str(error))


def test_every_listener_serves_the_same_centre() -> None:
    with Live(live_settings(server={"smpp": ["127.0.0.1:0", "127.0.0.1:0"]})) as live:
        first, second = live.call(lambda: live.server.smpp_addresses)
        with Raw(first) as transmitter, Raw(second) as receiver:
            transmitter.bind(BIND_TX)
            receiver.bind(BIND_RX)
            transmitter.send(request(SUBMIT, 2, submit_body(registered=1)))
            message_id = field(transmitter.frame(), SUBMIT)
            assert delivered(receiver.frame())[2].startswith(b"id:" + message_id)
        assert len(live.events("listener opened", protocol="SMPP")) == 2


@pytest.mark.parametrize("what", ["smpp", "http"])
@BOTH_LOOPS
def test_a_taken_port_says_whose_it_is_and_leaves_nothing_open(what: str, loop: str) -> None:
    async def main(taken: str) -> None:
        smpp = ["127.0.0.1:0", taken] if what == "smpp" else ["127.0.0.1:0"]
        settings = live_settings(server={"smpp": smpp, "http": taken if what == "http" else ""})
        opened: list[str] = []
        server = SmscServer(settings, log_stream=io.StringIO(), environ={})
        with pytest.raises(UserError, match=rf"{taken}: the port is taken by .*\(process \d+\)"):
            await server.start(opened.append)
        assert server.smpp_addresses == []
        assert not server.is_ready()
        if what == "smpp":
            assert opened == [], "nothing is announced that does not stay"
        else:
            (line,) = opened
            assert not is_listened_on(line.rpartition(" ")[2])

    with socket.create_server(("127.0.0.1", 0)) as other, asyncio.Runner(loop_factory=on(loop)) as runner:
        runner.run(main(f"127.0.0.1:{other.getsockname()[1]}"))


def test_two_servers_in_one_process_never_meet() -> None:
    with Live() as one, Live() as two, one.client() as first, two.client() as second:
        first.bind()
        second.bind()
        second.send(request(SUBMIT, 2, submit_body()))
        field(second.frame(), SUBMIT)
        assert one.server.engine.messages == {}
        assert one.server.counters.pdus_in[SUBMIT] == 0


# Limits.


@BOTH_LOOPS
def test_connections_beyond_the_limit_are_closed_and_the_others_live(loop: str) -> None:
    settings = live_settings(server={"max_connections": 3, "max_unbound": 2})
    with Live(settings, loop_factory=on(loop)) as live:
        clients = [live.client() for _ in range(3)]
        for client in clients[:2]:
            client.lives()
        clients[2].ended()
        clients[2].socket.close()
        assert live.errors("max_unbound") == 1
        for client in clients[:2]:
            client.bind()
        clients[2] = live.client()
        clients[2].bind()
        with live.client() as one_too_many:
            one_too_many.ended()
        assert live.errors("max_connections") == 1
        assert len(live.events("protocol error", kind="max_connections")) == 1
        clients[0].socket.close()
        live.until(lambda: len(live.context.connections) == 2)
        with live.client() as newcomer:
            newcomer.bind()
        for client in clients[1:]:
            client.lives()
            client.socket.close()


@BOTH_LOOPS
def test_connections_that_never_bind_are_closed_while_a_session_works(loop: str) -> None:
    settings = live_settings(server={"max_unbound": 300}, timers=Timers(session_init=0.3))
    with Live(settings, loop_factory=on(loop)) as live, live.client() as worker, contextlib.ExitStack() as stack:
        worker.bind()
        idle = [stack.enter_context(live.client()) for _ in range(300)]
        for sequence in range(100):
            worker.send(request(SUBMIT, sequence, submit_body()))
            field(worker.frame(), SUBMIT)
        for client in idle:
            client.ended()
            client.socket.close()
        live.until(lambda: live.context.unbound == 0)
        assert live.errors("close_session_init") == 300
        assert len(live.events("protocol error")) < 30
        worker.lives()


def test_five_hundred_sessions_at_once() -> None:
    with Live() as live, contextlib.ExitStack() as stack:
        clients = [stack.enter_context(live.client()) for _ in range(500)]
        for client in clients:
            client.send(request(BIND_TRX, 1, bind_body()), request(SUBMIT, 2, submit_body(registered=1)))
        for client in clients:
            client.expect(bind_resp())
            message_id = field(client.frame(), SUBMIT)
            assert delivered(client.frame())[2].startswith(b"id:" + message_id), (
                "receipts go where the submit came from"
            )
        assert live.call(live.server.session_counts) == {("smppclient1", "transceiver"): 500}


# Slow readers.

PATIENCE = 40
"""How often a server that takes no more is asked whether that is on purpose: ten seconds."""


def flood(
    client: Raw, octets: bytes, *, stalled: float = 0.25, until: Callable[[], bool] = lambda: True
) -> tuple[int, bytes]:
    """Send the same PDU until the other side takes no more for a while; how many were sent, and what the last lacks.

    A server that got no processor in that while has not stopped reading: `until` says whether it has.
    """
    chunk = memoryview(octets * 1000)
    sent = 0
    client.socket.setblocking(False)
    with selectors.DefaultSelector() as selector:
        selector.register(client.socket, selectors.EVENT_WRITE)
        for _ in range(PATIENCE):
            while selector.select(stalled):
                with contextlib.suppress(BlockingIOError):
                    sent += client.socket.send(chunk[sent % len(chunk) :])
            if until():
                break
    client.socket.settimeout(10)
    whole, begun = divmod(sent, len(octets))
    return (whole + 1, octets[begun:]) if begun else (whole, b"")


def buffered(live: Live) -> int:
    """The most that waits for a peer in the server."""
    return live.call(
        lambda: max(
            (c._transport.get_write_buffer_size() for c in live.context.connections if c._transport is not None),
            default=0,
        )
    )


@BOTH_LOOPS
def test_a_peer_that_submits_and_does_not_read_is_not_read_either(loop: str) -> None:
    """Its answers fill the buffers on the way, then ours, then we stop reading; when it reads, all goes on."""
    settings = live_settings(journal=JOURNAL_OFF)
    with (
        Live(settings, loop_factory=on(loop), send_buffer=4096) as live,
        live.client(receive_buffer=4096) as slow,
        live.client() as other,
    ):
        slow.bind()
        other.bind()
        enquiry = request(ENQUIRE_LINK, 7)  # as long as its answer: what goes in is what piles up
        sent, rest = flood(slow, enquiry, until=lambda: any(not c._writable for c in live.context.connections))
        assert sent > 10_000
        assert buffered(live) < WRITE_BUFFER_HIGH + 2 * 256 * 1024, "one chunk of answers above the limit at most"
        (connection,) = [c for c in live.context.connections if not c._writable]
        assert live.call(lambda: connection._transport is not None and not connection._transport.is_reading())
        for sequence in range(50):
            other.send(request(SUBMIT, sequence, submit_body()))
            field(other.frame(), SUBMIT)
        for number in range(sent):
            if number == sent // 2:
                slow.send(rest)
            assert slow.frame() == answer(ENQUIRE_LINK, 0, 7)
        slow.lives()


@BOTH_LOOPS
def test_receipts_for_a_peer_that_does_not_read_wait_in_the_engine(loop: str) -> None:
    count = 20_000
    settings = live_settings(account=[account(deliver_window=0)], journal=JOURNAL_OFF)
    with (
        Live(settings, loop_factory=on(loop), send_buffer=4096) as live,
        live.client(receive_buffer=4096) as slow,
        live.client() as submitter,
    ):
        slow.bind(BIND_RX)
        submitter.bind(BIND_TX)
        batch = b"".join(request(SUBMIT, sequence, submit_body(registered=1)) for sequence in range(500))
        for _ in range(count // 500):
            submitter.send(batch)
            submitter.frames(500)
        live.until(lambda: not any(c._writable for c in live.context.connections if c.name == "1"))
        esme = live.server.engine.esmes["smppclient1"]
        assert buffered(live) < 2 * WRITE_BUFFER_HIGH
        assert live.call(lambda: len(esme.pending) + sum(len(bind.pending) for bind in esme.binds)) > count / 4
        submitter.lives()
        numbers = []
        for _ in range(count):
            frame = slow.frame()
            if frame[4:8] != DELIVER.to_bytes(4, "big"):
                continue  # pragma: no cover  # an enquire_link, on a very slow machine
            numbers.append(delivered(frame)[0])
            if len(numbers) % 500 == 0:
                slow.send(*(answer(DELIVER, 0, number) for number in numbers[-500:]))
        assert numbers == list(range(1, count + 1))
        live.until(lambda: esme.waiting == 0)


def test_a_slow_reader_that_goes_away_gives_everything_back() -> None:
    settings = live_settings(account=[account(deliver_window=0)], journal=JOURNAL_OFF)
    with Live(settings, send_buffer=4096) as live:
        with live.client(receive_buffer=4096) as slow:
            slow.bind(BIND_RX)
            with live.client() as submitter:
                submitter.bind(BIND_TX)
                submitter.send(b"".join(request(SUBMIT, n, submit_body(registered=1)) for n in range(15_000)))
                submitter.frames(15_000)
        with live.client() as reader:
            reader.bind(BIND_RX)
            ids = set()
            for number in range(1, 15_001):
                frame = reader.frame()
                ids.add(delivered(frame)[2][:13])
                if number % 1000 == 0:
                    reader.send(*(answer(DELIVER, 0, n) for n in range(number - 999, number + 1)))
            assert len(ids) == 15_000, "each message's receipt, whatever the first one has or has not read"


# Figures.


def get(live: Live, path: str) -> tuple[int, str]:
    host, _, port = live.call(lambda: live.server.http_address).rpartition(":")
    connection = http.client.HTTPConnection(host, int(port), timeout=10)
    try:
        connection.request("GET", path)
        response = connection.getresponse()
        return response.status, response.read().decode()
    finally:
        connection.close()


def series(live: Live) -> dict[str, float]:
    """The series of smppd at /metrics."""
    status, text = get(live, "/metrics")
    assert status == 200
    found = {}
    for family in text_string_to_metric_families(text):
        for sample in family.samples:
            if sample.name.startswith("smppd_") and not sample.name.endswith(("_created", "_bucket", "_sum")):
                labels = ",".join(f"{name}={value}" for name, value in sorted(sample.labels.items()))
                found[f"{sample.name}{{{labels}}}"] = sample.value
    return found


@pytest.fixture
def with_http() -> Iterator[Live]:
    slow = Network(delay=Delay(distribution="fixed", value=9999))
    settings = live_settings(
        server={"http": "127.0.0.1:0"},
        account=[account(), account("rated", throughput=Throughput(limit=1, per=9999))],
        route=[
            Route(name="slow", match=Match(destination_addr="335*"), network="slow"),
            Route(
                name="queued",
                match=Match(destination_addr="332*"),
                throughput=Throughput(limit=1, per=9999, over="queue"),
            ),
            Route(name="mobile", match=Match(destination_addr="447*")),
        ],
        network={"default": Network(delay=Delay(distribution="fixed", value=0.0)), "slow": slow},
    )
    with Live(settings) as live:
        yield live


def test_what_leaves_cycles_behind_is_counted(with_http: Live) -> None:
    def leftovers() -> int:
        return with_http.call(lambda: with_http.server.leftovers)

    before = leftovers()
    with Raw(with_http.call(lambda: with_http.server.smpp_addresses[0])) as peer:
        peer.bind()
        assert leftovers() == before, "the connection lasts"
    wait_until(lambda: leftovers() == before + CONNECTION_LEAVES)
    get(with_http, "/nothing")
    assert leftovers() == before + CONNECTION_LEAVES + REQUEST_LEAVES


def test_health(with_http: Live) -> None:
    assert get(with_http, "/healthz") == (200, '{"status": "ok"}')
    assert get(with_http, "/readyz") == (200, '{"status": "ready"}')


def test_metrics_after_a_session(with_http: Live) -> None:
    live = with_http
    with live.client() as client, live.client() as rated, live.client() as stranger:
        client.bind()
        for to in (b"447", b"335", b"332", b"332", b"999"):
            client.send(request(SUBMIT, 2, submit_body(to=(1, 1, to), registered=to == b"447")))
            frame = client.frame()
            if to == b"447":
                receipt = client.frame()
        assert frame == answer(SUBMIT, RINVDSTADR, 2)
        assert delivered(receipt)[0] == 1
        rated.bind(BIND_TX, system_id="rated")
        rated.send(*(request(SUBMIT, number, submit_body()) for number in range(3)))
        rated.frames(3)
        stranger.ask(request(BIND_RX, 1, bind_body("447700900999")), answer(BIND_RX, RINVSYSID))
        client.ask(request(0x999, 5), pdu(0x80000000, 3, 5))
        before = series(live)
        assert before["smppd_receipts_pending{system_id=smppclient1}"] == 1
        client.send(answer(DELIVER, 0, 1))
        client.lives()
        found = series(live)
    assert found["smppd_receipts_pending{system_id=smppclient1}"] == 0
    expected = {
        "smppd_pdus_total{command=bind_transceiver,direction=in}": 1,
        "smppd_pdus_total{command=bind_transceiver_resp,direction=out}": 1,
        "smppd_pdus_total{command=submit_sm,direction=in}": 8,
        "smppd_pdus_total{command=submit_sm_resp,direction=out}": 8,
        "smppd_pdus_total{command=deliver_sm,direction=out}": 1,
        "smppd_pdus_total{command=deliver_sm_resp,direction=in}": 1,
        "smppd_pdus_total{command=generic_nack,direction=out}": 1,
        "smppd_pdus_total{command=other,direction=in}": 1,
        "smppd_command_status_total{command=submit_sm_resp,direction=out,status=ESME_ROK}": 5,
        "smppd_command_status_total{command=submit_sm_resp,direction=out,status=ESME_RINVDSTADR}": 1,
        "smppd_command_status_total{command=submit_sm_resp,direction=out,status=ESME_RTHROTTLED}": 2,
        "smppd_command_status_total{command=deliver_sm_resp,direction=in,status=ESME_ROK}": 1,
        "smppd_sessions{bind_type=transceiver,system_id=smppclient1}": 1,
        "smppd_sessions{bind_type=transmitter,system_id=rated}": 1,
        "smppd_bind_attempts_total{result=ESME_ROK,system_id=smppclient1}": 1,
        "smppd_bind_attempts_total{result=ESME_RINVSYSID,system_id=other}": 1,
        "smppd_messages_total{state=DELIVERED,system_id=smppclient1}": 2,
        "smppd_messages_total{state=ENROUTE,system_id=smppclient1}": 4,
        "smppd_route_messages_total{route=mobile,state=DELIVERED}": 2,
        "smppd_messages_in_flight{}": 2,
        "smppd_route_queue_depth{route=queued}": 1,
        "smppd_throttled_total{scope=account,system_id=rated}": 2,
        "smppd_submit_response_seconds_count{}": 8,
        "smppd_receipt_delay_seconds_count{}": 1,
        "smppd_protocol_errors_total{kind=unknown_command}": 1,
        f"smppd_build_info{{version={__version__}}}": 1,
    }
    assert {name: found.get(name) for name in expected} == expected
    assert not any("4477" in name or "password" in name for name in found)
    live.until(lambda: not live.context.connections)
    after = series(live)
    assert after["smppd_pdus_total{command=submit_sm,direction=in}"] == 8
    assert after["smppd_sessions{bind_type=transceiver,system_id=smppclient1}"] == 0, "a series does not go away"


def test_what_nobody_has_touched_is_not_exported(with_http: Live) -> None:
    live = with_http
    labels = ("system_id=smppclient1", "system_id=rated", "route=")
    assert not [name for name in series(live) if any(label in name for label in labels)]
    with live.client() as client:
        client.bind()
        found = series(live)
        assert found["smppd_receipts_pending{system_id=smppclient1}"] == 0
        assert not [name for name in found if any(label in name for label in labels[1:])]


# Changes while running.


def changed(live: Live, **tables: Any) -> Any:
    """Reload with these tables in place of the present ones."""
    present = live.server.settings
    fields = {name: getattr(present, name) for name in present.__struct_fields__}
    return live.call(lambda: live.server.reload(Settings(**{**fields, **tables})))


def test_a_new_password_holds_from_the_next_bind_on() -> None:
    with Live() as live, live.client() as client:
        client.bind()
        changes = changed(live, account=[account(password="changed")])
        assert changes.live == ["account[smppclient1].password"]
        client.lives()
        with live.client() as old:
            old.ask(request(BIND_TX, 1, bind_body()), answer(BIND_TX, RINVPASWD))
        with live.client() as new:
            new.bind(password="changed")
        (line,) = live.events("configuration changed")
        assert line["applied"] == ["account[smppclient1].password"]
        assert line["needs_restart"] == []
        assert "changed" not in json.dumps(line).replace("configuration changed", "")


def test_routes_and_throughput_change_at_once() -> None:
    with Live() as live, live.client() as client:
        client.bind()
        client.send(request(SUBMIT, 1, submit_body()))
        field(client.frame(), SUBMIT)
        tight = Throughput(limit=1, per=9999)
        changed(live, route=[Route(name="default", throughput=tight)])
        client.send(request(SUBMIT, 2, submit_body()), request(SUBMIT, 3, submit_body()))
        field(client.frame(), SUBMIT)
        client.expect(answer(SUBMIT, RTHROTTLED, 3))
        changed(live, route=[Route(name="french", match=Match(destination_addr="33*"))])
        client.ask(request(SUBMIT, 4, submit_body()), answer(SUBMIT, RINVDSTADR, 4))
        changed(live, route=[Route(name="default")], account=[account(throughput=tight)])
        client.send(request(SUBMIT, 5, submit_body()), request(SUBMIT, 6, submit_body()))
        field(client.frame(), SUBMIT)
        client.expect(answer(SUBMIT, RTHROTTLED, 6))
        changed(live, account=[account()])
        client.send(request(SUBMIT, 7, submit_body()))
        field(client.frame(), SUBMIT)


@pytest.mark.parametrize("how", ["removed", "disabled"])
def test_sessions_of_accounts_that_are_gone_are_unbound(how: str) -> None:
    accounts = [account(), account("leaving")]
    with Live(live_settings(account=accounts)) as live, live.client() as stays, live.client() as leaves:
        stays.bind()
        leaves.bind(system_id="leaving")
        leaves.send(request(SUBMIT, 2, submit_body(registered=1)))
        message_id = field(leaves.frame(), SUBMIT)
        leaves.frame()  # the receipt, which is not acknowledged
        remaining = [account()] if how == "removed" else [account(), account("leaving", enabled=False)]
        changed(live, account=remaining)
        leaves.expect(request(UNBIND, 2))
        leaves.send(answer(UNBIND, 0, 2))
        leaves.ended()
        stays.lives()
        with live.client() as again:
            status = RINVSYSID if how == "removed" else RBINDFAIL
            again.ask(request(BIND_RX, 1, bind_body("leaving")), answer(BIND_RX, status))
        changed(live, account=accounts)
        with live.client() as again:
            again.bind(BIND_RX, system_id="leaving")
            assert delivered(again.frame())[2].startswith(b"id:" + message_id), "what waited is still there"


def test_an_unbound_account_that_does_not_answer_is_closed() -> None:
    with Live(live_settings(account=[account("leaving"), account()])) as live, live.client() as deaf:
        deaf.bind(system_id="leaving")
        changed(live, account=[account()])
        deaf.expect(request(UNBIND, 1))
        deaf.ended()


def test_what_needs_a_restart_is_named_each_time_and_stays() -> None:
    with Live() as live:
        server = live.server.settings.server
        wanted = live_settings(server={"smpp": ["127.0.0.1:1"], "system_id": "other"}).server
        for applied in (["server.system_id"], []):
            changes = changed(live, server=wanted)
            assert (changes.live, changes.restart) == (applied, ["server.smpp"])
            assert live.server.settings.server.smpp == server.smpp
        with live.client() as client:
            client.ask(request(BIND_TX, 1, bind_body()), answer(BIND_TX, 0, 1, b"other\0\x02\x10\0\x01\x34"))


def test_limits_change_for_what_comes() -> None:
    with Live() as live, live.client() as early:
        early.lives()
        changed(live, server=live_settings(server={"max_unbound": 1, "max_pdu": 256}).server)
        with live.client() as refused:
            refused.ended()
        early.bind()
        early.ask(request(0x999, 1, bytes(1000)), pdu(0x80000000, 3, 1))  # under the limit it began with
        with live.client() as late:
            late.ask(request(0x999, 1, bytes(1000)), pdu(0x80000000, 2, 1))
            late.ended()


def test_networks_change_for_what_comes() -> None:
    with Live() as live, live.client() as client:
        client.bind()
        failing = Network(delay=Delay(distribution="fixed", value=0.0), outcome={"UNDELIV": 1}, error={"UNDELIV": 27})
        changed(live, network={"default": failing})
        client.send(request(SUBMIT, 1, submit_body(registered=1)))
        field(client.frame(), SUBMIT)
        assert b"stat:UNDELIV err:027" in delivered(client.frame())[2]


# Mistakes of ours.


def test_an_engine_that_fails_once_goes_on(monkeypatch: pytest.MonkeyPatch) -> None:
    run = Engine.run
    failures = [RuntimeError("a mistake of ours")]

    def sometimes(engine: Engine) -> float | None:
        if failures:
            raise failures.pop()
        return run(engine)

    monkeypatch.setattr(Engine, "run", sometimes)
    with Live(internal_errors=1) as live, live.client() as client:
        client.bind()
        client.send(request(SUBMIT, 2, submit_body(registered=1)))
        field(client.frame(), SUBMIT)
        delivered(client.frame())
        (line,) = live.events("internal error")
        assert "a mistake of ours" in line["exception"]


# The end.


@BOTH_LOOPS
def test_stopping_unbinds_and_waits_for_the_answers(loop: str) -> None:
    settings = live_settings(server={"shutdown_grace": 9})
    with Live(settings, loop_factory=on(loop)) as live, live.client() as bound, live.client() as unbound:
        bound.bind()
        unbound.lives()
        stopping = asyncio.run_coroutine_threadsafe(live.server.stop(), live.loop)
        bound.expect(request(UNBIND, 1))
        unbound.ended()
        unbound.socket.close()
        with pytest.raises(ConnectionRefusedError):
            live.client()
        assert not live.call(live.server.is_ready)
        bound.send(request(SUBMIT, 5, submit_body()))
        field(bound.frame(), SUBMIT)
        bound.lives()
        assert not stopping.done()
        bound.send(answer(UNBIND, 0, 1))
        bound.ended()
        bound.socket.close()
        stopping.result(5)
        assert live.events("unbind", by="SMSC")
        assert live.context.connections == set()


@BOTH_LOOPS
def test_stopping_does_not_wait_for_ever(loop: str) -> None:
    settings = live_settings(server={"shutdown_grace": 0.1})
    with Live(settings, loop_factory=on(loop)) as live, live.client() as deaf:
        deaf.bind()
        began = time.monotonic()
        live.run(live.server.stop())
        assert live.context.connections == set()
        assert time.monotonic() - began < 5
        deaf.expect(request(UNBIND, 1))
        deaf.ended()


def test_not_ready_while_stopping(with_http: Live) -> None:
    live = with_http
    with live.client() as client:
        client.bind()
        live.call(lambda: setattr(live.context, "draining", True))
        status, text = get(live, "/readyz")
        assert status == 503
        assert "not open" in text
        live.call(lambda: setattr(live.context, "draining", False))


def test_stopping_twice_is_harmless() -> None:
    with Live() as live:
        live.run(live.server.stop())
        live.run(live.server.stop())


def test_a_peer_that_reads_nothing_does_not_stop_the_stop() -> None:
    settings = live_settings(server={"shutdown_grace": 0.1}, journal=JOURNAL_OFF)
    with Live(settings, send_buffer=4096) as live, live.client(receive_buffer=4096) as slow:
        slow.bind()
        flood(slow, request(ENQUIRE_LINK, 7), stalled=0.1)
        live.run(live.server.stop())
        wait_until(lambda: live.context.connections == set())


# The clock.


class Sundial:
    """A clock of somebody else's."""

    def now(self) -> float:
        return 12.0

    def wall(self) -> float:
        return 12.0


def test_a_clock_of_somebody_else_cannot_be_moved() -> None:
    server = SmscServer(live_settings(), clock=Sundial(), log_stream=io.StringIO(), environ={})
    with pytest.raises(UserError, match="cannot move it"):
        asyncio.run(server.advance(1.0))


@BOTH_LOOPS
def test_a_clock_that_runs_can_leap(loop: str) -> None:
    slow = {"default": Network(delay=Delay(distribution="fixed", value=3600.0))}
    with Live(live_settings(network=slow), loop_factory=on(loop)) as live, live.client() as client:
        client.bind()
        client.send(request(SUBMIT, 2, submit_body(registered=1)))
        message_id = field(client.frame(), SUBMIT)
        before = live.call(live.server.clock.now)
        assert live.run(live.server.advance(3600.0)).steps == 1
        assert delivered(client.frame())[2].startswith(b"id:" + message_id)
        assert live.call(live.server.clock.now) >= before + 3600.0
        assert live.run(live.server.advance_to(live.call(live.server.clock.wall) + 60.0)).seconds <= 60.0


def test_a_virtual_clock_begins_now_unless_told() -> None:
    def begins(start: str) -> float:
        settings = live_settings(clock=Clock(mode="virtual", start=start))
        return SmscServer(settings, log_stream=io.StringIO(), environ={}).clock.wall()

    assert begins("1970-01-02T00:00:00Z") == 86_400.0
    assert begins("1970-01-02T00:00:00+01:00") == 82_800.0
    assert abs(begins("") - time.time()) < 60


@BOTH_LOOPS
def test_time_passes_when_told(loop: str) -> None:
    slow = {"default": Network(delay=Delay(distribution="fixed", value=3600.0))}
    settings = live_settings(clock=Clock(mode="virtual"), network=slow)
    with Live(settings, loop_factory=on(loop)) as live, live.client() as client:
        client.bind()
        client.send(request(SUBMIT, 2, submit_body(registered=1)))
        message_id = field(client.frame(), SUBMIT)
        assert live.run(live.server.advance(3600.0)).steps == 1
        assert delivered(client.frame())[2].startswith(b"id:" + message_id)
