"""`python -m smppd`, for whoever has no `smppd` on the path."""

import subprocess
import sys

from smppd import __version__


def test_the_module_is_the_command() -> None:
    done = subprocess.run([sys.executable, "-m", "smppd", "--version"], capture_output=True, text=True, check=False)
    assert done.returncode == 0
    assert __version__ in done.stdout
