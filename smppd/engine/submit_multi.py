"""submit_multi: one message_id, one message and one receipt for each destination, named or on a list.

Destinations are judged one by one. One that cannot be accepted, whatever the reason, is listed in the response with its
own command_status; the rest go their way. An address that is named twice, by itself or as a member of lists, gets one
message: its receipts could not be told apart.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from smppd.engine.message import Group, from_submit_multi, lifetime_of
from smppd.engine.slices import SLICE
from smppwire.constants import CommandStatus, Npi, Ton
from smppwire.pdus import DistributionList, SmeAddress, SubmitMultiResp, UnsuccessSme
from smppwire.validation import DESTINATION_FIELDS, destination_violation, validate

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from smppd.engine.core import Engine
    from smppd.engine.esmes import Bind, EsmeState
    from smppd.engine.message import Message
    from smppd.engine.ports import Fate
    from smppd.settings import DistributionList as ListSettings
    from smppwire.pdus import SubmitMulti

ESME_RINVDSTADR: Final = int(CommandStatus.ESME_RINVDSTADR)
ESME_RINVDLNAME: Final = int(CommandStatus.ESME_RINVDLNAME)
ESME_RCNTSUBDL: Final = int(CommandStatus.ESME_RCNTSUBDL)
ESME_RTHROTTLED: Final = int(CommandStatus.ESME_RTHROTTLED)

MOST_UNSUCCESSFUL: Final = 255
"""Destinations that a response can list: no_unsuccess has one octet. A list may have more members that fail."""


class DistributionLists:
    """The lists of the configuration."""

    def __init__(self, settings: Iterable[ListSettings]) -> None:
        self._lists = {
            each.name.encode("ascii"): ([number.encode("ascii") for number in each.members], frozenset(each.accounts))
            for each in settings
        }

    def members(self, name: bytes, esme: EsmeState) -> list[bytes] | int:
        """The international numbers on a list, or the command_status that refuses the list to this account."""
        found = self._lists.get(name)
        if found is None:
            return ESME_RINVDLNAME
        members, accounts = found
        return members if not accounts or esme.system_id in accounts else ESME_RCNTSUBDL


def submit_multi(engine: Engine, bind: Bind, pdu: SubmitMulti, fate: Fate | None = None) -> SubmitMultiResp | int:
    """Take a submit_multi (SMPP 3.4 section 4.5).

    The response is an error when the PDU is wrong as a whole, or no destination could be accepted (with the status of
    the first). Large lists are DEFERRED: no message of theirs moves before the response has left.
    `fate` is what is decided beforehand about each of the messages.
    """
    status = next((each.status for each in validate(pdu, bind.policy) if each.field not in DESTINATION_FIELDS), 0)
    if status:
        return SubmitMultiResp(pdu.sequence_number, status)
    if engine.slices.is_full:
        return SubmitMultiResp(pdu.sequence_number, ESME_RTHROTTLED)
    now, wall = engine.clock.now(), engine.clock.wall()
    times = engine.times_of(pdu.schedule_delivery_time, pdu.validity_period, now, wall, lifetime_of(bind, pdu))
    if isinstance(times, int):
        return SubmitMultiResp(pdu.sequence_number, times)
    return engine.slices.start(bind, pdu, _Intake(engine, bind, pdu, now, wall, times, fate).steps())


class _Intake:
    """One submit_multi on its way in."""

    def __init__(
        self,
        engine: Engine,
        bind: Bind,
        pdu: SubmitMulti,
        now: float,
        wall: float,
        times: tuple[float, float],
        fate: Fate | None,
    ) -> None:
        self._engine = engine
        self._bind = bind
        self._pdu = pdu
        self._now = now
        self._wall = wall
        self._start_at, self._expires_at = times
        self._fate = fate
        self._group = Group()
        self._message_id: bytes | None = None
        self._held: list[tuple[Message, int]] = []
        self._failed: list[UnsuccessSme] = []

    def steps(self) -> Iterator[SubmitMultiResp | None]:
        """Accept what can be accepted, answer, and let go what was accepted."""
        seen: set[SmeAddress] = set()
        for count, (destination, status) in enumerate(self._destinations()):
            if count and count % SLICE == 0:
                yield None
            if destination in seen:
                continue
            seen.add(destination)
            status = status or self._accept(destination)
            if status and len(self._failed) < MOST_UNSUCCESSFUL:
                self._failed.append(UnsuccessSme(*destination, status))
        yield self._response()
        for start in range(0, len(self._held), SLICE):
            if start:
                yield None
            self._engine.let_go(self._held[start : start + SLICE])

    def _destinations(self) -> Iterator[tuple[SmeAddress, int]]:
        """Each destination, lists taken apart, and the command_status that refuses it (0 for none).

        A list that is refused is listed under its name: the response has no form of its own for it.
        """
        for destination in self._pdu.dest_address:
            status = destination_violation(destination, self._bind.policy)
            if not isinstance(destination, DistributionList):
                yield destination, status
                continue
            members = status or self._engine.lists.members(destination.dl_name, self._bind.esme)
            if isinstance(members, int):
                yield SmeAddress(0, 0, destination.dl_name), members
            else:
                for number in members:
                    yield SmeAddress(int(Ton.INTERNATIONAL), int(Npi.ISDN), number), 0

    def _accept(self, destination: SmeAddress) -> int:
        """Make the message for one destination; returns 0, or the command_status that refuses it."""
        engine = self._engine
        record = from_submit_multi(self._pdu, destination)
        status = engine.admit_to_account(self._bind, record)
        if status:
            return status
        route = engine.route_of(self._bind, record)
        if route is None:
            return ESME_RINVDSTADR
        message = engine.accept(
            self._bind,
            record,
            route,
            now=self._now,
            wall=self._wall,
            start_at=self._start_at,
            expires_at=self._expires_at,
            message_id=self._message_id,
            group=self._group,
            held=self._held,
            fate=self._fate,
        )
        if isinstance(message, int):
            return message
        self._message_id = message.message_id
        return 0

    def _response(self) -> SubmitMultiResp:
        if self._message_id is None:
            status = self._failed[0].error_status_code
            return SubmitMultiResp(self._pdu.sequence_number, status, message_id=None, unsuccess_sme=None)
        return SubmitMultiResp(
            self._pdu.sequence_number, message_id=self._message_id, unsuccess_sme=tuple(self._failed)
        )
