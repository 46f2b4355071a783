"""How long searches through recorded messages take, and how long they hold the event loop.

    python bench/micro/search.py [--messages 1000000]

Ten thousand messages by default and a hundred thousand more; with --messages so many, as well. Of each search the first
(which makes its columns) and the median of later ones are printed, with the longest time for which the event loop had
no turn meanwhile. Seeded and single-threaded.
"""

from __future__ import annotations

import argparse
import asyncio
import gc
import random
import statistics
import sys
import time
from datetime import UTC
from pathlib import Path
from typing import TYPE_CHECKING, Any

sys.path.insert(0, str(Path(__file__).parents[2] / "protocol"))
sys.path.insert(0, str(Path(__file__).parents[2]))

from smppd.control.messages.conditions import compile_search
from smppd.control.messages.finder import SLICE, Finder
from smppd.control.messages.index import Index
from smppd.control.messages.search import Search, read_search
from smppd.control.scan import Pace, Turns
from smppd.engine.dialect import PlainDialect
from smppd.engine.esmes import EsmeState
from smppd.engine.message import DELIVERED, RECEIPT_SETTLED, Message
from smppd.engine.queues import RouteState
from smppd.engine.shelves import Shelves
from smppd.network.simple import SimulatedNetwork
from smppd.settings import Account, Network, Route
from smppwire.codec import decode, encode
from smppwire.constants import MessageState
from smppwire.pdus import SubmitSm

if TYPE_CHECKING:
    from collections.abc import Iterator

SEED = 3550
LATER = 5
"""Searches of a kind after the first."""

UCS2_SHARE = 0.1
"""Of the messages, so many have another alphabet: these are decoded one by one."""

SEARCHES: dict[str, dict[str, Any]] = {
    "destination_addr, none": {"when": {"destination_addr": "447700900000"}},
    "text, none": {"contains": "zyzzyva"},
    "text, any case, none": {"contains": "ZYZZYVA", "ignore_case": True},
    "text by regex, none": {"when": {"text": {"regex": r"your zip is (\d+)"}}},
    "state and account, none": {"message_state": "DELETED", "when": {"account": "bob"}},
    "state, one hit": {"message_state": "REJECTED"},
    "whole texts, none": {"contains": "zyzzyva", "unit": "whole"},
    "data_coding and state, none": {"when": {"data_coding": 4}, "message_state": "EXPIRED"},
    "message_id, one hit": {"message_id": "1000000007"},
    "regex without a word, none": {"when": {"text": {"regex": r"^\d{20}$"}}},
}


def messages(count: int) -> Shelves:
    """So many messages on their shelves, of two accounts."""
    chance = random.Random(SEED)
    accounts = [EsmeState(Account(system_id=name, password="x"), PlainDialect()) for name in ("alice", "bob")]
    route = RouteState(Route(name="all"), SimulatedNetwork("default", Network(), SEED))
    shelves = Shelves()
    for number in range(count):
        ucs2 = chance.random() < UCS2_SHARE
        text = f"Your code is {chance.randrange(10**6):06d}. Do not share it with anyone."
        pdu = SubmitSm(
            number & 0x7FFFFFFF,
            source_addr=b"ACME",
            destination_addr=b"336%08d" % chance.randrange(10**8),
            registered_delivery=1,
            data_coding=8 if ucs2 else 0,
            short_message=text.encode("utf-16-be" if ucs2 else "ascii"),
        )
        read = decode(encode(pdu))
        assert isinstance(read, SubmitSm)
        wall = 1.7e9 + number / 10_000
        message = Message(
            b"%d" % (1_000_000_000 + number), read, accounts[number % 7 == 0], None, route, wall, wall, 0.0
        )
        message.state = DELIVERED if number else int(MessageState.REJECTED)
        message.final_wall = wall + 1.0
        message.receipt = RECEIPT_SETTLED
        shelves.put(message)
    return shelves


class Gaps:
    """The longest time that the event loop gave nobody a turn."""

    def __init__(self) -> None:
        self.longest = 0.0
        self._task = asyncio.get_running_loop().create_task(self._watch())

    async def _watch(self) -> None:
        before = time.thread_time()
        while True:
            await asyncio.sleep(0)
            now = time.thread_time()  # what others do on this machine meanwhile is not the search's fault
            self.longest = max(self.longest, now - before)
            before = now

    def stop(self) -> float:
        """Milliseconds."""
        self._task.cancel()
        return 1000 * self.longest


async def search(index: Index, asked: Search) -> tuple[float, float, int]:
    """Milliseconds that a search took, those for which it held the loop, and what it found."""
    gaps = Gaps()
    await asyncio.sleep(0)
    start = time.perf_counter()
    finder = Finder(index, compile_search(asked, UTC), Pace(time.monotonic, Turns(), SLICE), newest_first=True)
    found = 0
    async for _ in finder.hits():
        found += 1
    taken = 1000 * (time.perf_counter() - start)
    return taken, gaps.stop(), found


def prices(shelves: Shelves) -> Iterator[tuple[str, float, float, float, int]]:
    """By search: milliseconds of the first, the median of later ones, the longest gap, and hits."""
    index = Index(shelves)
    for name, table in SEARCHES.items():
        asked = read_search(table)
        runs = [asyncio.run(search(index, asked)) for _ in range(1 + LATER)]
        later = statistics.median(taken for taken, _, _ in runs[1:])
        yield name, runs[0][0], later, max(gap for _, gap, _ in runs), runs[0][2]
    print(f"columns: {index.octets / 2**20:.0f} MiB")


def main() -> int:
    """Print the prices."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("--messages", type=int, metavar="N")
    count = parser.parse_args().messages
    gc.disable()  # as `smppd serve` has it
    for size in (10_000, count or 100_000):
        shelves = messages(size)
        gc.freeze()
        print(f"{size:,} messages{'':<12}{'first ms':>12}{'later ms':>12}{'longest gap ms':>18}{'hits':>8}")
        for name, first, later, gap, hits in prices(shelves):
            print(f"  {name:<28}{first:>12.1f}{later:>12.1f}{gap:>18.2f}{hits:>8}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
