"""A running server, an ESME on a socket, and the desk for messages."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import Any

from smppd.control.messages.desk import MessageDetail, MessagesDesk
from smppd.settings import Delay, Network
from tests.transport.support import SUBMIT, Live, Raw, live_settings, request, submit_body

LATER = {"default": Network(delay=Delay(distribution="fixed", value=3600.0))}
"""A network that takes an hour, so that messages wait."""


class Scene:
    """The server, its desk, and one bound ESME."""

    def __init__(self, live: Live, esme: Raw) -> None:
        self.live = live
        self.esme = esme
        self.sequence = 1
        self.desk: MessagesDesk = live.call(lambda: live.server.control.messages)

    def submit(self, *, sequence: int = 0, **fields: Any) -> str:
        """Submit what must be accepted; returns its message_id. What else comes, comes after its response."""
        self.sequence = sequence or self.sequence + 1
        self.esme.send(request(SUBMIT, self.sequence, submit_body(**fields)))
        return self.esme.frame()[16:].rstrip(b"\0").decode()

    def get(self, message_id: str, **options: Any) -> MessageDetail:
        return self.live.run(self.desk.get(message_id, **options))

    def events(self, message_id: str) -> list[str]:
        return [f"{each.event} {each.what}".strip() for each in self.get(message_id).events]

    def force(self, message_id: str, outcome: str, **options: Any) -> Any:
        return self.live.call(lambda: self.desk.force(message_id, outcome, **options))

    def search(self, **table: Any) -> list[str]:
        return [each.message_id for each in self.live.run(self.desk.search(**table)).items]

    def until_settled(self, message_id: str) -> None:
        self.live.until(lambda: self.live.server.engine.messages[message_id.encode()].receipt == 3)


@contextlib.contextmanager
def scene(**tables: Any) -> Iterator[Scene]:
    """A server with these settings, and an ESME bound as transceiver."""
    tables.setdefault("network", LATER)
    with Live(live_settings(**tables)) as live, live.client() as esme:
        esme.bind()
        yield Scene(live, esme)
