"""Log lines, their privacy, and what a flood of errors makes of them."""

from __future__ import annotations

import io
import json

import pytest
import structlog

from smppd.observe import logs
from smppd.observe.logs import (
    HIDDEN,
    MAX_ERROR_KINDS,
    PROTOCOL_ERROR_LINES,
    HumanRenderer,
    JsonRenderer,
    LogFormat,
    LoggerFactory,
    Privacy,
    ProtocolErrorLog,
    configure,
    escape,
    mask_address,
    mask_text,
)

WALL = 1_700_000_000.25  # 2023-11-14T22:13:20.250Z


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


class Broken(io.StringIO):
    def write(self, _text: str) -> int:
        raise BrokenPipeError


class Clock:
    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


def setup(stream: io.StringIO, log_format: LogFormat = "auto", level: str = "info", **environ: str) -> LoggerFactory:
    return configure(level, log_format, stream, wall=lambda: WALL, environ=environ)


def fail() -> None:
    raise ValueError("bad \x1b[2J value")


def human(event: str = "bind", **context: object) -> str:
    stream = io.StringIO()
    setup(stream, "human")().info(event, **context)
    return stream.getvalue()


def as_json(**context: object) -> dict[str, object]:
    stream = io.StringIO()
    setup(stream, "json")().info("bind", **context)
    line = stream.getvalue()
    assert line.endswith("\n")
    assert line.count("\n") == 1
    assert line[:-1].isprintable()
    result = json.loads(line)
    assert isinstance(result, dict)
    return result


class TestLines:
    def test_a_human_line(self) -> None:
        line = human(system_id="smppclient1", bind_type="transceiver", session=7)
        assert line == (
            "2023-11-14T22:13:20.250Z info     bind                 "
            "system_id=smppclient1 bind_type=transceiver session=7\n"
        )

    def test_a_json_line(self) -> None:
        assert as_json(system_id="smppclient1", session=7) == {
            "timestamp": "2023-11-14T22:13:20.250Z",
            "level": "info",
            "event": "bind",
            "system_id": "smppclient1",
            "session": 7,
        }

    @pytest.mark.parametrize(
        ("stream", "is_json"), [(io.StringIO(), True), (Terminal(), False)], ids=["file", "terminal"]
    )
    def test_auto_is_json_unless_somebody_watches(self, stream: io.StringIO, is_json: bool) -> None:
        setup(stream)().info("bind")
        assert stream.getvalue().startswith("{") is is_json

    def test_colours_on_a_terminal_only_and_not_against_the_wish(self) -> None:
        coloured, refused, empty, dumb, file = Terminal(), Terminal(), Terminal(), Terminal(), io.StringIO()
        setup(coloured)().info("bind")
        setup(refused, NO_COLOR="1")().info("bind")
        setup(empty, NO_COLOR="")().info("bind")
        setup(dumb, TERM="dumb")().info("bind")
        setup(file, "human")().info("bind")
        assert "\x1b[" in coloured.getvalue()
        assert "\x1b[" in empty.getvalue()
        for stream in (refused, dumb, file):
            assert "\x1b" not in stream.getvalue()

    @pytest.mark.parametrize("level", ["debug", "info", "warning", "error", "critical"])
    def test_levels(self, level: str) -> None:
        stream = io.StringIO()
        logger = setup(stream, "json", level)()
        for name in ("debug", "info", "warning", "error", "critical"):
            getattr(logger, name)("bind")
        seen = [json.loads(line)["level"] for line in stream.getvalue().splitlines()]
        everything = ["debug", "info", "warning", "error", "critical"]
        assert seen == everything[everything.index(level) :]

    def test_context_is_bound_once_and_kept(self) -> None:
        stream = io.StringIO()
        logger = setup(stream, "json")(session="7")
        bound = logger.bind(system_id="a")
        bound.info("bind")
        logger.info("session closed")
        first, second = map(json.loads, stream.getvalue().splitlines())
        assert (first["session"], first["system_id"]) == ("7", "a")
        assert "system_id" not in second

    def test_two_servers_do_not_meet(self) -> None:
        one, two = io.StringIO(), io.StringIO()
        first = setup(one, "json", "error")(server=1)
        second = setup(two, "human", "debug")(server=2)
        first.info("bind")
        second.debug("bind")
        assert one.getvalue() == ""
        assert two.getvalue().endswith("server=2\n")
        assert not structlog.is_configured()

    def test_an_exception_is_told_with_its_traceback(self) -> None:
        stream, json_stream = io.StringIO(), io.StringIO()
        for target, log_format in ((stream, "human"), (json_stream, "json")):
            logger = setup(target, log_format)()  # type: ignore[arg-type]
            try:
                fail()
            except ValueError:
                logger.exception("request failed", path="/")
        lines = stream.getvalue().splitlines()
        assert "request failed" in lines[0]
        assert lines[1] == "Traceback (most recent call last):"
        assert lines[-1] == "ValueError: bad \\u001b[2J value"
        record = json.loads(json_stream.getvalue())
        assert record["level"] == "error"
        assert record["exception"].endswith("ValueError: bad \x1b[2J value")

    def test_exc_info_may_be_an_exception(self) -> None:
        error = ValueError("x")
        for exc_info in (error, (type(error), error, None)):
            event = {"event": "e", "exc_info": exc_info}
            assert HumanRenderer(lambda: WALL)(None, "error", event).endswith("\nValueError: x")

    def test_a_broken_stream_harms_nobody(self) -> None:
        closed = io.StringIO()
        logger = setup(closed, "human")()
        closed.close()
        logger.error("bind")
        setup(Broken(), "json")().error("bind")
        setup(closed).__call__().error("bind")

    def test_a_narrow_stream_gets_escapes(self) -> None:
        raw = io.BytesIO()
        stream = io.TextIOWrapper(raw, encoding="ascii")
        configure("info", "human", stream, wall=lambda: WALL, environ={})().info("bind", system_id="é€")
        assert raw.getvalue().endswith(b"system_id=\\xe9\\u20ac\n")

    def test_an_unknown_level_is_an_error(self) -> None:
        with pytest.raises(KeyError):
            setup(io.StringIO(), level="loud")


class TestInjection:
    HOSTILE = "a\x1b[2J\x9b31m\r\n2023 error fake\x7f\u202e\U000e0041"

    def test_a_peer_cannot_paint_on_the_terminal(self) -> None:
        line = human(system_id=self.HOSTILE, raw=self.HOSTILE.encode(), event2=[self.HOSTILE])
        assert line.endswith("\n")
        assert line[:-1].isprintable()
        assert "error fake" in line

    def test_nor_through_the_event_name(self) -> None:
        assert human(self.HOSTILE)[:-1].isprintable()

    def test_json_lines_are_printable_and_lossless(self) -> None:
        assert as_json(system_id=self.HOSTILE)["system_id"] == self.HOSTILE

    def test_values_that_could_be_taken_for_others_are_quoted(self) -> None:
        line = human(a="x b=1", b="", c="it's", d='"', e=b"\x00\xff", f=None, g=1.5, h="plain")
        assert line.rstrip("\n").endswith("""a='x b=1' b='' c="it's" d='"' e=b'\\x00\\xff' f=None g=1.5 h=plain""")

    @pytest.mark.parametrize(
        "value", [b"\xe9\x00", {1, 2}, 2**70, "\ud800", object, ["a", b"b"], float("nan")], ids=str
    )
    def test_json_takes_any_value(self, value: object) -> None:
        assert "value" in as_json(value=value)

    def test_without_orjson_the_lines_say_the_same(self, monkeypatch: pytest.MonkeyPatch) -> None:
        fast = as_json(system_id=self.HOSTILE, octets=b"\xe9", number=1)
        monkeypatch.setattr(logs, "orjson", None)
        assert as_json(system_id=self.HOSTILE, octets=b"\xe9", number=1) == fast

    def test_escape_leaves_printable_text_alone(self) -> None:
        assert escape("Zażółć 日本 🙂") == "Zażółć 日本 🙂"
        assert escape("\x7f\n") == "\\u007f\\n"


class TestPrivacy:
    @pytest.mark.parametrize(
        ("address", "masked"),
        [
            ("447700900123", "4477*****123"),
            (b"447700900123", "4477*****123"),
            ("123456789012345", "1234********345"),
            ("33612345678", "336******78"),
            ("12345", "1***5"),
            ("123", "1**"),
            ("1", "*"),
            ("", ""),
        ],
    )
    def test_addresses(self, address: str | bytes, masked: str) -> None:
        assert mask_address(address) == masked

    @pytest.mark.parametrize("length", range(1, 40))
    def test_at_least_two_fifths_of_an_address_are_hidden(self, length: int) -> None:
        masked = mask_address("7" * length)
        assert len(masked) == length
        assert masked.count("*") >= 0.4 * length

    def test_texts_keep_their_length_only(self) -> None:
        assert mask_text("Your code is 1234") == "<17 characters>"
        assert mask_text(b"\x00H") == "<2 octets>"

    def test_the_setting(self) -> None:
        private, open_ = Privacy(False), Privacy(True)
        assert private.address(b"447700900123") == "4477*****123"
        assert open_.address(b"447700900123") == "447700900123"
        assert open_.address("447700900123") == "447700900123"
        assert private.text("secret") == "<6 characters>"
        assert open_.text("secret") == "secret"

    @pytest.mark.parametrize("renderer", [HumanRenderer, JsonRenderer])
    def test_passwords_never_reach_the_log(self, renderer: type[HumanRenderer | JsonRenderer]) -> None:
        event = {"event": "bind", "password": "hunter2", "password_hash": "scrypt$abc"}
        line = renderer(lambda: WALL)(None, "info", event)
        assert "hunter2" not in line
        assert "scrypt$" not in line
        assert line.count(HIDDEN) == 2


class TestProtocolErrorLog:
    @staticmethod
    def make(limit: int = PROTOCOL_ERROR_LINES) -> tuple[ProtocolErrorLog, Clock, io.StringIO]:
        stream, clock = io.StringIO(), Clock()
        return ProtocolErrorLog(setup(stream, "json")(), clock, limit), clock, stream

    @staticmethod
    def lines(stream: io.StringIO) -> list[tuple[str, str, int | None]]:
        records = [json.loads(line) for line in stream.getvalue().splitlines()]
        return [(record["event"], record["kind"], record.get("count")) for record in records]

    def test_a_flood_is_a_few_lines_and_a_count(self) -> None:
        log, clock, stream = self.make(limit=2)
        for _ in range(1000):
            log.report("framing", session="7")
        assert self.lines(stream) == [("protocol error", "framing", None)] * 2
        clock.now += 1.0
        log.report("framing", session="7")
        assert self.lines(stream)[2:] == [
            ("protocol errors suppressed", "framing", 998),
            ("protocol error", "framing", None),
        ]
        for _ in range(1000):
            log.report("framing", session="7")
        assert self.lines(stream)[4:] == [("protocol error", "framing", None)]

    def test_kinds_do_not_hide_each_other(self) -> None:
        log, _, stream = self.make(limit=1)
        for kind in ("framing", "decode", "framing", "decode"):
            log.report(kind)
        assert [kind for _, kind, _ in self.lines(stream)] == ["framing", "decode"]

    def test_a_slow_trickle_is_logged_in_full(self) -> None:
        log, clock, stream = self.make(limit=1)
        for _ in range(5):
            log.report("framing")
            clock.now += 1.0
        assert self.lines(stream) == [("protocol error", "framing", None)] * 5

    def test_flush_tells_the_count_when_the_flood_has_stopped(self) -> None:
        log, clock, stream = self.make(limit=1)
        for _ in range(3):
            log.report("framing")
        log.flush()
        assert len(self.lines(stream)) == 1
        clock.now += 1.0
        log.flush()
        log.flush()
        assert self.lines(stream)[1:] == [("protocol errors suppressed", "framing", 2)]

    def test_the_end_tells_everything(self) -> None:
        log, _, stream = self.make(limit=1)
        for _ in range(3):
            log.report("framing")
        log.flush(everything=True)
        assert self.lines(stream)[1:] == [("protocol errors suppressed", "framing", 2)]

    def test_kinds_are_bounded_and_no_count_is_lost(self) -> None:
        log, _, stream = self.make(limit=1)
        for number in range(3 * MAX_ERROR_KINDS):
            log.report(f"kind{number}")
            log.report(f"kind{number}")
            assert len(log._windows) <= MAX_ERROR_KINDS
        log.flush(everything=True)
        suppressed = [count for event, _, count in self.lines(stream) if event == "protocol errors suppressed"]
        assert suppressed == [1] * (3 * MAX_ERROR_KINDS)
