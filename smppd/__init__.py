"""smppd: an SMPP 3.4 protocol server and SMSC simulator."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from smppd.testing import Smsc as Smsc

__version__ = "0.1.0"


def __getattr__(name: str) -> Any:
    """Load what tests use when they first ask for it: everybody else imports smppd without a server."""
    if name == "Smsc":
        from smppd.testing import Smsc

        return Smsc
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
