"""The pytest plugin: a message centre for each test of your own ESME, and an ESME for each test of a message centre.

Installing smppd is enough: pytest finds this module by its entry point. It imports nothing of smppd before a test asks
for a fixture, so that projects which do not use it pay nothing. docs/pytest.md has the fixtures and recipes.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, Literal, TypeAlias

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Iterator

    from smppd.testing import EsmeClient, Smsc

    SmscFactory: TypeAlias = Callable[..., Smsc]
    EsmeFactory: TypeAlias = Callable[..., EsmeClient]

__tracebackhide__ = True  # what failed is in the test

MARKER: Final = "smsc"
MARKER_HELP: Final = (
    "smsc(accounts=..., rules=[...], dialect=..., virtual_clock=True, ...): options of smppd.Smsc for this test"
)

SHARED_OPTIONS: Final = frozenset({"rules", "faults"})
"""What the marker may say to a test with `smsc_shared`: the rest is decided when that server starts."""

INI: Final[dict[str, tuple[Literal["bool", "string"], Any, str]]] = {
    "smppd_virtual_clock": ("bool", False, "smsc fixtures: the clock stands still until it is advanced"),
    "smppd_http": ("bool", False, "smsc fixtures: serve the HTTP API too"),
    "smppd_within": ("string", "", "smsc fixtures: seconds that expectations wait, 5 by default"),
    "smppd_settings": ("string", "", "smsc fixtures: a configuration file, relative to the root directory"),
    "smppd_seed": ("string", "", "smsc fixtures: seed of all random draws"),
    "smppd_esme_address": ("string", "", "esme fixtures: host:port of a server under test instead of smsc"),
    "smppd_esme_system_id": ("string", "", "esme fixtures: system_id for that server"),
    "smppd_esme_password": ("string", "", "esme fixtures: password for that server"),
}
"""Options of the configuration file: type, default and help."""

_SERVERS: Final = pytest.StashKey["list[Smsc]"]()
"""The message centres that a test uses, in the order in which it asked for them."""


def pytest_addoption(parser: pytest.Parser) -> None:
    """Know the options of the configuration file."""
    for name, (kind, default, text) in INI.items():
        parser.addini(name, text, type=kind, default=default)


def pytest_configure(config: pytest.Config) -> None:
    """Know the marker."""
    config.addinivalue_line("markers", MARKER_HELP)


# -- fixtures ---------------------------------------------------------------------------------------------------------


@pytest.fixture
def smsc(smsc_factory: SmscFactory) -> Smsc:
    """A message centre of this test's own, on a free port; `@pytest.mark.smsc(...)` says what it is like."""
    return smsc_factory()


@pytest.fixture
def smsc_factory(request: pytest.FixtureRequest) -> Iterator[SmscFactory]:
    """Starts message centres: `smsc_factory(accounts=..., ...)`; they stop after the test.

    Options are those of `smppd.Smsc`; over them those of the marker count, over these what is given in the call.
    """
    started: list[Smsc] = []
    common = _ini_options(request.config) | _marked(request.node)

    def start(**options: Any) -> Smsc:
        one = _message_centre(common | options)
        one.start()
        started.append(one)
        _servers_of(request.node).append(one)
        return one

    yield start
    for one in reversed(started):
        one.stop()
    for one in started:
        _check_health(one)


@pytest.fixture(scope="session")
def _shared_server(request: pytest.FixtureRequest) -> Iterator[Smsc]:
    """The one server behind `smsc_shared`."""
    with _message_centre(_ini_options(request.config)) as one:
        yield one


def _message_centre(options: dict[str, Any]) -> Smsc:
    """A message centre with these options; what is not accepted is told without the frames that found it."""
    import inspect

    from smppd.errors import UserError
    from smppd.strict import suggestion
    from smppd.testing import Smsc

    known = inspect.signature(Smsc).parameters
    for name in options:
        if name not in known:
            raise _refusal(f"smsc has no option {name!r}; {suggestion(name, known) or 'docs/pytest.md has them'}")
    try:
        return Smsc(**options)
    except UserError as error:
        raise _refusal(str(error)) from None


def _refusal(told: str) -> BaseException:
    """Fails a test because of what it, or the configuration of pytest, says: no frames would tell more."""
    return pytest.fail.Exception(told, pytrace=False)


@pytest.fixture
def smsc_shared(request: pytest.FixtureRequest, _shared_server: Smsc) -> Iterator[Smsc]:
    """A message centre that all tests of a process share, reset after each of them; with xdist, one per worker."""
    options = _marked(request.node)
    if unknown := options.keys() - SHARED_OPTIONS:
        names = ", ".join(sorted(unknown))
        raise _refusal(f"@pytest.mark.smsc({names}) needs the fixture smsc: smsc_shared runs already")
    _servers_of(request.node).append(_shared_server)
    from smppd.errors import UserError

    try:
        for rule in reversed(options.get("rules", ())):  # the newest goes first, and of a list the first shall
            _shared_server.rules.add(**rule)
        for fault in options.get("faults", ()):
            _shared_server.faults.add(**fault)
    except UserError as error:
        _shared_server.reset()
        raise _refusal(str(error)) from None
    yield _shared_server
    try:
        _check_health(_shared_server)
    finally:
        _shared_server.reset()


@pytest.fixture
def esme(esme_factory: EsmeFactory) -> EsmeClient:
    """An ESME that blocks, bound as transceiver: to `smsc`, or to the server that `smppd_esme_address` names."""
    return esme_factory()


@pytest.fixture
def esme_factory(request: pytest.FixtureRequest) -> Iterator[EsmeFactory]:
    """Binds ESMEs: `esme_factory(bind="receiver", ...)`; they unbind after the test.

    Options are those of `smppd.testing.EsmeClient`. Without `host` and `port` it is for the server that
    `smppd_esme_address` names, or else for the one of the fixture `smsc`.
    """
    from smppd.testing import EsmeClient

    bound: list[EsmeClient] = []

    def bind(**options: Any) -> EsmeClient:
        if "host" not in options:
            options = _target(request) | options
        one = EsmeClient(**options)
        one.__enter__()
        bound.append(one)
        return one

    if not request.config.getini("smppd_esme_address"):
        request.getfixturevalue("smsc_shared" if "smsc_shared" in request.fixturenames else "smsc")  # it outlives us
    yield bind
    for one in reversed(bound):
        one.close()


def _target(request: pytest.FixtureRequest) -> dict[str, Any]:
    """Where an ESME binds that was told nothing else."""
    address = request.config.getini("smppd_esme_address")
    if address:
        from smppd.settings import parse_address

        try:
            host, port = parse_address(address)
        except ValueError as error:
            told = f"smppd_esme_address = {address}: expected an address such as 127.0.0.1:2775 ({error})"
            raise _refusal(told) from None
        named = {name: request.config.getini(f"smppd_esme_{name}") for name in ("system_id", "password")}
        return {"host": host, "port": port, **{name: value for name, value in named.items() if value}}
    server: Smsc = request.getfixturevalue("smsc_shared" if "smsc_shared" in request.fixturenames else "smsc")
    return {"host": server.host, "port": server.port, "system_id": server.system_id, "password": server.password}


def _ini_options(config: pytest.Config) -> dict[str, Any]:
    """What the configuration file of the tests says."""
    options: dict[str, Any] = {}
    for name in ("virtual_clock", "http"):
        try:
            options |= {name: True} if config.getini(f"smppd_{name}") else {}
        except (ValueError, pytest.UsageError) as error:
            raise _refusal(f"smppd_{name}: {error}; expected true or false") from None
    for name, kind in (("within", float), ("seed", int)):
        if text := config.getini(f"smppd_{name}"):
            try:
                options[name] = kind(text)
            except ValueError:
                raise _refusal(f"smppd_{name} = {text}: not a number") from None
    if path := config.getini("smppd_settings"):
        options["settings"] = config.rootpath / path
    return options


def _marked(node: pytest.Item) -> dict[str, Any]:
    """What the markers of a test say; the nearest one counts for each option."""
    options: dict[str, Any] = {}
    for marker in node.iter_markers(MARKER):
        if marker.args:
            raise _refusal("@pytest.mark.smsc takes options by name: accounts=..., virtual_clock=True, ...")
        options = {**marker.kwargs, **options}
    return options


def _servers_of(item: pytest.Item) -> list[Smsc]:
    return item.stash.setdefault(_SERVERS, [])


# -- reports ----------------------------------------------------------------------------------------------------------


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call(item: pytest.Item) -> Generator[None, object, object]:
    """A test that made the server fail has failed."""
    outcome = yield
    for server in item.stash.get(_SERVERS, ()):
        _check_health(server)
    return outcome


def _check_health(server: Smsc) -> None:
    """Fail the test when the server has made a mistake; the frames that found it say nothing."""
    from smppd.testing import ServerError

    try:
        server.check_health()
    except ServerError as error:
        raise _refusal(str(error)) from None


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """A test that failed shows what its message centres heard and said, and what they logged."""
    report = yield
    servers = item.stash.get(_SERVERS, [])
    if servers and call.when != "teardown" and report.failed:
        for number, server in enumerate(servers, 1):
            name = f"SMSC {number}" if len(servers) > 1 else "SMSC"
            for title, text in server.report().items():
                report.sections.append((f"{name}: {title}", text))
    return report
