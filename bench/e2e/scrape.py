"""Read /metrics once a second while a load runs, as Prometheus would."""

import threading
import time
import urllib.request
from types import TracebackType
from typing import Self

SECONDS = 1.0  # between two scrapes: fifteen times as often as Prometheus does by default
START_SECONDS = 3.0  # for the port to open
RETRY_SECONDS = 0.05
PATIENCE = 10.0  # for one scrape: Prometheus' own limit


class Scraper:
    """A thread that reads the page from `__enter__` to `__exit__`."""

    def __init__(self, port: int) -> None:
        """`port` of 127.0.0.1."""
        self.seconds: list[float] = []
        """How long each scrape took."""
        self.failures: list[str] = []
        self._url = f"http://127.0.0.1:{port}/metrics"
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)

    def __enter__(self) -> Self:
        """The first scrape is over when this returns: the server has loaded what it needs for it.

        A server that answers binds may be a moment away from opening its port for HTTP.
        """
        deadline = time.monotonic() + START_SECONDS
        self._scrape()
        while self.failures and time.monotonic() < deadline:
            time.sleep(RETRY_SECONDS)
            self.failures.clear()
            self._scrape()
        self.seconds.clear()
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stop.set()
        self._thread.join()

    def _run(self) -> None:
        while not self._stop.wait(SECONDS):
            self._scrape()

    def _scrape(self) -> None:
        begin = time.perf_counter()
        try:
            with urllib.request.urlopen(self._url, timeout=PATIENCE) as answer:
                answer.read()
        except OSError as error:
            self.failures.append(f"scrape failed: {error}")
        self.seconds.append(time.perf_counter() - begin)
