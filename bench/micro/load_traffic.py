"""What a message of each shipped load profile costs to make: microseconds per submit_sm body, one core.

    python bench/micro/load_traffic.py [--rounds 5]

Seeded; takes a few seconds. The best of several rounds is printed, as in codec.py.
"""

from __future__ import annotations

import argparse
import sys
import timeit
from pathlib import Path
from random import Random

sys.path.insert(0, str(Path(__file__).parents[2] / "protocol"))
sys.path.insert(0, str(Path(__file__).parents[2]))

from smppd.load.profile import load_profile, shipped_profiles
from smppd.load.traffic import Traffic

BATCH = 1_000
BATCHES = 20


def price(name: str, rounds: int) -> float:
    """Microseconds per body."""
    traffic = Traffic(load_profile(name), random=Random(1))
    best = min(timeit.repeat(lambda: traffic.batch(BATCH), number=BATCHES, repeat=rounds))
    return best / BATCH / BATCHES * 1e6


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=5)
    rounds = parser.parse_args().rounds
    for name in shipped_profiles():
        print(f"{name:<14} {price(name, rounds):7.3f} us")


if __name__ == "__main__":
    main()
