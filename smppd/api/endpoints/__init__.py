"""The rows of the API's route table, by what they are about.

To add some: a module here with `ENDPOINTS`, and its name in the two lists of `all_endpoints`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from smppd.api.endpoint import Endpoint


def all_endpoints() -> tuple[Endpoint, ...]:
    """The whole table."""
    from smppd.api.endpoints import (
        accounts,
        clock,
        dialects,
        events,
        faults,
        messages,
        mo,
        networks,
        pdus,
        reset,
        routes,
        rules,
        server,
        sessions,
        snapshot,
        verification,
        webhooks,
    )

    modules = (
        server,
        sessions,
        accounts,
        messages,
        mo,
        pdus,
        verification,
        events,
        webhooks,
        rules,
        faults,
        dialects,
        networks,
        routes,
        clock,
        reset,
        snapshot,
    )
    return tuple(endpoint for module in modules for endpoint in module.ENDPOINTS)
