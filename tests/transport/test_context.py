"""What connections share: their number, and who is not welcome."""

from __future__ import annotations

import asyncio
import threading

from smppd.transport.context import VERIFIERS
from tests.transport.support import bench, virtually


@virtually
async def test_connections_are_numbered_and_counted() -> None:
    async with bench() as it:
        context = it.context
        assert not context.deserted.is_set()
        first, _ = it.connect()
        second, _ = it.connect()
        assert (first.name, second.name) == ("1", "2")
        assert context.connections == {first, second}
        assert context.unbound == 2
        context.leave(first)
        assert not context.deserted.is_set()
        context.leave(second)
        assert context.deserted.is_set()
        third, _ = it.connect()
        assert third.name == "3", "a name is never given twice"
        assert not context.deserted.is_set()


@virtually
async def test_refusals() -> None:
    async with bench(server={"max_connections": 3, "max_unbound": 2}) as it:
        context = it.context
        assert context.refusal() == ""
        it.bound()
        assert context.refusal() == ""
        it.connect()
        assert context.refusal() == ""
        it.connect()
        assert context.refusal() == "max_connections"
        it.transports.pop().close()
        it.transports.pop().close()
        await asyncio.sleep(0)
        assert context.refusal() == ""
        it.connect()
        context.unbound = 2
        assert context.refusal() == "max_unbound"
        context.unbound = 1
        context.draining = True
        assert context.refusal() == "draining"


@virtually
async def test_no_more_than_a_few_hashes_are_verified_at_once() -> None:
    async with bench() as it:
        started = threading.Semaphore(0)
        go = threading.Event()

        def work() -> None:
            started.release()
            go.wait(10)

        futures = [it.context.verifiers.submit(work) for _ in range(VERIFIERS + 2)]
        for _ in range(VERIFIERS):
            assert started.acquire(timeout=10)
        assert not started.acquire(blocking=False)
        go.set()
        for future in futures:
            future.result(10)
        it.context.verifiers.shutdown()
