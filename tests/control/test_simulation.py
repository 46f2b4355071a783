"""A server as those see it who control it."""

from __future__ import annotations

import io

from smppd.app import SmscServer
from smppd.settings import Server, Settings


def test_its_parts_are_those_of_the_server() -> None:
    server = SmscServer(Settings(), log_stream=io.StringIO(), environ={})
    simulation = server.control.simulation
    assert simulation.engine is server.engine
    assert simulation.journal is server.journal
    assert simulation.rules is server.rules
    assert simulation.faults is server.faults
    assert simulation.roster is simulation.context.roster
    assert simulation.settings is simulation.configured is server.settings
    assert simulation.load is None
    assert simulation.addresses() == ([], "")


def test_settings_follow_a_change_and_a_reload() -> None:
    server = SmscServer(Settings(), log_stream=io.StringIO(), environ={})
    simulation = server.control.simulation
    before = simulation.configured
    simulation.configure(Settings(server=Server(max_connections=5)))
    assert simulation.settings.server.max_connections == 5
    assert simulation.configured is before, "a reset returns to the files"
    server.reload(Settings(server=Server(max_connections=6)))
    assert simulation.configured == simulation.settings
    assert simulation.settings is server.settings
