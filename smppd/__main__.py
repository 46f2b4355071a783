"""`python -m smppd` is the same as `smppd`."""

import sys

from smppd.cli.main import main

if __name__ == "__main__":
    sys.exit(main())
