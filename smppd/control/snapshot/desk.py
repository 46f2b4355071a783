"""The snapshot desk: the whole simulated state of a server into a file, and back.

One at a time. While a snapshot is written the engine stands still, so that it is of one moment; the event loop goes on.
"""

from __future__ import annotations

import asyncio
import os
import zlib
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, BinaryIO, Final

from msgspec import Meta, Struct

from smppd import __version__
from smppd.control.failures import ConflictError, InvalidError, TooBusyError
from smppd.control.snapshot.configuration import unknown_passwords
from smppd.control.snapshot.files import Directory
from smppd.control.snapshot.format import FORMAT, GZIP, LEVEL, VERSION, Header, Packer, SnapshotError, Unpacker
from smppd.control.snapshot.pace import Pace
from smppd.control.snapshot.restoring import Arrival
from smppd.control.snapshot.writing import slices_of
from smppd.control.times import iso
from smppd.engine.state.leftovers import dismantle
from smppd.errors import UserError
from smppd.passwords import SALT_LENGTH, ScryptHash

if TYPE_CHECKING:
    from collections.abc import AsyncIterable, Iterable, Iterator

    from smppd.control.panel import Control
    from smppd.control.snapshot.files import SnapshotFile
    from smppd.engine.state.capture import Slice
    from smppd.settings import Account

LONGEST_STANDSTILL: Final = 60.0
"""Seconds that the engine may stand still: ESMEs begin to doubt a server that is silent for longer."""

SOME: Final = 32 * 1024
"""Octets that are compressed at once: 0.3 ms. In a thread they would make the loop wait for it, now and then."""

PILE: Final = 1024 * 1024
"""Octets that are written at once, in a thread."""


class SnapshotView(Struct, frozen=True, kw_only=True):
    """A snapshot that was written."""

    created_time: Annotated[str, Meta(description="When, in the time of the machine.")]
    file: Annotated[str | None, Meta(description="Its name in `[api] snapshots`; null: it was not written there.")]
    octets: Annotated[int, Meta(description="Its size.")]
    unpacked_octets: Annotated[int, Meta(description="Its size without compression.")]
    messages: Annotated[int, Meta(description="Messages in it.")]
    pdus: Annotated[int, Meta(description="PDUs in it: those of the journal, where it was asked for.")]
    seconds: Annotated[float, Meta(description="How long it took; the engine stood still for nearly all of that.")]
    longest_hold: Annotated[float, Meta(description="Seconds for which the event loop was held at once, at most.")]


class RestoredView(Struct, frozen=True, kw_only=True):
    """A snapshot that was restored."""

    created_time: Annotated[str, Meta(description="When it was written.")]
    written_by: Annotated[str, Meta(description="The version of the server that wrote it.")]
    messages: Annotated[int, Meta(description="Messages that are known now.")]
    pdus: Annotated[int, Meta(description="PDUs that came with it; 0: the journal is as it was.")]
    sessions_unbound: Annotated[int, Meta(description="Sessions that were bound.")]
    accounts_without_password: Annotated[
        list[str],
        Meta(description="Accounts whose password neither the snapshot nor this server has."),
    ]
    seconds: Annotated[float, Meta(description="How long it took; nothing stood still.")]
    longest_hold: Annotated[float, Meta(description="Seconds for which the event loop was held at once, at most.")]


class _Sink:
    """Compresses what a walk brings, and writes it to a file in a thread."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self._gzip = zlib.compressobj(LEVEL, zlib.DEFLATED, GZIP)
        self._pieces: list[bytes] = []
        self._waiting = 0
        self.unpacked = 0
        self.packed = 0

    @property
    def is_full(self) -> bool:
        """Whether enough waits for being written."""
        return self._waiting >= PILE

    def put(self, pieces: list[bytes]) -> None:
        """Take some octets."""
        octets = b"".join(pieces)
        self.unpacked += len(octets)
        self._keep(self._gzip.compress(octets))

    def end(self) -> None:
        """That was all, but for what waits for being written."""
        self._keep(self._gzip.flush())

    async def write(self) -> None:
        """Write what waits. Raises OSError."""
        pieces, self._pieces, self._waiting = self._pieces, [], 0
        await asyncio.to_thread(self._file.writelines, pieces)

    def _keep(self, octets: bytes) -> None:
        self._pieces.append(octets)
        self._waiting += len(octets)
        self.packed += len(octets)


class SnapshotDesk:
    """The snapshots of one server."""

    def __init__(self, control: Control) -> None:
        """Write and restore the state of this server."""
        self._control = control
        self._simulation = control.simulation
        self._busy = ""
        self._hashes: dict[tuple[str, str], str] = {}
        """Hashes of passwords that were made before: each takes tens of milliseconds."""

    # -- writing ------------------------------------------------------------------------------------------------------

    async def save(self, file: str, *, journal: bool = False) -> SnapshotView:
        """Write a snapshot into the directory of `[api] snapshots`; it appears there when it is complete.

        journal: with the PDUs that are recorded.

        Raises ConflictError when there is no such directory, or it cannot be written to, or a snapshot is in work;
        InvalidError for what is no plain name; and what `write` raises.
        """
        directory = self._directory()
        directory.check(file)
        try:
            async with directory.writing(file) as target:
                view = await self.write(target, file=file, journal=journal)
        except OSError as error:
            raise ConflictError(f"the snapshot cannot be written: {error.strerror}") from None
        return view

    async def write(self, target: BinaryIO, *, file: str | None = None, journal: bool = False) -> SnapshotView:
        """Write a snapshot to an open file; `journal`: with the PDUs that are recorded.

        Raises ConflictError while another is in work, or when there is no journal, TooBusyError when requests in work
        do not come to an end or the state is too large to be written in LONGEST_STANDSTILL, OSError when the file
        cannot be written.
        """
        simulation = self._simulation
        if journal and not simulation.journal.enabled:
            raise ConflictError("nothing is recorded: [journal] pdus is 0")
        with self._alone("written"):
            hashes = await self._hash_passwords()
            monotonic = simulation.context.monotonic
            created = iso(simulation.context.wall())
            began = monotonic()
            pace = Pace(monotonic)
            sink = _Sink(target)
            packer = Packer(Header(format=FORMAT, version=VERSION, smppd=__version__, created=created))
            try:
                async with simulation.standstill.hold():
                    pace.go_on()
                    recorded = len(simulation.journal) if journal else 0
                    await self._walk(packer, sink, pace, slices_of(self._control, hashes, journal=journal))
            except TimeoutError:
                raise TooBusyError("requests to long distribution lists are in work; try again later") from None
            packer.end()
            sink.put(packer.take())
            sink.end()
            await sink.write()
            return SnapshotView(
                created_time=created,
                file=file,
                octets=sink.packed,
                unpacked_octets=sink.unpacked,
                messages=len(simulation.engine.messages),
                pdus=recorded,
                seconds=monotonic() - began,
                longest_hold=pace.longest,
            )

    async def _walk(self, packer: Packer, sink: _Sink, pace: Pace, slices: Iterable[Slice]) -> None:
        """Hand the whole state to the sink, while the engine stands still."""
        simulation = self._simulation
        monotonic = simulation.context.monotonic
        mark, began = self._mark(), monotonic()
        for section, rows in slices:
            if rows:
                packer.add(section, rows)
            if packer.octets >= SOME:
                sink.put(packer.take())
            if not pace.is_up:
                continue
            await pace.rest()
            if sink.is_full:
                pace.pause()
                await sink.write()
                pace.go_on()
            if monotonic() - began > LONGEST_STANDSTILL:
                raise TooBusyError(f"the state cannot be written within {LONGEST_STANDSTILL:g} s")
        sink.put(packer.take())
        pace.pause()
        if self._mark() != mark:
            raise ConflictError("the state was changed while it was written; try again")

    def _mark(self) -> tuple[object, ...]:
        """What is another after any change that matters."""
        engine = self._simulation.engine
        ledger = engine.ledger
        return ledger.next_id, ledger.live, ledger.in_flight, len(engine.life.schedule), engine.broadcasts.live

    async def _hash_passwords(self) -> dict[str, str]:
        """The hashes of passwords that the configuration does not know, by system_id."""
        simulation = self._simulation
        hashes = {}
        for account in unknown_passwords(simulation.settings, simulation.configured):
            hashes[account.system_id] = account.password_hash or await self._hash(account)
        self._hashes = {key: made for key, made in self._hashes.items() if key[0] in hashes}
        return hashes

    async def _hash(self, account: Account) -> str:
        password = account.password or ""
        made = self._hashes.get((account.system_id, password))
        if made is None:
            octets = password.encode("latin-1")
            made = str(await asyncio.to_thread(ScryptHash.create, octets, os.urandom(SALT_LENGTH)))
            self._hashes[account.system_id, password] = made
        return made

    # -- restoring ----------------------------------------------------------------------------------------------------

    async def restore_file(self, file: str) -> RestoredView:
        """Restore a snapshot from the directory of `[api] snapshots`.

        Raises ConflictError when there is no such directory, NotFoundError when there is no such file, and what
        `restore` raises.
        """
        directory = self._directory()
        directory.check(file)
        with directory.reading(file) as pieces:
            return await self.restore(pieces)

    async def restore(self, pieces: AsyncIterable[bytes]) -> RestoredView:
        """Restore a snapshot, whatever pieces it comes in. All sessions are unbound.

        Raises InvalidError for what is no snapshot, or one that this server cannot take; ConflictError while another is
        in work, or when time was moved meanwhile. Nothing has changed then.
        """
        with self._alone("restored"):
            monotonic = self._simulation.context.monotonic
            began = monotonic()
            pace = Pace(monotonic)
            arrival = Arrival(self._control, pace)
            unpacker = Unpacker()
            try:
                await self._read(pieces, unpacker, arrival, pace)
                for _ in arrival.link():
                    if pace.is_up:
                        await pace.rest()
                return await self._take_over(unpacker, arrival, pace, began)
            except SnapshotError as error:
                raise InvalidError([("", f"this snapshot cannot be restored: {error}")]) from None
            finally:
                if arrival.engine is not None:
                    await _let_go(arrival, pace)

    async def _read(self, pieces: AsyncIterable[bytes], unpacker: Unpacker, arrival: Arrival, pace: Pace) -> None:
        pace.pause()
        async for piece in pieces:
            pace.go_on()
            for found in unpacker.feed(piece):
                if found is not None:
                    await arrival.take(*found)
                if pace.is_up:
                    await pace.rest()
            pace.pause()
        pace.go_on()
        unpacker.finish()

    async def _take_over(self, unpacker: Unpacker, arrival: Arrival, pace: Pace, began: float) -> RestoredView:
        simulation = self._simulation
        context = simulation.context
        pace.pause()
        async with simulation.standstill.hold():
            pace.go_on()
            if not arrival.is_timely():
                raise ConflictError("time was moved while the snapshot was read; try again")
            bound = sum(connection.bind is not None for connection in context.connections)
            try:
                arrival.take_over()
            except UserError as error:
                raise InvalidError([("", f"this snapshot cannot be restored: {error}")]) from None
            pace.pause()
        header = unpacker.header
        assert header is not None  # noqa: S101  # it has been read to its end
        return RestoredView(
            created_time=header.created,
            written_by=header.smppd,
            messages=len(simulation.engine.messages),
            pdus=arrival.recorded.frames,
            sessions_unbound=bound,
            accounts_without_password=arrival.lacking,
            seconds=context.monotonic() - began,
            longest_hold=pace.longest,
        )

    # -- the directory ------------------------------------------------------------------------------------------------

    def files(self) -> list[SnapshotFile]:
        """The snapshots in the directory of `[api] snapshots`. Raises ConflictError when there is no such directory."""
        return self._directory().files()

    def delete(self, file: str) -> None:
        """Delete one of them. Raises as `restore_file`."""
        directory = self._directory()
        directory.check(file)
        directory.delete(file)

    def _directory(self) -> Directory:
        where = self._simulation.settings.api.snapshots
        if not where:
            raise ConflictError("this server keeps no snapshots: [api] snapshots names no directory")
        return Directory(Path(where))

    @contextmanager
    def _alone(self, what: str) -> Iterator[None]:
        if self._busy:
            raise ConflictError(f"a snapshot is being {self._busy}; one at a time")
        self._busy = what
        try:
            yield
        finally:
            self._busy = ""


async def _let_go(arrival: Arrival, pace: Pace) -> None:
    """Forget the engine that is not in use, whichever of the two it is."""
    engine, arrival.engine = arrival.engine, None
    if engine is None:
        return
    pace.go_on()
    for _ in dismantle(engine):
        if pace.is_up:
            await pace.rest()
