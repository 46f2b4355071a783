"""The HTTP door, over real loopback sockets; requests are written by hand, so that hostile ones can be too."""

from __future__ import annotations

import asyncio
import contextlib
import io
import itertools
import json
import re
import socket
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from dataclasses import dataclass

import pytest
from prometheus_client.parser import text_string_to_metric_families

from smppd.api import http
from smppd.api.http import HttpServer, host_of, host_of_origin
from smppd.observe.counters import Counters
from smppd.observe.logs import configure
from smppd.observe.metrics import Exposition, SmppdCollector, Sources
from smppwire.constants import CommandId

PROBLEM = "application/problem+json"
PATHS = ["/", "/metrics", "/healthz", "/readyz"]


@dataclass
class Answer:
    status: int
    headers: dict[str, str]
    body: bytes

    def problem(self) -> dict[str, object]:
        """The document of an error, checked for what RFC 9457 asks of each."""
        assert self.headers["content-type"] == PROBLEM
        document = json.loads(self.body)
        assert document["type"] == "about:blank"
        assert document["status"] == self.status
        assert document["title"]
        assert isinstance(document, dict)
        return document


class World:
    """A running server and what it runs on."""

    def __init__(self, server: HttpServer, counters: Counters, log: io.StringIO) -> None:
        self.server = server
        self.counters = counters
        self.log = log

    async def send(self, raw: bytes) -> Answer:
        reader, writer = await asyncio.open_connection("127.0.0.1", self.server.port)
        try:
            writer.write(raw)
            async with asyncio.timeout(10):
                answer = await reader.read()
        finally:
            writer.close()
            with contextlib.suppress(OSError):
                await writer.wait_closed()
        head, _, body = answer.partition(b"\r\n\r\n")
        lines = head.decode("latin-1").split("\r\n")
        headers = {name.lower(): value for name, value in (line.split(": ", 1) for line in lines[1:])}
        return Answer(int(lines[0].split()[1]), headers, body)

    async def ask(self, path: str, method: str = "GET", host: str = "localhost", **headers: str) -> Answer:
        lines = [f"{method} {path} HTTP/1.1", f"Host: {host}", "Connection: close"]
        lines += [f"{name}: {value}" for name, value in headers.items()]
        return await self.send(("\r\n".join(lines) + "\r\n\r\n").encode())


@contextlib.asynccontextmanager
async def running(
    *, ready: Callable[[], bool] = lambda: True, host: str = "127.0.0.1", allowed_hosts: tuple[str, ...] = ()
) -> AsyncIterator[World]:
    counters = Counters(["smppclient1"])
    log = io.StringIO()
    server = HttpServer(
        host,
        0,
        exposition=Exposition(SmppdCollector(counters, Sources(), "1.2.3")),
        ready=ready,
        version="1.2.3<b>",
        logger=configure("info", "json", log, wall=lambda: 0.0, environ={})(),
        allowed_hosts=allowed_hosts,
    )
    await server.start()
    try:
        yield World(server, counters, log)
    finally:
        await server.stop()


def run(test: Callable[[World], Awaitable[None]], **options: object) -> None:
    async def main() -> None:
        async with running(**options) as world:  # type: ignore[arg-type]
            await test(world)

    asyncio.run(main())


class TestPages:
    def test_metrics(self) -> None:
        async def test(world: World) -> None:
            world.counters.pdus_in[int(CommandId.SUBMIT_SM)] += 7
            answer = await world.ask("/metrics")
            assert answer.status == 200
            assert answer.headers["content-type"].startswith("text/plain; version=0.0.4")
            families = {family.name: family for family in text_string_to_metric_families(answer.body.decode())}
            [sample] = families["smppd_pdus"].samples
            assert (sample.name, sample.labels, sample.value) == (
                "smppd_pdus_total",
                {"direction": "in", "command": "submit_sm"},
                7,
            )
            assert "process_resident_memory_bytes" in families or "python_info" in families

        run(test)

    def test_metrics_as_openmetrics(self) -> None:
        async def test(world: World) -> None:
            answer = await world.ask("/metrics", Accept="application/openmetrics-text; version=1.0.0, text/plain;q=0.5")
            assert answer.headers["content-type"].startswith("application/openmetrics-text")
            assert answer.body.endswith(b"# EOF\n")

        run(test)

    def test_health(self) -> None:
        async def test(world: World) -> None:
            answer = await world.ask("/healthz")
            assert (answer.status, json.loads(answer.body)) == (200, {"status": "ok"})
            assert answer.headers["content-type"].startswith("application/json")

        run(test, ready=lambda: False)

    def test_readiness_follows_the_listeners(self) -> None:
        ready = [False]

        async def test(world: World) -> None:
            answer = await world.ask("/readyz")
            assert answer.status == 503
            answer.problem()
            ready[0] = True
            answer = await world.ask("/readyz")
            assert (answer.status, json.loads(answer.body)) == (200, {"status": "ready"})

        run(test, ready=lambda: ready[0])

    def test_the_landing_page_has_links_and_no_scripts(self) -> None:
        async def test(world: World) -> None:
            answer = await world.ask("/")
            page = answer.body.decode()
            assert answer.status == 200
            assert answer.headers["content-type"].startswith("text/html")
            assert "<script" not in page
            assert "1.2.3&lt;b&gt;" in page
            for link in re.findall(r'href="([^"]+)"', page):
                assert (await world.ask(link)).status == 200
            assert re.findall(r'href="([^"]+)"', page) == ["/metrics", "/healthz", "/readyz"]

        run(test)

    @pytest.mark.parametrize("path", PATHS)
    def test_head_has_the_headers_and_no_body(self, path: str) -> None:
        async def test(world: World) -> None:
            answer = await world.ask(path, method="HEAD")
            full = await world.ask(path)
            assert (answer.status, answer.body) == (200, b"")
            assert answer.headers["content-type"] == full.headers["content-type"]

        run(test)

    def test_security_headers_are_on_everything(self) -> None:
        async def test(world: World) -> None:
            answers = [await world.ask(path) for path in [*PATHS, "/nothing"]]
            answers += [await world.ask("/", method="POST"), await world.ask("/", host="evil.example")]
            answers.append(await world.send(b"nonsense\r\n\r\n"))
            for answer in answers:
                assert answer.headers["x-content-type-options"] == "nosniff"
                assert "default-src 'none'" in answer.headers["content-security-policy"]
                assert answer.headers["cache-control"] == "no-store"
                assert answer.headers["server"] == "smppd"
                assert "access-control-allow-origin" not in answer.headers

        run(test)


class TestErrors:
    @pytest.mark.parametrize("path", ["/nothing", "/metrics/", "/api/v1/nothing", "/..%2f..%2fetc%2fpasswd", "//"])
    def test_404(self, path: str) -> None:
        async def test(world: World) -> None:
            answer = await world.ask(path)
            assert answer.status == 404
            assert answer.problem()["title"] == "Not Found"

        run(test)

    @pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "OPTIONS", "PATCH"])
    def test_405_names_what_is_allowed(self, method: str) -> None:
        async def test(world: World) -> None:
            answer = await world.ask("/metrics", method=method)
            assert answer.status == 405
            assert answer.headers["allow"] == "GET, HEAD"
            answer.problem()

        run(test)

    def test_500_tells_the_log_and_not_the_client(self) -> None:
        def ready() -> bool:
            raise RuntimeError("secret internals")

        async def test(world: World) -> None:
            answer = await world.ask("/readyz")
            assert answer.status == 500
            assert answer.problem() == {"type": "about:blank", "title": "Internal Server Error", "status": 500}
            record = json.loads(world.log.getvalue())
            assert (record["event"], record["path"]) == ("http request failed", "/readyz")
            assert "secret internals" in record["exception"]

        run(test, ready=ready)

    def test_a_handler_is_cut_off_at_the_limit(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(http, "HANDLER_TIMEOUT", 0.01)

        async def test(world: World) -> None:
            monkeypatch.setattr(world.server._exposition, "page", lambda _accept: (itertools.repeat(b""), "text/plain"))
            answer = await world.ask("/metrics")
            assert answer.status == 503
            assert "0.01 seconds" in str(answer.problem()["detail"])
            assert json.loads(world.log.getvalue())["event"] == "http request timed out"

        run(test)

    @pytest.mark.parametrize(
        "raw",
        [
            b"nonsense\r\n\r\n",
            b"GET /metrics HTTP/9.9\r\nHost: localhost\r\n\r\n",
            b"GET / HTTP/1.1\r\nHost: localhost\r\nbad header\r\n\r\n",
            b"GET /" + b"x" * 10_000 + b" HTTP/1.1\r\nHost: localhost\r\n\r\n",
            b"GET / HTTP/1.1\r\nHost: localhost\r\nX: " + b"x" * 10_000 + b"\r\n\r\n",
            bytes.fromhex("0000001000000015000000000000000100000d0a0d0a0d0a0d0a"),
        ],
        ids=["nonsense", "version", "header", "long line", "long header", "an SMPP peer"],
    )
    def test_malformed_requests_are_problems_too(self, raw: bytes) -> None:
        async def test(world: World) -> None:
            answer = await world.send(raw)
            assert answer.status == 400
            assert answer.problem()["title"] == "Bad Request"
            assert (await world.ask("/healthz")).status == 200

        run(test)


class TestHosts:
    @pytest.mark.parametrize(
        "host", ["localhost", "LOCALHOST:1", "localhost.:8775", "127.0.0.1", "127.0.0.1:8775", "[::1]", "[::1]:8775"]
    )
    def test_this_machine_is_welcome_with_any_port(self, host: str) -> None:
        async def test(world: World) -> None:
            assert (await world.ask("/healthz", host=host)).status == 200
            assert (await world.ask("/healthz", Origin=f"http://{host}")).status == 200

        run(test)

    @pytest.mark.parametrize(
        "host",
        [
            "evil.example",
            "evil.example:8775",
            "localhost.evil.example",
            "127.0.0.1.evil.example",
            "127.0.0.2",
            "0.0.0.0",
            "localhost@evil.example",
            "evil.example#localhost",
            "[::2]",
            "[::1",
            "localhost:port",
            "",
        ],
    )
    @pytest.mark.parametrize("path", ["/metrics", "/nothing"])
    def test_a_foreign_host_is_refused(self, host: str, path: str) -> None:
        async def test(world: World) -> None:
            answer = await world.ask(path, host=host)
            assert answer.status == 403
            assert "Host" in str(answer.problem()["detail"])

        run(test)

    @pytest.mark.parametrize(
        "origin", ["http://evil.example", "null", "https://localhost.evil.example", "file://localhost", "localhost", ""]
    )
    def test_a_foreign_origin_is_refused(self, origin: str) -> None:
        async def test(world: World) -> None:
            answer = await world.ask("/metrics", Origin=origin)
            assert answer.status == 403
            assert "Origin" in str(answer.problem()["detail"])

        run(test)

    def test_the_refusal_does_not_echo(self) -> None:
        async def test(world: World) -> None:
            answer = await world.ask("/", host="evil.example")
            assert b"evil" not in answer.body

        run(test)

    def test_configured_hosts(self) -> None:
        async def test(world: World) -> None:
            assert (await world.ask("/healthz", host="smppd.test:8775")).status == 200
            assert (await world.ask("/healthz", host="other.test")).status == 403

        run(test, allowed_hosts=("SMPPD.test",))

    def test_the_host_listened_on_is_welcome(self) -> None:
        async def test(world: World) -> None:
            assert (await world.ask("/healthz", host="0.0.0.0:8775")).status == 200

        run(test, host="0.0.0.0")

    @pytest.mark.parametrize("hosts", [b"", b"Host: localhost\r\nHost: evil.example\r\n"], ids=["none", "two"])
    def test_exactly_one_host_header(self, hosts: bytes) -> None:
        async def test(world: World) -> None:
            answer = await world.send(b"GET /healthz HTTP/1.1\r\n" + hosts + b"Connection: close\r\n\r\n")
            assert answer.status == 400
            answer.problem()

        run(test)

    @pytest.mark.parametrize(
        ("authority", "host"),
        [("localhost:1", "localhost"), ("[::1]:1", "::1"), ("a/b", None), ("a:99999", None), ("", None), (":80", None)],
    )
    def test_host_of(self, authority: str, host: str | None) -> None:
        assert host_of(authority) == host

    def test_host_of_origin(self) -> None:
        assert host_of_origin("https://Example.test:1") == "example.test"
        assert host_of_origin("ftp://example.test") is None


class TestLife:
    def test_a_taken_port_is_an_oserror_for_the_caller(self) -> None:
        async def main() -> None:
            with socket.socket() as taken:
                taken.bind(("127.0.0.1", 0))
                taken.listen()
                port = taken.getsockname()[1]
                server = HttpServer(
                    "127.0.0.1",
                    port,
                    exposition=Exposition(SmppdCollector(Counters(), Sources(), "1")),
                    ready=lambda: True,
                    version="1",
                    logger=configure("info", "json", io.StringIO(), wall=lambda: 0.0, environ={})(),
                )
                with pytest.raises(OSError, match="address already in use"):
                    await server.start()
                await server.stop()
            await server.start()
            assert server.port == port
            await server.stop()

        asyncio.run(main())

    def test_stop_closes_the_listener_and_idle_connections(self) -> None:
        async def main() -> None:
            async with running() as world:
                port = world.server.port
                assert port > 0
                reader, writer = await asyncio.open_connection("127.0.0.1", port)
                writer.write(b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n")
                assert await reader.readuntil(b"\r\n\r\n")
                await world.server.stop()
                await world.server.stop()
                async with asyncio.timeout(5):
                    assert (await reader.read())[-1:] in (b"", b"}")
                writer.close()
                with pytest.raises(OSError, match=r"refused|failed"):
                    await asyncio.open_connection("127.0.0.1", port)

        asyncio.run(main())

    @pytest.mark.parametrize("sent", [b"", b"GET / HTTP/1.1\r\nHost: local"], ids=["nothing", "half a request"])
    def test_who_never_finishes_a_request_is_dropped(self, sent: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(http, "IDLE_TIMEOUT", 0.05)

        async def test(world: World) -> None:
            reader, writer = await asyncio.open_connection("127.0.0.1", world.server.port)
            writer.write(sent)
            async with asyncio.timeout(5):
                assert await reader.read() == b""
            writer.close()

        run(test)

    def test_two_servers_in_one_process(self) -> None:
        async def main() -> None:
            async with running() as one, running() as two:
                one.counters.pdus_in[int(CommandId.UNBIND)] += 1
                assert b'command="unbind"' in (await one.ask("/metrics")).body
                assert b'command="unbind"' not in (await two.ask("/metrics")).body

        asyncio.run(main())

    def test_the_loop_goes_on_while_metrics_are_rendered(self) -> None:
        """Between two pieces of the page everybody else has a turn."""

        async def test(world: World) -> None:
            exposition = world.server._exposition
            made: list[int] = []
            turns: list[int] = []

            def page(_accept: str) -> tuple[Iterator[bytes], str]:
                return (b"%d" % (made.append(number) or number) for number in range(5)), "text/plain"

            async def count_turns() -> None:
                while len(made) < 5:
                    turns.append(len(made))
                    await asyncio.sleep(0)

            exposition.page = page  # type: ignore[method-assign,assignment]
            others = asyncio.create_task(count_turns())
            answer = await world.ask("/metrics")
            await others
            assert answer.body == b"01234"
            assert {1, 2, 3, 4} <= set(turns)

        run(test)
