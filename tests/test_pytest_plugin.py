"""The plugin in projects of its own: fixtures, markers, options, and what a failure shows."""

import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

import smppd
from tests.repo.tree import ROOT
from tests.testing.wheel import run_pytest

Run = Callable[..., subprocess.CompletedProcess[str]]

PLAIN = ("-q", "-p", "no:asyncio", "-p", "no:anyio", "-p", "no:xdist")


@pytest.fixture
def run(plugin_site: Path, tmp_path: Path) -> Run:
    """Write a test module, and the options of pytest, into a project and run it."""

    def start(code: str, ini: str = "", *arguments: str) -> subprocess.CompletedProcess[str]:
        (tmp_path / "test_it.py").write_text(code)
        head = '[tool.pytest.ini_options]\naddopts = "--strict-markers"\nfilterwarnings = ["error"]\n'
        (tmp_path / "pyproject.toml").write_text(head + ini)
        return run_pytest(plugin_site, tmp_path, *PLAIN, *arguments)

    return start


@pytest.fixture(scope="module")
def plugin_site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A directory with this tree's packages, and the entry point by which pytest finds the plugin."""
    site = tmp_path_factory.mktemp("site")
    for name, place in (("smppd", ROOT / "smppd"), ("smppwire", ROOT / "protocol" / "smppwire")):
        (site / name).symlink_to(place, target_is_directory=True)
    (site / "config").symlink_to(ROOT / "config", target_is_directory=True)
    info = site / "smppd-0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: smppd\nVersion: 0\n")
    (info / "entry_points.txt").write_text("[pytest11]\nsmppd = smppd.pytest_plugin\n")
    return site


def passed(done: subprocess.CompletedProcess[str], count: int) -> bool:
    """Whether so many tests passed, and nothing else happened."""
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout.splitlines()[-1].startswith(f"{count} passed in")


def test_a_project_that_does_not_use_it_loads_nothing_of_it(run: Run) -> None:
    code = """
import sys

def test_nothing():
    ours = {name for name in sys.modules if name.startswith(("smppd", "smppwire"))}
    assert ours == {"smppd", "smppd.pytest_plugin"}
    assert not {"asyncio", "msgspec", "structlog", "aiohttp"} & set(sys.modules)
"""
    assert passed(run(code), 1)


def test_the_marker_says_what_the_message_centre_is_like(run: Run) -> None:
    code = """
import pytest

pytestmark = pytest.mark.smsc(accounts={"shop": "secret"}, seed=7)

@pytest.mark.smsc(virtual_clock=True, rules=[{"to": "336*", "status": "ESME_RTHROTTLED"}])
class TestMarked:
    @pytest.mark.smsc(seed=8)
    def test_nearest_first(self, smsc, esme):
        assert (smsc.system_id, smsc.password, smsc.clock.is_running) == ("shop", "secret", False)
        assert esme.submit("336", "Hello").command_status == "ESME_RTHROTTLED"
        assert smsc._centre.host.settings.server.seed == 8

def test_each_has_its_own(smsc, esme):
    assert smsc.clock.is_running
    assert esme.submit("336", "Hello").command_status == "ESME_ROK"
    assert smsc._centre.host.settings.server.seed == 7
"""
    assert passed(run(code), 2)


def test_options_of_the_configuration_file(run: Run, tmp_path: Path) -> None:
    (tmp_path / "carrier.toml").write_text('[server]\nsystem_id = "carrier"\n')
    code = """
def test_options(smsc, smsc_shared, pytestconfig):
    for one in (smsc, smsc_shared):
        settings = one._centre.host.settings
        assert (settings.server.system_id, settings.server.seed) == ("carrier", 7)
        assert not one.clock.is_running
        assert one.http_url
        assert one._centre.within == 0.5
"""
    ini = 'smppd_virtual_clock = true\nsmppd_http = true\nsmppd_within = "0.5"\nsmppd_seed = "7"\n'
    assert passed(run(code, ini + 'smppd_settings = "carrier.toml"\n'), 1)


@pytest.mark.parametrize(
    ("code", "ini", "told"),
    [
        ("def test(smsc): pass", 'smppd_within = "soon"\n', "smppd_within = soon: not a number"),
        (
            "import pytest\n@pytest.mark.smsc('tlv-only')\ndef test(smsc): pass",
            "",
            "takes options by name",
        ),
        (
            "import pytest\n@pytest.mark.smsc(virtual_clock=True)\ndef test(smsc_shared): pass",
            "",
            "@pytest.mark.smsc(virtual_clock) needs the fixture smsc",
        ),
        ("import pytest\n@pytest.mark.smsc(dialect='no-such')\ndef test(smsc): pass", "", 'dialect = "no-such"'),
        (
            "import pytest\n@pytest.mark.smsc(dialekt='x')\ndef test(smsc): pass",
            "",
            "smsc has no option 'dialekt'; did you mean \"dialect\"?",
        ),
        (
            "import pytest\n@pytest.mark.smsc(rules={'to': '1'})\ndef test(smsc): pass",
            "",
            "'to': expected a rule",
        ),
        (
            "import pytest\n@pytest.mark.smsc(rules=[{'too': '1'}])\ndef test(smsc_shared): pass",
            "",
            'did you mean "to"?',
        ),
        ("def test(smsc): pass", 'smppd_within = "-1"\n', "within = -1.0: expected seconds"),
        ("def test(smsc): pass", 'smppd_http = "maybe"\n', "expected true or false"),
        (
            "def test(esme): pass",
            'smppd_esme_address = "nowhere"\n',
            "smppd_esme_address = nowhere: expected",
        ),
        ("def test(esme_factory): esme_factory(password='x')", "", "the SMSC refuses the bind: ESME_RINVPASWD"),
        ("def test(esme_factory): esme_factory(host='127.0.0.1', port=1)", "", "no SMSC listens on 127.0.0.1:1"),
        ("def test(esme): esme.submit('1', 'x', priority=1)", "", "field 'priority': there is no such field"),
        ("def test(smsc): smsc.message('1').fail()", "", 'there is no message "1"'),
    ],
)
def test_mistakes_are_told(run: Run, code: str, ini: str, told: str) -> None:
    """And nothing of what happens inside: no frame of ours."""
    done = run(code, ini)
    assert done.returncode != 0
    assert told in done.stdout + done.stderr
    assert "/smppd/" not in done.stdout
    assert "asyncio" not in done.stdout


def test_a_failure_while_a_test_is_set_up_shows_the_dialogue_too(run: Run) -> None:
    code = """
import pytest

@pytest.fixture
def welcomed(smsc, esme):
    esme.submit("1", "Welcome")
    assert smsc.expect_submit().text == "Hello"

def test_it(welcomed): pass
"""
    done = run(code)
    assert "SMSC: dialogue" in done.stdout
    assert 'smppd -> 1 "Welcome"' in done.stdout


def test_the_shared_one_is_as_new_for_each_test(run: Run) -> None:
    code = """
import pytest

seen = set()

@pytest.mark.parametrize("number", range(3))
def test_as_new(smsc_shared, esme, number):
    seen.add(smsc_shared.port)
    assert len(seen) == 1
    assert smsc_shared.submits() == []
    smsc_shared.rules.add(status="ESME_RTHROTTLED")
    assert esme.submit("1", "Hello").command_status == "ESME_RTHROTTLED"

@pytest.mark.smsc(rules=[{"to": "1", "status": "ESME_RSYSERR"}, {"status": "ESME_RTHROTTLED"}],
                  faults=[{"kind": "receipt_lost"}])
def test_with_rules(smsc_shared, esme):
    assert [esme.submit(to, "x").command_status for to in "12"] == ["ESME_RSYSERR", "ESME_RTHROTTLED"]
"""
    assert passed(run(code), 4)


def test_the_esme_for_another_server(run: Run) -> None:
    code = """
def test_elsewhere(esme, request):
    assert esme.submit("1", "Hello").command_status == "ESME_RTHROTTLED"
"""
    with smppd.Smsc(accounts={"shop": "secret"}, rules=[{"status": "ESME_RTHROTTLED"}]) as server:
        ini = f'smppd_esme_address = "127.0.0.1:{server.port}"\nsmppd_esme_system_id = "shop"\n'
        assert passed(run(code, f'{ini}smppd_esme_password = "secret"\n'), 1)
        assert server.expect_submit().account == "shop"


def test_several_esmes(run: Run) -> None:
    code = """
def test_several(esme_factory, smsc):
    one, two = esme_factory(bind="transmitter"), esme_factory(bind="receiver")
    assert {each.bind_type for each in smsc.sessions} == {"transmitter", "receiver"}
    assert esme_factory(host=smsc.host, port=smsc.port).is_bound
"""
    assert passed(run(code), 1)


def test_a_failure_shows_every_message_centre_of_the_test(run: Run) -> None:
    code = """
def test_two(smsc_factory, esme_factory):
    one, two = smsc_factory(), smsc_factory(accounts={"shop": "secret"})
    esme_factory(host=two.host, port=two.port, system_id="shop", password="secret").submit("1", "Hello")
    two.expect_submit()
    assert False

def test_one(smsc):
    assert True
"""
    done = run(code)
    assert done.returncode == 1
    assert "SMSC 1: dialogue" in done.stdout
    second = done.stdout.partition("SMSC 2: dialogue")[2]
    assert "submit_sm" in second
    assert "secret" not in second
    assert "1 failed, 1 passed" in done.stdout


def test_a_mistake_after_the_test_is_an_error_of_it(run: Run) -> None:
    code = """
import pytest

@pytest.fixture
def late(smsc):
    yield
    smsc._centre.host.loop.failures.append("a mistake while it ended")

def test_late(late): pass

@pytest.fixture
def late_shared(smsc_shared):
    yield
    smsc_shared._centre.host.loop.failures.append("a mistake while it ended")

def test_late_shared(late_shared): pass
def test_next(smsc_shared): pass
"""
    done = run(code)
    assert done.returncode == 1
    assert "3 passed, 2 errors" in done.stdout
    assert done.stdout.count("\na mistake while it ended\n") == 2
