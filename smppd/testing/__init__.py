"""What people test their own ESME with: a message centre inside of the test, and a small ESME for the other side.

`smppd.Smsc` is the message centre, `EsmeClient` the ESME; docs/pytest.md shows how they are used.
"""

from smppd.testing.aio import AsyncSmsc
from smppd.testing.base import ServerError
from smppd.testing.client import EsmeClient, Query, Received, Submission
from smppd.testing.conditions import Conditions, MessageConditions
from smppd.testing.recorded import Recorded, Response
from smppd.testing.smsc import Smsc

__all__ = [
    "AsyncSmsc",
    "Conditions",
    "EsmeClient",
    "MessageConditions",
    "Query",
    "Received",
    "Recorded",
    "Response",
    "ServerError",
    "Smsc",
    "Submission",
]
