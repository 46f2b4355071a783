"""What goes wrong with the requests of one bound session: refusals, congestion_state, receipts before their responses.

There is one for each bound session that such a fault concerns. The engine and the transport ask it PDU by PDU, so that
it makes no difference where TCP has cut the stream.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from smppd.behaviour.occasions import Party
from smppd.settings.faults import Congestion, ReceiptBeforeResponse, RouteDown, Throttle
from smppd.settings.names import command_status
from smppwire.constants import CommandId

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from smppd.behaviour.occasions import Occasions
    from smppd.engine.esmes import Bind
    from smppd.engine.message import Message
    from smppd.engine.queues import RouteState
    from smppwire.pdus import SubmitSm

REQUEST_FAULTS: Final = (Throttle, RouteDown, Congestion, ReceiptBeforeResponse)
"""The kinds that are at work here."""

SUBMIT_SM: Final = int(CommandId.SUBMIT_SM)

FAULT_SCOPE: Final = "fault"
"""Under which scope refusals are counted among those that were throttled."""


def party_of_bind(bind: Bind | None, account: str) -> Party:
    """Whose session a bind is; of a message whose session is not known only the account is."""
    if bind is None:
        return Party(0, account, None)
    return Party(int(bind.bind_id) if bind.bind_id.isdecimal() else 0, account, bind.bound_at)


class BindFaults:
    """The faults of requests that concern one bound session (`smppd.engine.ports.RequestFaults`)."""

    def __init__(
        self,
        bind: Bind,
        occasions: Sequence[Occasions],
        *,
        now: Callable[[], float],
        route_of: Callable[[Bind, SubmitSm], RouteState | None],
        throttled: Callable[[str, str, int], None],
    ) -> None:
        """Put faults to work.

        Args:
            bind: the session.
            occasions: the faults that concern it, in their order; of kinds other than REQUEST_FAULTS none is asked.
            now: reads the engine's clock.
            route_of: finds the route of a message.
            throttled: is told (system_id, scope, count) of refusals.
        """
        self._bind = bind
        self._party = party_of_bind(bind, bind.esme.system_id)
        self._now = now
        self._route_of = route_of
        self._throttled = throttled
        self._refusals = [
            (one, one.fault, command_status(one.fault.status))
            for one in occasions
            if isinstance(one.fault, (Throttle, RouteDown))
        ]
        self._congestions = [(one, one.fault.value) for one in occasions if isinstance(one.fault, Congestion)]
        self._early = [one for one in occasions if isinstance(one.fault, ReceiptBeforeResponse)]

    def judge(self, pdus: Sequence[SubmitSm], statuses: Sequence[int] | None) -> Sequence[int] | None:
        """The command_statuses that refuse submit_sm; those that have one already are no occasion."""
        if not self._refusals:
            return statuses
        judged = list(statuses or (0,) * len(pdus))
        for place, pdu in enumerate(pdus):
            if not judged[place]:
                judged[place] = self.refuse(SUBMIT_SM, pdu)
        return judged

    def refuse(self, command_id: int, pdu: SubmitSm) -> int:
        """The command_status that refuses one message, 0 for none: of the first fault that takes it."""
        for one, fault, status in self._refusals:
            if not one.is_about_command(command_id):
                continue
            if isinstance(fault, RouteDown):
                route = self._route_of(self._bind, pdu)
                if route is None or route.name != fault.route:
                    continue
            if one.take(self._party, self._now()) is not None:
                self._throttled(self._party.account, FAULT_SCOPE, 1)
                return status
        return 0

    def congestion(self, command_id: int, usual: int) -> int:
        """The congestion_state of a response; of several faults the last one has its way."""
        value = usual
        for one, told in self._congestions:
            if one.is_about_command(command_id) and one.take(self._party, self._now()) is not None:
                value = told
        return value

    def comes_early(self, message: Message) -> bool:  # noqa: ARG002  # each is an occasion, whatever it says
        """Whether the receipt of a message leaves before its response."""
        taken = [one.take(self._party, self._now()) for one in self._early]
        return any(taken)
