"""The life of messages, interrupted: what is promised to anybody holds after the state was handed over, too.

`MessageLife` knows what must become of each message. Here the engine may lose its sessions at any moment, and be
replaced by a new one that has taken its state from octets: nothing else may be different.
"""

from __future__ import annotations

from hypothesis import HealthCheck, settings
from hypothesis.stateful import rule, run_state_machine_as_test

from tests.engine.state.passage import hand_out, take_back, twin_of
from tests.stateful.test_message_life import MessageLife


class InterruptedLife(MessageLife):
    """The same, with a server that is replaced."""

    @rule()
    def begin_anew(self) -> None:
        slices = hand_out(self.engine)
        for bind in [bind for esme in self.engine.esmes.values() for bind in list(esme.binds)]:
            bind.outbound.phone.hang_up()  # type: ignore[attr-defined]
        self.phones.clear()
        twin = twin_of(self.world)
        take_back(slices, twin)
        assert hand_out(twin) == hand_out(self.engine), "the state of the one is that of the other"
        self.engine.adopt(twin)
        messages = self.engine.messages
        self.network.tried = {messages[message.message_id]: tries for message, tries in self.network.tried.items()}
        self.settle()


def test_the_life_of_messages_that_are_handed_over() -> None:
    run_state_machine_as_test(
        InterruptedLife,
        settings=settings(
            max_examples=60, stateful_step_count=30, deadline=None, suppress_health_check=[HealthCheck.too_slow]
        ),
    )
