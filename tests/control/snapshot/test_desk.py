"""The snapshot desk at a running server: files, sessions, passwords, and who has to wait."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import msgspec
import pytest

from smppd.control.failures import ConflictError, InvalidError, NotFoundError, TooBusyError
from smppd.control.snapshot import desk as desk_module
from smppd.settings import Account
from smppd.settings.api import Api
from tests.control.snapshot.files_of import taken_apart
from tests.control.snapshot.universe import Universe
from tests.transport.support import run_virtually


def universe_with(directory: Path) -> Universe:
    universe = Universe()
    server = universe.stage.server
    server.configure(msgspec.structs.replace(server.settings, api=Api(snapshots=str(directory))))
    return universe


def test_files_of_the_server(tmp_path: Path) -> None:
    async def run() -> None:
        universe = universe_with(tmp_path)
        desk = universe.stage.server.control.snapshot
        universe.play([("bind", "alice", True), ("submit", 0, (8, 0), 0, 1)])
        view = await desk.save("one.snapshot")
        assert (view.file, view.messages) == ("one.snapshot", 1)
        assert [(each.file, each.octets) for each in desk.files()] == [("one.snapshot", view.octets)]
        universe.play([("submit", 0, (8, 1), 0, 1)])
        restored = await desk.restore_file("one.snapshot")
        assert (restored.messages, restored.sessions_unbound) == (1, 1)
        assert restored.created_time == view.created_time
        assert universe.esmes[0].connection.bind is None
        desk.delete("one.snapshot")
        with pytest.raises(NotFoundError):
            await desk.restore_file("one.snapshot")
        with pytest.raises(InvalidError):
            await desk.save("../one")

    run_virtually(run())


def test_a_server_that_keeps_none() -> None:
    async def run() -> None:
        desk = Universe().stage.server.control.snapshot
        for attempt in (desk.files, lambda: desk.delete("x")):
            with pytest.raises(ConflictError, match="names no directory"):
                attempt()
        with pytest.raises(ConflictError, match="names no directory"):
            await desk.save("x")

    run_virtually(run())


def test_a_directory_that_cannot_be(tmp_path: Path) -> None:
    async def run() -> None:
        (tmp_path / "file").write_text("")
        desk = universe_with(tmp_path / "file").stage.server.control.snapshot
        with pytest.raises(ConflictError, match="cannot be written"):
            await desk.save("x")

    run_virtually(run())


def test_a_session_that_is_unbound_is_told_so() -> None:
    async def run() -> None:
        universe = Universe()
        octets = await universe.snapshot()
        universe.play([("bind", "alice", True)])
        await universe.restore(octets)
        (pdu,) = universe.esmes[0].received()
        assert type(pdu).__name__ == "Unbind"
        universe.esmes[0].submit()
        assert universe.esmes[0].statuses() == [4]
        assert len(universe.stage.server.engine.messages) == 0

    run_virtually(run())


def test_the_password_of_an_account_that_was_made_meanwhile() -> None:
    async def run() -> None:
        universe = Universe()
        server = universe.stage.server
        carol = Account(system_id="carol", password="secret")
        server.configure(msgspec.structs.replace(server.settings, account=[*server.settings.account, carol]))
        octets = await universe.snapshot()
        assert b"secret" not in b"".join(map(msgspec.msgpack.encode, taken_apart(octets)[1]))
        fresh = Universe()
        await fresh.restore(octets)
        made = fresh.stage.server.settings.account[-1]
        assert (made.system_id, made.password) == ("carol", None)
        account = fresh.stage.server.accounts.get("carol")
        assert account is not None
        assert fresh.stage.server.accounts.verify_scrypt(account, b"secret")

    run_virtually(run())


def test_an_account_and_a_route_that_are_gone() -> None:
    """What waits for them is handed over all the same, and they come back with it as gone."""

    async def run() -> None:
        universe = Universe()
        server = universe.stage.server
        universe.play([("bind", "bob", True), ("submit", 0, (7, 0), 0, 1), ("submit", 0, (5, 0), 0, 1)])
        settings = server.settings
        fewer = msgspec.structs.replace(
            settings,
            account=settings.account[:1],
            route=settings.route[2:],
            network={"dice": settings.network["dice"], "default": settings.network["default"]},
        )
        server.configure(fewer)
        octets = await universe.snapshot()
        fresh = Universe()
        await fresh.restore(octets)
        there = fresh.stage.server
        assert [account.system_id for account in there.settings.account] == ["alice"]
        assert set(there.engine.esmes) == {"alice", "bob"}
        assert set(there.engine.routes) == {"slow", "absent", "rest"}
        fresh.stage.advance(100.0)
        assert there.engine.in_flight == 0
        assert there.engine.esmes["bob"].waiting >= 2

    run_virtually(run())


def test_a_change_while_it_is_written(monkeypatch: pytest.MonkeyPatch) -> None:
    async def run() -> None:
        universe = Universe()
        universe.play([("bind", "alice", True), ("burst", 0, 8, 6)])
        engine = universe.stage.server.engine
        slices_of = desk_module.slices_of

        def disturbed(*arguments: Any, **options: Any) -> Any:
            for count, each in enumerate(slices_of(*arguments, **options)):
                if count == 5:
                    engine.delete(next(iter(engine.messages.values())))
                yield each

        monkeypatch.setattr(desk_module, "slices_of", disturbed)
        with pytest.raises(ConflictError, match="was changed while it was written"):
            await universe.snapshot()
        monkeypatch.undo()
        assert await universe.snapshot()

    run_virtually(run())


def test_a_state_that_takes_too_long(monkeypatch: pytest.MonkeyPatch) -> None:
    async def run() -> None:
        universe = Universe()
        monkeypatch.setattr(desk_module, "LONGEST_STANDSTILL", -1.0)
        monkeypatch.setattr(desk_module.Pace, "is_up", True)
        with pytest.raises(TooBusyError):
            await universe.snapshot()
        universe.play([("bind", "alice", True)])
        assert universe.esmes[0].connection.bind is not None

    run_virtually(run())


def test_a_disk_that_is_full() -> None:
    class Full(io.BytesIO):
        def writelines(self, _: Any) -> None:
            raise OSError(28, "No space left on device")

    async def run() -> None:
        universe = Universe()
        with pytest.raises(OSError, match="No space"):
            await universe.stage.server.control.snapshot.write(Full())
        assert await universe.snapshot()

    run_virtually(run())
