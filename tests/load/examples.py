"""Invented results for the tests of what shows them."""

import math
from collections.abc import Callable
from datetime import UTC, datetime
from random import Random
from typing import Any

from smppd.load.histogram import Histogram
from smppd.load.result import Counters, Interval, Result, Target, WorkerReport

HOSTILE = "</script><script>alert(1)</script><!--\x1b[2J\u202e[bold]'\"&"


def histogram(count: int, median: float, spread: float, random: Random) -> Histogram:
    """Log-normal latencies, as queues make them."""
    made = Histogram()
    for _ in range(count):
        made.record(median * math.exp(random.gauss(0, spread)))
    return made


def steady(
    seconds: int = 60,
    rate: int = 500,
    *,
    warm_up: int = 2,
    receipts: bool = True,
    target: Target | None = None,
    trouble: Callable[[int], bool] = lambda t: 20 <= t < 26,
    **changes: Any,
) -> Result:
    """A run in which the SMSC slows down and throttles in the middle, and loses two messages."""
    random = Random(7)
    whole, service, receipt = Histogram(), Histogram(), Histogram()
    intervals = []
    measured = Counters()
    for t in range(-warm_up, seconds + 3):
        sending = t < seconds
        slow = sending and trouble(t)
        made = histogram(rate if sending else 0, 0.004 * (12 if slow else 1), 0.45, random)
        throttled = rate // 8 if slow else 0
        errors = 3 if slow else 0
        ok = rate - throttled - errors if sending else 0
        intervals.append(
            Interval(
                t=float(t),
                offered=rate if sending else 0,
                submitted=rate if sending else 0,
                ok=ok,
                throttled=throttled,
                errors=errors,
                receipts=int(ok * random.uniform(0.97, 1.03)) if receipts else 0,
                in_flight=int(rate * 0.004 * (12 if slow else 1) * random.uniform(0.8, 1.3)) if sending else 0,
                behind=int(rate * 0.2 * random.random()) if slow else 0,
                latency=made.snapshot(),
            )
        )
        if 0 <= t < seconds:
            whole.merge(made)
            service.merge(histogram(rate, 0.0035 * (6 if slow else 1), 0.35, random))
            receipt.merge(histogram(ok if receipts else 0, 0.6, 0.3, random))
            measured += Counters(offered=rate, sent=rate, ok=ok, throttled=throttled, errors=errors)
            measured += Counters(wanted_receipts=ok * receipts, receipts=ok * receipts)
    counters = measured + Counters(offered=rate * warm_up, sent=rate * warm_up, ok=rate * warm_up)
    counters += Counters(timed_out=2, sent=2)
    report = WorkerReport(
        counters=counters,
        measured=measured,
        statuses={
            "ESME_ROK": counters.ok,
            "ESME_RTHROTTLED": counters.throttled,
            "ESME_RSYSERR": counters.errors,
        },
        receipt_states={"DELIVRD": counters.receipts * 97 // 100, "UNDELIV": counters.receipts * 3 // 100},
        submit_response=whole.snapshot(),
        service=service.snapshot(),
        receipt=receipt.snapshot(),
        intervals=intervals,
        offenders={"timed_out": ["bind 2, sequence number 10442", "bind 3, sequence number 10443"]},
        seconds=float(seconds),
        workers=2,
        binds=4,
        cpu_seconds=seconds * 0.9,
    )
    for name, value in changes.items():
        setattr(report, name, value)
    return Result(
        report=report,
        target=target or Target("127.0.0.1", 2775, system_id="smppd", interface_version=0x34),
        configuration={
            "target": "127.0.0.1:2775",
            "system_id": "smppclient1",
            "password": "secret",
            "binds": {"trx": 4},
            "window": 100,
            "rate": str(rate),
            "arrivals": "poisson",
            "duration": float(seconds),
            "warm_up": float(warm_up),
            "workers": 2,
            "profile": {"name": "mixed", "kinds": "otp 60 %, alert 30 %, campaign 10 %"},
            "tls": False,
            "count": None,
        },
        started_at=datetime(2025, 3, 1, 12, 30, 5, tzinfo=UTC),
    )
