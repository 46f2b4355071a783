"""smppd as pip installs it: the wheel, built from this tree and unpacked where a test wants it."""

import compileall
import os
import subprocess
import sys
import zipfile
from pathlib import Path

from tests.repo.tree import ROOT

SECONDS = 120
"""Until a run of pytest is given up: it takes five, and a busy machine must fail nothing."""

OWN = ("PYTEST_", "SMPPD_", "COV_", "CI", "BUILD_NUMBER")
"""Variables of the run that we are in, which must not reach another one; with the last two pytest shortens nothing."""


def install(place: Path) -> Path:
    """Build the wheel, without a network, and unpack it; returns the directory that goes on the path."""
    argv = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(place)]
    subprocess.run(argv, cwd=ROOT, check=True, capture_output=True, text=True)
    [wheel] = place.glob("*.whl")
    site = place / "site"
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(site)
    compileall.compile_dir(site, quiet=1)
    return site


def run_pytest(site: Path, project: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run pytest in a project that has smppd from `site`, and everything else from this environment."""
    clean = {name: value for name, value in os.environ.items() if not name.startswith(OWN)}
    clean |= {"PYTHONPATH": str(site), "NO_COLOR": "1", "COLUMNS": "120"}
    # Plugins of this environment that the project does not ask for take seconds to load.
    off = [word for name in ("cacheprovider", "schemathesis", "hypothesispytest") for word in ("-p", f"no:{name}")]
    argv = [sys.executable, "-m", "pytest", *off, *arguments]
    return subprocess.run(argv, cwd=project, env=clean, capture_output=True, text=True, check=False, timeout=SECONDS)
