"""The commands people are told to type exist, and the scripts are at least well-formed."""

import os
import re
import shutil
import subprocess

import pytest

from tests.repo.tree import ROOT, tracked_files

DOCUMENTED = ("bench", "bench-long", "clean", "demo", "lint", "serve", "test", "test-long", "test-pure")
TARGET = re.compile(r"^([a-z][a-z-]*):", re.MULTILINE)
MENTIONED = re.compile(r"`make ([a-z][a-z-]*)")


def makefile_targets() -> set[str]:
    return set(TARGET.findall((ROOT / "Makefile").read_text()))


def test_the_documented_targets_exist() -> None:
    assert set(DOCUMENTED) <= makefile_targets()


@pytest.mark.skipif(shutil.which("make") is None, reason="make is not installed")
@pytest.mark.parametrize("target", DOCUMENTED)
def test_make_understands_its_targets(target: str) -> None:
    # -n prints what would be done; without the flags of an outer make, which would be taken over
    clean = {name: value for name, value in os.environ.items() if name not in {"MAKEFLAGS", "MFLAGS", "MAKELEVEL"}}
    done = subprocess.run(["make", "-n", target], cwd=ROOT, env=clean, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_documents_mention_only_targets_that_exist() -> None:
    unknown = {
        (str(path.relative_to(ROOT)), target)
        for path in tracked_files()
        if path.suffix == ".md"
        for target in MENTIONED.findall(path.read_text())
        if target not in makefile_targets()
    }
    assert unknown == set()


@pytest.mark.skipif(shutil.which("bash") is None, reason="bash is not installed")
def test_the_ci_script_is_an_executable_bash_script() -> None:
    script = ROOT / ".ci" / "run"
    assert os.access(script, os.X_OK)
    assert script.read_text().startswith("#!/usr/bin/env bash\n")
    assert "set -euo pipefail" in script.read_text()
    subprocess.run(["bash", "-n", str(script)], check=True)
