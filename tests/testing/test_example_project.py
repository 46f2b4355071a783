"""The example project: somebody else's ESME with tests of its own, and smppd as it is installed from a wheel."""

import re
import shutil
from pathlib import Path

import pytest

from tests.repo.tree import ROOT
from tests.testing.wheel import run_pytest

EXAMPLE = ROOT / "tests" / "example_project"
WITHOUT_FLAVOURS = ("-p", "no:asyncio", "-p", "no:anyio", "-p", "no:xdist")


@pytest.fixture
def project(tmp_path: Path) -> Path:
    place = tmp_path / "textshop"
    shutil.copytree(EXAMPLE, place, ignore=shutil.ignore_patterns("__pycache__"))
    return place


def test_it_has_a_package_of_the_name_that_ours_would_have() -> None:
    assert (EXAMPLE / "protocol" / "__init__.py").is_file()


def test_its_tests_pass(site: Path, project: Path) -> None:
    (project / "tests" / "test_where.py").write_text(
        "import smppd, smppwire, protocol\n"
        "def test_where(pytestconfig):\n"
        f"    assert smppd.__file__.startswith({str(site)!r})\n"
        f"    assert smppwire.__file__.startswith({str(site)!r})\n"
        f"    assert protocol.__file__.startswith({str(project)!r})\n"
        "    assert pytestconfig.pluginmanager.get_plugin('smppd').__file__ == smppd.pytest_plugin.__file__\n"
    )
    done = run_pytest(site, project, "-q")
    assert done.returncode == 0, done.stdout + done.stderr
    assert re.search(r"^\d{2} passed", done.stdout.splitlines()[-1])


def test_its_tests_pass_in_several_processes(site: Path, project: Path) -> None:
    done = run_pytest(site, project, "-q", "-n", "2")
    assert done.returncode == 0, done.stdout + done.stderr


def test_its_blocking_tests_need_nothing_but_pytest(site: Path, project: Path) -> None:
    (project / "pyproject.toml").write_text(
        '[tool.pytest.ini_options]\npythonpath = ["."]\nfilterwarnings = ["error"]\n'
    )
    forbid = (
        "import sys\nfor name in ('pytest_asyncio', 'anyio', 'trio', 'xdist', 'sniffio'): sys.modules[name] = None\n"
    )
    (project / "conftest.py").write_text(forbid)
    files = [f"tests/test_{name}.py" for name in ("sync", "shared", "unittest")]
    done = run_pytest(site, project, "-q", *WITHOUT_FLAVOURS, *files)
    assert done.returncode == 0, done.stdout + done.stderr


def test_a_failure_shows_near_misses_and_the_dialogue(site: Path, project: Path) -> None:
    done = run_pytest(site, project, "-m", "deliberate", "-k", "not_what_was_expected")
    assert done.returncode == 1, done.stdout + done.stderr
    lines = done.stdout.splitlines()
    failure = "\n".join(line for line in lines if line.startswith("E "))
    assert "expected at least 1 within 0.1 s, and there were none" in failure
    assert 'destination_addr  is "33612345678", expected like "337*"' in failure
    assert "nearest:" in failure
    assert "submit_sm" in failure.partition("recorded:")[2]
    assert not any("smppd/" in line for line in lines), "frames of ours say nothing to the reader"
    sections = re.findall(r"^-+ (SMSC.*?) -+$", done.stdout, re.MULTILINE)
    assert sections == ["SMSC: dialogue", "SMSC: log"]
    assert "493027" not in done.stdout.partition("SMSC: log")[2], "no texts in the log"


def test_a_mistake_of_the_server_fails_the_test_that_caused_it(site: Path, project: Path) -> None:
    done = run_pytest(site, project, "-q", "-m", "deliberate", "-k", "mistake")
    assert done.returncode == 1, done.stdout + done.stderr
    assert "1 failed" in done.stdout
    assert "smppd made a mistake of its own, please report it" in done.stdout
    assert "RuntimeError: a mistake of the server" in done.stdout
