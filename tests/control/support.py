"""A server that is controlled without HTTP: what the tests of the desks share."""

from __future__ import annotations

from tests.transport.stage import Esme, Stage, sms

__all__ = ["Esme", "Stage", "status_of"]


def status_of(esme: Esme, destination: str) -> int:
    """What a submit_sm to this address is answered with."""
    (response,) = esme.ask(sms(destination, "Hello"))
    return response.command_status
