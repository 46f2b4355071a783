"""What a test expects: from where on PDUs count, and which of them are known."""

from collections.abc import Iterator

import pytest

from smppd.testing.client import EsmeClient
from smppd.testing.expectations import Expectations
from smppd.testing.host import Host
from smppd.testing.options import settings_for


@pytest.fixture
def host() -> Iterator[Host]:
    host = Host(settings_for())
    host.start()
    yield host
    host.stop()


@pytest.fixture
def expectations(host: Host) -> Expectations:
    return Expectations(host)


@pytest.fixture
def esme(host: Host) -> Iterator[EsmeClient]:
    name, _, port = host.server.smpp_addresses[0].rpartition(":")
    with EsmeClient(name, int(port)) as esme:
        yield esme


def test_pdus_count_from_the_beginning_of_a_test_on(host: Host, expectations: Expectations, esme: EsmeClient) -> None:
    esme.submit("1", "before")
    host.run(expectations.some({}, count=1, within=1, whole=True))

    async def begin() -> None:
        expectations.begin()

    host.run(begin())
    esme.submit("1", "after")
    assert [each.text for each in host.run(expectations.all({}))] == ["after"]
    with pytest.raises(AssertionError, match="expected nothing to be submitted, and there is 1 more"):
        host.run(expectations.nothing_else({}, within=0))
    with pytest.raises(AssertionError):
        host.run(expectations.some({"text": "before"}, count=1, within=0, whole=True))


def test_without_a_command_messages_of_an_esme_are_meant(
    host: Host, expectations: Expectations, esme: EsmeClient
) -> None:
    esme.submit("1", "Hello")
    assert {each.command for each in host.run(expectations.all({}))} == {"submit_sm"}
    assert host.run(expectations.all({"command": "bind_transceiver"}))[0].command == "bind_transceiver"
    assert host.run(expectations.all({"when": {"command": "bind_transceiver"}}))[0].command == "bind_transceiver"


def test_parts_are_looked_at_one_by_one_when_that_is_asked_for(
    host: Host, expectations: Expectations, esme: EsmeClient
) -> None:
    esme.submit("1", "a" * 160 + "b" * 40)
    [whole] = host.run(expectations.some({"text": "a*b"}, count=1, within=1, whole=True))
    assert len(whole.text) == 200
    parts = host.run(expectations.some({}, count=2, within=1, whole=False))
    assert [part.number for part in parts] == list(whole.parts)
    host.run(expectations.nothing_else({}, within=0))


def test_the_dialogue_points_at_what_is_marked(host: Host, expectations: Expectations, esme: EsmeClient) -> None:
    esme.submit("1", "Hello")
    [sent] = host.run(expectations.all({}))
    lines = host.run(expectations.dialogue(10, marked=[sent.number])).splitlines()
    assert [line for line in lines if line.startswith(">")] == [line for line in lines if "submit_sm " in line]
    assert len(host.run(expectations.dialogue(2)).splitlines()) == 2
