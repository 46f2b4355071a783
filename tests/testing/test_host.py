"""One server in a background loop: its life, and its mistakes."""

import threading
from collections.abc import Iterator

import pytest

from smppd.app import SmscServer
from smppd.errors import UserError
from smppd.testing.host import NAME, Host
from smppd.testing.options import settings_for


@pytest.fixture
def host() -> Iterator[Host]:
    host = Host(settings_for())
    host.start()
    yield host
    host.stop()


def threads() -> list[str]:
    return [thread.name for thread in threading.enumerate()]


def test_it_runs_in_a_thread_of_its_own(host: Host) -> None:
    async def ready() -> tuple[bool, str]:
        return host.server.is_ready(), threading.current_thread().name

    assert host.run(ready()) == (True, NAME)


def test_it_can_be_stopped_twice_and_its_log_read_afterwards(host: Host) -> None:
    host.stop()
    host.stop()
    assert NAME not in threads()
    assert "listener opened" in host.log
    assert host.new_mistakes() == ""


def test_before_the_start_there_is_no_server() -> None:
    host = Host(settings_for())
    host.stop()
    assert host.new_mistakes() == ""
    with pytest.raises(RuntimeError, match="not running"):
        _ = host.control


def test_no_thread_is_left_when_it_cannot_start(monkeypatch: pytest.MonkeyPatch) -> None:
    async def refuse(*_: object) -> None:
        raise UserError("no port is free")

    monkeypatch.setattr(SmscServer, "start", refuse)
    with pytest.raises(UserError, match="no port is free"):
        Host(settings_for()).start()
    assert NAME not in threads()


def test_mistakes_are_told_once(host: Host) -> None:
    async def fail() -> None:
        host.server._failed(LookupError("a mistake of ours"))

    host.run(fail())
    host.loop.failures.append("nobody waited for it")
    told = host.new_mistakes()
    assert told.startswith("nobody waited for it\n")
    assert "LookupError: a mistake of ours" in told
    assert host.new_mistakes() == ""
