"""What the benchmarks of ageing and stalls are made of: sessions, scrapes, configurations, tables."""

import json
import socket
import struct
import threading
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import IO, Any

import pytest

from bench import table
from bench.e2e import ageing, viewers
from bench.e2e.figures import Pair, profile_result
from bench.e2e.meter import PROFILES, Run
from bench.e2e.scrape import Scraper
from bench.e2e.servers import Command, Server, smppd
from bench.e2e.session import BATCH, BIND_TRANSMITTER, RefusedError, Session
from smppd.settings import load_settings

BIND_RESP, SUBMIT_SM, DELIVER_SM, ENQUIRE_LINK, UNBIND = 0x80000000, 0x4, 0x5, 0x15, 0x6


def pdu(command: int, sequence: int, status: int = 0, body: bytes = b"") -> bytes:
    return struct.pack(">IIII", 16 + len(body), command, status, sequence) + body


def talk(answer: Callable[[int, int], bytes], use: Callable[[int], None]) -> list[int]:
    """Run `use` with the port of a peer that answers each PDU as told; the commands it received."""
    commands: list[int] = []

    def serve(stream: IO[bytes]) -> None:
        while len(header := stream.read(16)) == 16:
            length, command, _, sequence = struct.unpack(">IIII", header)
            stream.read(length - 16)
            commands.append(command)
            stream.write(answer(command, sequence))
            stream.flush()

    def accept() -> None:
        connection, _ = listener.accept()
        with connection, connection.makefile("rwb") as stream:
            serve(stream)

    with socket.create_server(("127.0.0.1", 0)) as listener:
        peer = threading.Thread(target=accept, daemon=True)
        peer.start()
        use(listener.getsockname()[1])
        peer.join(5)
    return commands


def friendly(command: int, sequence: int) -> bytes:
    return pdu(command | BIND_RESP, sequence)


def test_a_session_does_what_it_is_asked_for() -> None:
    def use(port: int) -> None:
        with Session(port, "user", "secret", BIND_TRANSMITTER) as session:
            assert session.enquire() > 0
            session.submit(BATCH + 3, receipts=True)

    assert talk(friendly, use) == [BIND_TRANSMITTER, ENQUIRE_LINK, *[SUBMIT_SM] * (BATCH + 3), UNBIND]


def test_what_comes_in_between_is_passed_over() -> None:
    def answer(command: int, sequence: int) -> bytes:
        return pdu(DELIVER_SM, 99, body=b"x") * (command == ENQUIRE_LINK) + friendly(command, sequence)

    def use(port: int) -> None:
        with Session(port, "user", "secret") as session:
            session.enquire()

    assert talk(answer, use)[1:] == [ENQUIRE_LINK, UNBIND]


@pytest.mark.parametrize(("refused", "status"), [(BIND_TRANSMITTER, 0x0E), (SUBMIT_SM, 0x58)])
def test_a_refusal_is_told_with_its_status(refused: int, status: int) -> None:
    def answer(command: int, sequence: int) -> bytes:
        return pdu(command | BIND_RESP, sequence, status if command == refused else 0)

    def use(port: int) -> None:
        with (
            pytest.raises(RefusedError, match=f"0x{status:08x}"),
            Session(port, "user", "secret", BIND_TRANSMITTER) as session,
        ):
            session.submit(1, receipts=False)

    talk(answer, use)


def test_a_server_without_metrics_makes_the_run_invalid() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    with Scraper(port) as scraper:
        pass
    assert "scrape failed" in scraper.failures[0]


@pytest.mark.parametrize("case", ageing.CASES.values(), ids=lambda case: case.name)
def test_the_configuration_of_each_case_is_valid(case: ageing.Case, tmp_path: Path) -> None:
    config = tmp_path / "smppd.toml"
    config.write_text(ageing.configuration(case))
    settings = load_settings(config, {}, list(case.settings))
    assert settings.route[-1].name == "default", "what the case adds comes before"
    assert len(settings.route) == 1 + (ageing.ROUTES if case.routes else 0)
    assert len(settings.rule) == (ageing.RULES if case.rules else 0)
    assert {account.throughput.limit for account in settings.account} == {0}


def test_smppd_under_a_small_load_of_each_kind(tmp_path: Path) -> None:
    """The preparations work on the server they are made for."""
    case = replace(ageing.CASES["pending"], name="both")
    config = tmp_path / "smppd.toml"
    config.write_text(ageing.configuration(case))
    command = Command("smppd", ("env", *_python_of_this_tree(), *smppd("asyncio", (), config).template[1:]))
    with Server(command, user="smppclient1", password="password") as server:
        assert command.has_http
        with Session(server.port, "offline", "password", BIND_TRANSMITTER) as session:
            session.submit(10, receipts=True)
        with Session(server.port, "offline", "password") as session:
            assert session.acknowledge(0.3, 5.0) == 10
        with Scraper(server.http) as scraper:
            pass
        assert scraper.failures == []


@pytest.mark.parametrize("case", viewers.CASES.values(), ids=lambda case: case.name)
def test_each_kind_of_viewer_is_served(case: viewers.Case) -> None:
    command = viewers.command(case.name, "asyncio", case, http=True)
    with (
        Server(command, user="smppclient1", password="password") as server,
        viewers.Viewer(server.http, case.request, reads=case.reads),
        Session(server.port, "smppclient1", "password", BIND_TRANSMITTER) as session,
    ):
        session.submit(10, receipts=False)


def test_a_server_that_nobody_looks_at_has_no_http() -> None:
    command = viewers.command("alone", "asyncio", viewers.CASES["idle"], http=False)
    assert not command.has_http
    with Server(command, user="smppclient1", password="password") as server, pytest.raises(ConnectionRefusedError):
        viewers.Viewer(server.http, viewers.STREAM, reads=True)


def _python_of_this_tree() -> tuple[str, ...]:
    from bench.ab import MAIN, python_of
    from bench.e2e.servers import ROOT

    return (*python_of(ROOT)[1:], "-c", MAIN)


def run(rate: float) -> Run:
    return Run("smppd", rate, 1.0, 2.0, 3.0, 0.9, 0.2, 4.0, 0.1, 20.0, 30.0, (), {})


FACTS: dict[str, Any] = {
    "created": "2026-01-02T03:04:05+00:00",
    "machine": {"cpu": "Abacus", "cores": 2, "kernel": "6.1", "load_average_before": 0.1},
    "versions": {"commit": "0123456789abcdef", "python": "3.12.1"},
    "valid": True,
}


def test_a_table_for_each_part(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    figures = profile_result([Pair(run(100), run(80))], [])
    ratio = FACTS | {
        "profiles": {"paced": figures},
        "memory": {"smppd": {"idle_mib": 36.4, "octets_per_message": 740}},
        "start_seconds": {"smppd": {"median": 0.25}},
    }
    rounds = [{"million_messages": 1, "rate": 80.0, "rss_mib": 99.0, "p999_ms": 3.0}]
    last = {"rate": 0.98, "rate_beside_a_young_one": 0.97}
    aged = FACTS | {"ageing": {"age": figures | {"about": "old", "rounds": rounds, "last_to_first": last}}, "valid": 0}
    names = [str(tmp_path / name) for name in ("ratio.json", "aged.json")]
    for name, result in zip(names, (ratio, aged), strict=True):
        Path(name).write_text(json.dumps(result))
    assert table.main(names) == 0
    text = capsys.readouterr().out
    assert "2026-01-02, commit 0123456789, Python 3.12.1, Abacus, 2 cores, Linux 6.1" in text
    assert "| paced | 0.800 [0.800 .. 0.800] |" in text
    assert "| smppd | 0.25 | 36 | 740 |" in text
    assert "| old | 0.800" in text
    assert "| 1 | 80 | 99 | 3.0 |" in text
    assert "Last round to first: 0.98" in text
    assert text.count("NOT VALID") == 1


def test_what_is_no_results_file(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "x.json").write_text("{}")
    assert table.main([str(tmp_path / "x.json")]) == 2
    assert "not a results file" in capsys.readouterr().err
    assert table.main([]) == 2


def test_a_paced_profile_is_wide_enough_to_see_a_stall() -> None:
    paced = PROFILES["paced"]
    assert paced.share == 0.6
    assert paced.connections * paced.window >= 20_000
