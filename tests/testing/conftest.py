"""What tests of the plugin share: smppd as pip installs it."""

from pathlib import Path

import pytest

from tests.testing.wheel import install


@pytest.fixture(scope="session")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The directory that a wheel of this tree was unpacked into."""
    return install(tmp_path_factory.mktemp("wheel"))
