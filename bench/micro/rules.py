"""Prices of rules: microseconds that a rule book adds to one submit_sm, by what the rules are about.

    python bench/micro/rules.py [--rounds 7]

Seeded and single-threaded; takes a few seconds. The best of several rounds is printed, as in codec.py.
"""

from __future__ import annotations

import argparse
import random
import sys
import timeit
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2] / "protocol"))
sys.path.insert(0, str(Path(__file__).parents[2]))

from smppd.behaviour.facts import Facts
from smppd.behaviour.rules import RuleBook
from smppd.settings import Pattern, Rule, Test, Then, When
from smppwire.pdus import SubmitSm

SEED = 3550
RULES = 1_000
MESSAGES = 10_000


def rules_of(kind: str, chance: random.Random) -> list[Rule]:
    """A thousand rules of one kind, none of which matches a destination that begins with 33."""
    numbers = chance.sample(range(10**6), RULES)
    then = Then(status="ESME_RTHROTTLED")
    whens = {
        "none": [],
        "one exact": [When(destination_addr=Pattern(glob="447700900000"))],
        "exact": [When(destination_addr=Pattern(glob=f"44{number:010d}")) for number in numbers],
        "prefix": [When(destination_addr=Pattern(glob=f"44{number}*")) for number in numbers],
        "prefix, same beginning": [When(destination_addr=Pattern(glob=f"33{number:06d}99*")) for number in numbers],
        "one account each": [When(account=Pattern(glob=f"esme{number}")) for number in numbers],
        "one text": [When(text=Test(prefix="STOP"))],
        "one regex": [When(text=Test(regex=r"code (?P<code>\d+)"))],
    }[kind]
    return [Rule(name=f"r{place}", when=when, then=then) for place, when in enumerate(whens)]


KINDS = (
    "none",
    "one exact",
    "exact",
    "prefix",
    "prefix, same beginning",
    "one account each",
    "one text",
    "one regex",
)


def price(book: RuleBook, pdus: list[SubmitSm], rounds: int) -> float:
    """Microseconds for each PDU that no rule matches, the loop's own share taken off."""
    facts = Facts("smppclient1")
    find = book.find

    def ask() -> None:
        for pdu in pdus:
            find(pdu, facts)

    def skip() -> None:
        for pdu in pdus:
            len(pdu.tlvs)

    best, empty = (min(timeit.repeat(run, number=1, repeat=rounds)) for run in (ask, skip))
    return (best - empty) / len(pdus) * 1e6


def main() -> int:
    """Print the prices."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("--rounds", type=int, default=7, metavar="N")
    rounds = parser.parse_args().rounds
    chance = random.Random(SEED)
    pdus = [
        SubmitSm(number, destination_addr=b"33%09d" % chance.randrange(10**9), short_message=b"hello world")
        for number in range(MESSAGES)
    ]
    print(f"{'rules':<24}{'number':>8}{'us per submit_sm':>20}")
    for kind in KINDS:
        rules = rules_of(kind, chance)
        book = RuleBook(rules)
        print(f"{kind:<24}{len(rules):>8}{price(book, pdus, rounds):>20.3f}")
        assert not any(hits.matched for hits in book.hits().values()), "these rules are to match nothing"
    return 0


if __name__ == "__main__":
    sys.exit(main())
