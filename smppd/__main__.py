"""`python -m smppd` is the same as `smppd`."""

import sys

from smppd.cli.main import main

sys.exit(main())
