"""Faults."""

from __future__ import annotations

from typing import Final

from msgspec import field

from smppd.api.endpoints.adjusting import adjusting
from smppd.control.adjusting import Listing
from smppd.control.faults import FaultView
from smppd.settings.faults import AnyFault
from smppd.settings.types import Table


class FaultList(Table, frozen=True):
    """Faults in their order."""

    faults: list[AnyFault] = field()


ENDPOINTS: Final = adjusting(
    "fault",
    lambda control: control.faults,
    type=AnyFault,
    entries=FaultList,
    view=FaultView,
    listing=Listing[FaultView],
)
