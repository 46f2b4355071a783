"""The desk of faults."""

from __future__ import annotations

import glob
from typing import TYPE_CHECKING, Annotated, Any, ClassVar

import msgspec
from msgspec import Meta

from smppd.control.adjusting import Adjustable, AdjustingDesk
from smppd.control.failures import InvalidError
from smppd.control.judging import HERE, names_of, refuse
from smppd.settings.faults import AnyFault, Fault
from smppd.settings.plain import plain
from smppd.settings.reach import unknown_in_fault

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from smppd.behaviour.occasions import FaultHits


class FaultView(Adjustable, frozen=True, kw_only=True):
    """One fault."""

    group: Annotated[str, Meta(description="What it is a fault of: bytes, pdus, receipts, sessions or load.")]
    fault: Annotated[dict[str, Any], Meta(description="As the configuration has it, without what is the default.")]


class FaultsDesk(AdjustingDesk[Fault, FaultView]):
    """The faults of one server."""

    kind: ClassVar[str] = "fault"
    type: ClassVar[Any] = AnyFault

    def _all(self) -> list[Fault]:
        return list(self._simulation.faults)

    def _configured(self) -> Sequence[Fault]:
        return self._simulation.configured.fault

    def _hits(self) -> Mapping[str, FaultHits]:
        return self._simulation.faults.hits()

    def _view(self, entry: Fault, common: dict[str, Any], hits: FaultHits | None) -> FaultView:
        matched, fired = hits or (0, 0)
        return FaultView(**common, matched=matched, fired=fired, group=entry.group, fault=plain(entry, AnyFault))

    def _replace(self, entries: list[Fault]) -> None:
        self._simulation.faults.replace(entries)

    def _restart(self, names: Iterable[str] | None) -> None:
        self._simulation.faults.reset(None if names is None else list(names))

    def _judge(self, entry: Fault, *, hooks: bool) -> None:  # noqa: ARG002  # faults have none
        refuse(unknown_in_fault(entry, HERE, names_of(self._simulation.settings)))

    def _confined(self, entry: Fault, namespace: str) -> Fault:
        own = glob.escape(namespace)
        if entry.account is None:
            return msgspec.structs.replace(entry, account=own)
        if entry.account in (own, [own], namespace, [namespace]):
            return entry
        raise InvalidError([("account", f'expected "{namespace}", the namespace, or nothing')])

    def _warn(self, entry: Fault, before: Sequence[Fault]) -> list[str]:  # noqa: ARG002  # every fault has its turn
        return []
