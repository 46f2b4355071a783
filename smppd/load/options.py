"""What a load run is to do: everything the command line gives, as one frozen value that worker processes get too."""

from __future__ import annotations

import ssl
from dataclasses import dataclass, field
from typing import Any, Final, Literal

from smppd.errors import UserError

BindKind = Literal["trx", "tx", "rx"]

BIND_NAMES: Final[dict[str, BindKind]] = {
    "trx": "trx",
    "transceiver": "trx",
    "tx": "tx",
    "transmitter": "tx",
    "rx": "rx",
    "receiver": "rx",
}

MAX_BINDS: Final = 10_000
"""Binds of one run: each is a socket and some 50 KiB; more than this is a typing error."""

MAX_WORKERS: Final = 64
"""Worker processes: more than the cores of most machines, and each holds some 40 MiB."""

MAX_WINDOW: Final = 1_000_000
"""submit_sm without an answer on one bind: what is outstanding is what memory holds."""


@dataclass(frozen=True, slots=True)
class TlsOptions:
    """How to speak TLS to the SMSC."""

    ca: str | None = None
    """File with the certificates to trust; None: those of the system."""
    insecure: bool = False
    """Take any certificate."""
    cert: str | None = None
    """File with our own certificate, for an SMSC that asks for one."""
    key: str | None = None
    """File with its key; None: the key is in the file of the certificate."""
    server_name: str | None = None
    """The name to ask for (SNI) and to find in the certificate; None: the host of the target."""

    def context(self) -> ssl.SSLContext:
        """The context for every connection. Raises UserError when a file is of no use."""
        try:
            context = ssl.create_default_context(cafile=self.ca)
        except (OSError, ssl.SSLError) as error:
            raise UserError(f"--tls-ca {self.ca}: {_reason(error, 'no certificates in PEM there')}") from error
        if self.insecure:
            context.check_hostname = False
            context.verify_mode = ssl.CERT_NONE
        if self.cert is not None:
            try:
                # Without a password function OpenSSL would ask on the terminal, once in each worker.
                context.load_cert_chain(self.cert, self.key, password=_no_password)
            except (OSError, ssl.SSLError, UserError) as error:
                hint = "expected a certificate in PEM and its key, there or in --tls-key"
                raise UserError(f"--tls-cert {self.cert}: {_reason(error, hint)}") from error
        return context


def _no_password() -> str:
    raise UserError("the key is encrypted; give one that is not")


def _reason(error: Exception, hint: str) -> str:
    """Why a file is of no use. `hint` replaces what OpenSSL says: ``[SSL] PEM lib`` helps nobody."""
    if isinstance(error, ssl.SSLError):
        return hint
    return str(getattr(error, "strerror", None) or error)


@dataclass(frozen=True, slots=True)
class LoadOptions:
    """One run against one SMSC. Times in seconds."""

    host: str = "127.0.0.1"
    port: int = 2775
    system_id: str = "smppclient1"
    password: str = field(default="password", repr=False)
    system_type: str = ""
    interface_version: int = 0x34
    binds: tuple[BindKind, ...] = ("trx",)
    """One entry per bind, over all workers."""
    window: int = 100
    """submit_sm without an answer, per bind."""
    rate: str | None = None
    """Open loop: an arrival schedule as `parse_schedule` reads it. None: closed loop, every window is kept full."""
    arrivals: Literal["constant", "poisson"] = "constant"
    duration: float | None = 10.0
    """How long to measure; None: until `count` messages are sent."""
    count: int | None = None
    """submit_sm to send in all, those of the warm-up included; parts of a long message count each."""
    warm_up: float = 0.0
    """What is sent before this is accounted for, but not in rates and latencies."""
    workers: int = 1
    drain: float = 20.0
    """How long to wait at the end for answers and receipts."""
    response_timeout: float = 10.0
    """A submit_sm without an answer for so long is unanswered and leaves its window."""
    enquire_link: float = 30.0
    """Silence of the SMSC after which we ask whether it is there; 0: never."""
    retry_throttled: bool = False
    """Send again what was answered ESME_RTHROTTLED or ESME_RMSGQFUL."""
    reconnect: bool = False
    """Bind again when a connection ends in the middle."""
    seed: int = 0
    loop: Literal["auto", "asyncio", "uvloop"] = "auto"
    tls: TlsOptions | None = None
    profile: str = "fixed"
    """What the profile is called in the report."""

    @property
    def target(self) -> str:
        """`HOST:PORT`, with brackets around an IPv6 host."""
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"

    def binds_of(self, worker: int) -> tuple[BindKind, ...]:
        """The binds of one worker (from 0): dealt in turns, transmitters and receivers each."""
        dealt = sorted(self.binds, key=lambda kind: kind == "rx")
        return tuple(dealt[worker :: self.workers])

    def count_of(self, worker: int) -> int | None:
        """How many of the messages one worker (from 0) sends; the counts of all workers add up to `count`."""
        if self.count is None:
            return None
        return self.count // self.workers + (worker < self.count % self.workers)

    def as_json(self) -> dict[str, Any]:
        """For the report: everything but the password."""
        return {
            "target": self.target,
            "system_id": self.system_id,
            "system_type": self.system_type,
            "interface_version": f"0x{self.interface_version:02x}",
            "binds": {kind: self.binds.count(kind) for kind in ("trx", "tx", "rx") if kind in self.binds},
            "window": self.window,
            "profile": self.profile,
            "rate": self.rate,
            "arrivals": self.arrivals if self.rate is not None else None,
            "duration": self.duration,
            "count": self.count,
            "warm_up": self.warm_up,
            "workers": self.workers,
            "drain": self.drain,
            "response_timeout": self.response_timeout,
            "enquire_link": self.enquire_link,
            "retry_throttled": self.retry_throttled,
            "reconnect": self.reconnect,
            "seed": self.seed,
            "loop": self.loop,
            "tls": self.tls is not None,
        }


def parse_binds(text: str, kind: BindKind) -> tuple[BindKind, ...]:
    """The binds that ``4`` (of `kind`) or ``tx=2,rx=2`` stand for. Raises ValueError with the reason."""
    binds: list[BindKind] = []
    for item in text.split(","):
        name, equals, number = item.strip().rpartition("=")
        if equals and name.strip().lower() not in BIND_NAMES:
            raise ValueError(f"{name.strip()!r} is no bind type; there are: {', '.join(BIND_NAMES)}")
        number = number.strip()
        if not (number.isascii() and number.isdecimal() and len(number) <= len(str(MAX_BINDS))):
            raise ValueError("expected a number such as 4, or numbers by type such as tx=2,rx=2")
        binds += [BIND_NAMES[name.strip().lower()] if equals else kind] * int(number)
    if not binds:
        raise ValueError("at least one bind is needed")
    if len(binds) > MAX_BINDS:
        raise ValueError(f"at most {MAX_BINDS:,} binds")
    if set(binds) == {"rx"}:
        raise ValueError("receivers cannot submit: at least one bind must be trx or tx")
    return tuple(binds)
