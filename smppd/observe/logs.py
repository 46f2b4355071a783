"""The log: short constant event names, context as keys and values, one line per event on the stream handed in.

Nothing is configured globally: `configure` returns a factory, two servers in one process do not meet. A session binds
its logger once (`log = logger(session="7")`) and keeps it; levels below the configured one cost a method that does
nothing. The level is part of the logger: after a reload, sessions need new ones.

Privacy: addresses and texts go through `Privacy` before they are logged. Passwords are not logged at all, and should
one be handed over by mistake, `SECRETS` keeps it out. Lines for people never contain raw control characters, so that a
peer cannot paint on the operator's terminal; lines of JSON neither.
"""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final, Literal, Protocol, cast

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, MutableMapping
    from typing import TextIO

    from structlog.typing import ExcInfo, FilteringBoundLogger

try:
    import orjson
except ImportError:  # the speed extra is not installed
    orjson = None  # type: ignore[assignment]

LogFormat = Literal["auto", "human", "json"]

LEVELS: Final = {"debug": 10, "info": 20, "warning": 30, "error": 40, "critical": 50}
"""Accepted levels, with the numbers of the standard library."""

SECRETS: Final = frozenset({"password", "password_hash"})
"""Keys whose values never reach a log, whatever the privacy settings say."""

HIDDEN: Final = "[hidden]"

PROTOCOL_ERROR_LINES: Final = 5
"""Lines per second and kind: enough to see what is going on, few enough to survive a million bad PDUs."""

PROTOCOL_ERROR_WINDOW: Final = 1.0
"""Seconds over which lines are counted."""

MAX_ERROR_KINDS: Final = 64
"""Kinds counted apart; ours are a dozen. Should kinds ever come from a peer, memory stays bounded."""

_EVENT_WIDTH: Final = 20
_LEVEL_WIDTH: Final = 8
_COLOURS: Final = {"debug": "\x1b[2m", "info": "\x1b[32m", "warning": "\x1b[33m", "error": "\x1b[31m"}
_BRIGHT_RED: Final = "\x1b[1;31m"
_BOLD: Final = "\x1b[1m"
_DIM: Final = "\x1b[2m"
_RESET: Final = "\x1b[0m"


class LoggerFactory(Protocol):
    """Makes loggers with some context bound to them."""

    def __call__(self, **context: object) -> FilteringBoundLogger:
        """A logger that adds the context to each of its lines."""


def configure(
    level: str, log_format: LogFormat, stream: TextIO, *, wall: Callable[[], float], environ: Mapping[str, str]
) -> LoggerFactory:
    """Set up one server's log.

    `level` is one of LEVELS (KeyError otherwise). `auto` means lines for people on a terminal and JSON lines anywhere
    else; colours appear on a terminal only, and not when NO_COLOR is set in `environ`. `wall` gives Unix seconds.
    Importing structlog takes about 50 ms, which is why it happens here.
    """
    import structlog

    terminal = _is_terminal(stream)
    render: _Renderer
    if log_format == "json" or (log_format == "auto" and not terminal):
        render = JsonRenderer(wall)
    else:
        render = HumanRenderer(wall, colour=terminal and _colour_wanted(environ))
    root = structlog.wrap_logger(
        _LineWriter(stream),
        processors=[render],
        wrapper_class=structlog.make_filtering_bound_logger(LEVELS[level]),
        context_class=dict,
        cache_logger_on_first_use=False,
    )

    def factory(**context: object) -> FilteringBoundLogger:
        return cast("FilteringBoundLogger", root.bind(**context))

    return factory


def _is_terminal(stream: TextIO) -> bool:
    try:
        return stream.isatty()
    except ValueError:  # the stream is closed
        return False


def _colour_wanted(environ: Mapping[str, str]) -> bool:
    """Whether colours are welcome (https://no-color.org: any value of NO_COLOR but the empty one refuses)."""
    return not environ.get("NO_COLOR") and environ.get("TERM") != "dumb"


class _LineWriter:
    """The end of the chain: writes lines, and never fails, because a full disk must not end sessions."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream

    def write(self, line: str) -> None:
        try:
            try:
                self._stream.write(line + "\n")
            except UnicodeEncodeError:
                self._stream.write(line.encode("ascii", "backslashreplace").decode() + "\n")
            self._stream.flush()
        except (OSError, ValueError):  # a broken pipe, a full disk, a closed stream
            return

    debug = info = warning = error = critical = write


class _Renderer(Protocol):
    """A structlog processor that ends the chain."""

    def __call__(self, logger: Any, level: str, event: MutableMapping[str, Any], /) -> str: ...


class JsonRenderer:
    """One JSON object per line: timestamp, level, event, then the context."""

    def __init__(self, wall: Callable[[], float]) -> None:
        self._wall = wall

    def __call__(self, _logger: object, level: str, event: MutableMapping[str, Any]) -> str:
        """Render one event."""
        _prepare(event)
        line = {"timestamp": _timestamp(self._wall()), "level": level, "event": event.pop("event", ""), **event}
        return escape(_to_json(line))


class HumanRenderer:
    """One line for people: time, level, event, then key=value; a traceback follows on lines of its own."""

    def __init__(self, wall: Callable[[], float], *, colour: bool = False) -> None:
        self._wall = wall
        self._colour = colour

    def __call__(self, _logger: object, level: str, event: MutableMapping[str, Any]) -> str:
        """Render one event."""
        _prepare(event)
        name = escape(str(event.pop("event", "")))
        traceback = event.pop("exception", "")
        context = " ".join(f"{key}={_value(value)}" for key, value in event.items())
        time = _timestamp(self._wall())
        if self._colour:
            colour = _COLOURS.get(level, _BRIGHT_RED)
            line = (
                f"{_DIM}{time}{_RESET} {colour}{level:<{_LEVEL_WIDTH}}{_RESET} "
                f"{_BOLD}{name:<{_EVENT_WIDTH}}{_RESET} {context}"
            )
        else:
            line = f"{time} {level:<{_LEVEL_WIDTH}} {name:<{_EVENT_WIDTH}} {context}"
        lines = [line.rstrip(), *(escape(text) for text in traceback.splitlines())]
        return "\n".join(lines)


def _prepare(event: MutableMapping[str, Any]) -> None:
    """Hide secrets, and turn exc_info into the text of a traceback."""
    for key in SECRETS & event.keys():
        event[key] = HIDDEN
    exc_info = event.pop("exc_info", None)
    if exc_info:
        event["exception"] = _traceback(exc_info)


def _traceback(exc_info: bool | BaseException | ExcInfo) -> str:
    import sys
    import traceback

    if isinstance(exc_info, BaseException):
        error: BaseException | None = exc_info
    elif isinstance(exc_info, tuple):
        error = exc_info[1]
    else:
        error = sys.exc_info()[1]
    return "".join(traceback.format_exception(error)).rstrip() if error is not None else ""


def _timestamp(wall: float) -> str:
    """UTC with milliseconds: 2026-11-23T02:45:47.123Z."""
    return datetime.fromtimestamp(wall, UTC).replace(tzinfo=None).isoformat(timespec="milliseconds") + "Z"


def _value(value: object) -> str:
    """A value as it stands after key=: bare when it is one printable word, else quoted and escaped."""
    if isinstance(value, bytes):
        return repr(value)
    text = value if isinstance(value, str) else str(value)
    if text and text.isprintable() and not _AMBIGUOUS.intersection(text):
        return text
    return repr(text)


_AMBIGUOUS: Final = frozenset(" ='\"\\")


def escape(text: str) -> str:
    r"""The text with everything unprintable escaped as JSON does it: safe on a terminal, and inside JSON strings.

    >>> escape("a\x1b[2Jb")
    'a\\u001b[2Jb'
    """
    return text if text.isprintable() else "".join(map(_escape_character, text))


def _escape_character(character: str) -> str:
    if character.isprintable():
        return character
    if character == "\x7f":  # the one unprintable character that JSON leaves alone
        return "\\u007f"
    return json.dumps(character)[1:-1]


def _to_json(line: Mapping[str, object]) -> str:
    if orjson is not None:
        try:
            return orjson.dumps(line, default=_json_default).decode()
        except TypeError:  # lone surrogates, integers beyond 64 bits
            pass
    return json.dumps(line, default=_json_default, separators=(",", ":"))


def _json_default(value: object) -> str:
    """Octets as Latin-1, so that addresses stay readable; everything else as Python prints it."""
    return value.decode("latin-1") if isinstance(value, bytes) else str(value)


class ProtocolErrorLog:
    """Logs the mistakes of peers: at most `limit` lines per second and kind, then one line with the count.

    `clock` gives seconds that never run backwards. Call `flush` now and then (each second or so, and at the end), so
    that the count is told when a flood has stopped.
    """

    def __init__(
        self, logger: FilteringBoundLogger, clock: Callable[[], float], limit: int = PROTOCOL_ERROR_LINES
    ) -> None:
        self._logger = logger
        self._clock = clock
        self._limit = limit
        self._windows: dict[str, _Window] = {}

    def report(self, kind: str, **context: object) -> None:
        """Log one protocol error, or count it when there were too many of its kind."""
        now = self._clock()
        window = self._windows.get(kind)
        if window is None:
            window = self._open(kind, now)
        elif now - window.start >= PROTOCOL_ERROR_WINDOW:
            self._close(window)
            window.start = now
        window.count += 1
        if window.count <= self._limit:
            self._logger.warning("protocol error", kind=kind, **context)

    def _open(self, kind: str, now: float) -> _Window:
        if len(self._windows) >= MAX_ERROR_KINDS:
            self.flush(everything=True)
            self._windows.clear()
        window = self._windows[kind] = _Window(kind, now)
        return window

    def _close(self, window: _Window) -> None:
        suppressed = window.count - self._limit
        if suppressed > 0:
            self._logger.warning("protocol errors suppressed", kind=window.kind, count=suppressed)
        window.count = 0

    def flush(self, *, everything: bool = False) -> None:
        """Tell the counts of the seconds that are over, or of all when the server ends."""
        now = self._clock()
        for window in self._windows.values():
            if everything or now - window.start >= PROTOCOL_ERROR_WINDOW:
                self._close(window)
                window.start = now


class _Window:
    """Lines of one kind since `start`."""

    __slots__ = ("count", "kind", "start")

    def __init__(self, kind: str, start: float) -> None:
        self.kind = kind
        self.start = start
        self.count = 0


MASK: Final = "*"
SHOWN_HEAD: Final = 4
"""Leading characters of an address shown at most: country code and network, which help to find a routing mistake."""
SHOWN_TAIL: Final = 3
"""Trailing characters shown at most: enough to recognise one's own test number."""


def mask_address(address: str | bytes) -> str:
    """An address with its middle hidden, shorter ones more than in proportion.

    >>> mask_address("447700900123")
    '4477*****123'
    >>> mask_address(b"12345")
    '1***5'
    """
    text = address.decode("latin-1") if isinstance(address, bytes) else address
    length = len(text)
    head = min(SHOWN_HEAD, length // 3)
    tail = min(SHOWN_TAIL, length // 4)
    return text[:head] + MASK * (length - head - tail) + text[length - tail :]


def mask_text(text: str | bytes) -> str:
    """A text's length and nothing else.

    >>> mask_text(b"Your code is 1234")
    '<17 octets>'
    """
    return f"<{len(text)} {'octets' if isinstance(text, bytes) else 'characters'}>"


class Privacy:
    """What logs may show of people: everything, or addresses masked and texts as lengths (the default)."""

    __slots__ = ("log_personal_data",)

    def __init__(self, log_personal_data: bool) -> None:
        self.log_personal_data = log_personal_data

    def address(self, address: str | bytes) -> str:
        """An address as it may be logged."""
        if not self.log_personal_data:
            return mask_address(address)
        return address.decode("latin-1") if isinstance(address, bytes) else address

    def text(self, text: str | bytes) -> str | bytes:
        """A text as it may be logged."""
        return text if self.log_personal_data else mask_text(text)
