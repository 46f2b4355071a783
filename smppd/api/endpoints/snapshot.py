"""Snapshots of the whole simulated state."""

from __future__ import annotations

import asyncio
import tempfile
from typing import TYPE_CHECKING, Annotated, Final

from aiohttp import web
from msgspec import Meta, Struct

from smppd.api.endpoint import Endpoint
from smppd.api.problem import RequestError
from smppd.control.snapshot.desk import RestoredView, SnapshotView
from smppd.control.snapshot.files import SnapshotFile, pieces_of

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from smppd.api.endpoint import Call

MEDIA: Final = "application/gzip"
"""What a snapshot is."""

PIECE: Final = 256 * 1024
"""Octets of a body that are taken at once."""

PIECE_SECONDS: Final = 30.0
"""Seconds in which some of a body has to arrive: others cannot write or restore a snapshot meanwhile."""

SPOOLED: Final = 8 * 1024 * 1024
"""Octets of a snapshot that wait in memory for the client; what is longer waits in a file of the system's."""


class Named(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Which file."""

    file: Annotated[
        str, Meta(description="A plain name in the directory of `[api] snapshots`.", min_length=1, max_length=100)
    ]


class WithWhat(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What is in it."""

    journal: Annotated[
        bool, Meta(description="With the PDUs that are recorded, and who was connected; passwords are hidden in them.")
    ] = False


class Saved(Named, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Into which file, and what is in it."""

    journal: Annotated[
        bool, Meta(description="With the PDUs that are recorded, and who was connected; passwords are hidden in them.")
    ] = False


class SnapshotFiles(Struct, frozen=True, kw_only=True):
    """The snapshots that are kept."""

    items: list[SnapshotFile]


async def _download(call: Call) -> web.StreamResponse:
    # The engine stands still for as long as the snapshot takes, and must not wait for whoever reads it.
    with tempfile.SpooledTemporaryFile(SPOOLED) as spool:
        view = await call.control.snapshot.write(spool, journal=call.query.journal)  # type: ignore[arg-type]  # it has all that is used
        spool.seek(0)
        response = web.StreamResponse(headers={"Content-Disposition": f'attachment; filename="{_name(view)}"'})
        response.content_type = MEDIA
        response.content_length = view.octets
        await response.prepare(call.request)
        async for piece in pieces_of(spool):  # type: ignore[arg-type]
            await response.write(piece)
        await response.write_eof()
        return response


def _name(view: SnapshotView) -> str:
    """`smppd-20261123T083139Z.snapshot`: when it was written."""
    return "smppd-" + "".join(sign for sign in view.created_time[:19] if sign not in "-:") + "Z.snapshot"


async def _save(call: Call) -> SnapshotView:
    return await call.control.snapshot.save(call.body.file, journal=call.body.journal)


async def _list(call: Call) -> SnapshotFiles:
    return SnapshotFiles(items=call.control.snapshot.files())


async def _delete(call: Call) -> None:
    call.control.snapshot.delete(call.path["file"])


async def _restore(call: Call) -> RestoredView:
    desk = call.control.snapshot
    if call.body is not None:
        return await desk.restore_file(call.body.file)
    if not call.request.can_read_body:
        raise RequestError(400, f"A body is missing: a snapshot ({MEDIA}), or which file.")
    return await desk.restore(_pieces(call))


async def _pieces(call: Call) -> AsyncIterator[bytes]:
    """What is sent, as far as `[api] max_snapshot` allows."""
    most = call.control.simulation.settings.api.max_snapshot
    too_long = RequestError(413, f"The snapshot is longer than {most} octets ([api] max_snapshot).")
    if (call.request.content_length or 0) > most:
        raise too_long
    received = 0
    while True:
        try:
            async with asyncio.timeout(PIECE_SECONDS):
                piece = await call.request.content.read(PIECE)
        except TimeoutError:
            raise RequestError(408, f"Nothing of the snapshot arrived for {PIECE_SECONDS:g} seconds.") from None
        if not piece:
            return
        received += len(piece)
        if received > most:
            raise too_long
        yield piece


ENDPOINTS: Final = (
    Endpoint(
        method="GET",
        path="/snapshot",
        operation="download_snapshot",
        tag="snapshot",
        summary="The whole simulated state as a file",
        description="The engine stands still while it is written, so that it is of one moment; the answer begins when"
        " that is over. Only whoever may change things gets it: there are texts and numbers in it.",
        role="control",
        query=WithWhat,
        media=MEDIA,
        problems=(409,),
        patient=True,
        handle=_download,
    ),
    Endpoint(
        method="POST",
        path="/snapshot",
        operation="save_snapshot",
        tag="snapshot",
        summary="Write the whole simulated state into a file of the server",
        description="The file appears in the directory of `[api] snapshots` when it is complete, and takes the place of"
        " one of the same name.",
        role="control",
        body=Saved,
        result=SnapshotView,
        problems=(409,),
        patient=True,
        handle=_save,
    ),
    Endpoint(
        method="GET",
        path="/snapshots",
        operation="list_snapshots",
        tag="snapshot",
        summary="The snapshots that the server keeps",
        result=SnapshotFiles,
        problems=(409,),
        handle=_list,
    ),
    Endpoint(
        method="DELETE",
        path="/snapshots/{file}",
        operation="delete_snapshot",
        tag="snapshot",
        summary="Delete a snapshot that the server keeps",
        role="control",
        parameters={"file": "Its name."},
        problems=(409,),
        handle=_delete,
    ),
    Endpoint(
        method="POST",
        path="/snapshot/restore",
        operation="restore_snapshot",
        tag="snapshot",
        summary="Take a snapshot in the place of the state in use",
        description="From the body, or from a file that the server keeps. It is read and judged as a whole before"
        " anything changes; then all sessions are unbound, and the server is in the state of the snapshot.",
        role="control",
        body=Named,
        upload=MEDIA,
        body_optional=True,
        result=RestoredView,
        problems=(404, 409),
        patient=True,
        handle=_restore,
    ),
)
