import math
import sys
from pathlib import Path
from typing import Any

import pytest

from smppd.behaviour.facts import Facts
from smppd.behaviour.firing import Firing, Reply
from smppd.behaviour.hooks import Event, HookError, call, describe_failure, load_hook
from smppd.errors import UserError
from tests.behaviour.support import submit

FIRING = Firing("rule")
EVENT = Event(submit("336", "hello"), FIRING, {"code": "12"}, Facts("esme", "receiver", 0x34, now=5.0, wall=6.0))

MODULE = """
def good(event):
    return event.firing._replace(status=8)

class Group:
    @staticmethod
    def inner(event):
        return None

number = 5
"""


@pytest.fixture
def lab(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Write modules that can be imported, and forget them."""
    monkeypatch.syspath_prepend(tmp_path)
    before = set(sys.modules)

    def write(name: str, text: str = MODULE) -> None:
        (tmp_path / f"{name}.py").write_text(text)

    yield write
    for name in set(sys.modules) - before:
        del sys.modules[name]


def test_functions_are_found(lab: Any) -> None:
    lab("lab_good")
    assert call(load_hook("lab_good:good"), EVENT) == Firing("rule", status=8)
    assert call(load_hook("lab_good:Group.inner"), EVENT) == FIRING


@pytest.mark.parametrize(
    ("name", "text", "reason"),
    [
        ("lab_none:f", None, "there is no module lab_none; it must lie beside the configuration or be installed"),
        ("lab_none.sub:f", None, "there is no module lab_none"),
        ("lab_bad:f", "import lab_missing", "its module cannot be imported: No module named 'lab_missing'"),
        ("lab_bad:f", "1 / 0", "its module cannot be imported: ZeroDivisionError: division by zero"),
        ("lab_bad:f", "def", "its module cannot be imported: SyntaxError"),
        ("lab_bad:f", MODULE, "there is no f in lab_bad"),
        ("lab_bad:number", MODULE, "this is no function but int"),
        ("lab_bad:number.x", MODULE, "there is no x in 5"),
    ],
)
def test_what_cannot_be_imported(lab: Any, name: str, text: str | None, reason: str) -> None:
    if text is not None:
        lab("lab_bad", text)
    with pytest.raises(UserError) as caught:
        load_hook(name)
    assert str(caught.value).startswith(f"hook {name}: {reason}")


def test_what_a_hook_is_told() -> None:
    assert (EVENT.account, EVENT.bind_type, EVENT.interface_version) == ("esme", "receiver", 0x34)
    assert (EVENT.text, EVENT.part, EVENT.parts, EVENT.route) == ("hello", 1, 1, "")
    assert (EVENT.now, EVENT.wall, EVENT.groups) == (5.0, 6.0, {"code": "12"})


@pytest.mark.parametrize(
    ("returned", "reason"),
    [
        (5, "it returned int; expected None or event.firing._replace(...)"),
        (("rule", 8), "it returned tuple"),
        (FIRING._replace(status="ESME_RSYSERR"), "status is str; expected None or an integer from 0 to"),
        (FIRING._replace(status=-1), "status is -1"),
        (FIRING._replace(sequence_number=1 << 32), "sequence_number is 4294967296"),
        (FIRING._replace(error=1.5), "error is 1.5"),
        (FIRING._replace(outcome=0), "outcome is 0"),
        (FIRING._replace(delay=-1), "delay is -1; expected seconds"),
        (FIRING._replace(delay=None), "delay is None; expected seconds"),
        (FIRING._replace(delay=math.inf), "delay is inf"),
        (FIRING._replace(receipt_delay=math.nan), "receipt_delay is nan"),
        (FIRING._replace(reply="hi"), "reply is str; expected None or a Reply"),
        (FIRING._replace(reply=Reply(b"hi", 0, b"", b"")), "reply is Reply"),
        (FIRING._replace(reply=Reply("hi", 0, "1", b"")), "reply is Reply"),
        (FIRING._replace(reply=Reply("hi", -1, b"", b"")), "reply.delay is -1"),
        (FIRING._replace(answer="never"), "answer must be one of ('once',"),
        (FIRING._replace(connection="drop"), "answer must be one of ('once',"),
    ],
)
def test_what_cannot_be_done(returned: Any, reason: str) -> None:
    with pytest.raises(HookError) as caught:
        call(lambda _event: returned, EVENT)
    assert str(caught.value).startswith(reason)


def test_what_can_be_done() -> None:
    reply = Reply("hi", 1, b"1", b"2")
    firing = Firing("rule", 0x58, 2, "nack", 0, 5, 0xFFFF, 0, reply, "silent")
    assert call(lambda _event: firing, EVENT) == firing


class UnspeakableError(Exception):
    def __str__(self) -> str:
        raise ValueError


def failed(error: BaseException) -> BaseException:
    """The exception as a hook raises it, with its traceback."""
    with pytest.raises(type(error)) as caught:
        call(lambda _event: (_ for _ in ()).throw(error), EVENT)
    return caught.value


def test_a_log_names_the_line_that_failed_and_leaves_people_out() -> None:
    text = describe_failure(failed(KeyError(b"447700900123")), personal=False)
    assert text.startswith("KeyError at test_hooks.py:")
    assert "4477" not in text
    assert describe_failure(failed(KeyError(b"447700900123")), personal=True).endswith(": b'447700900123'")


def test_what_a_hook_returned_is_described_without_what_is_in_it() -> None:
    error = failed_with(FIRING._replace(reply=Reply("your code", 0, "447700900123", b"")))
    assert describe_failure(error, personal=False).startswith("HookError: reply is Reply; expected None or a Reply")
    assert "4477" not in str(failed_with(FIRING._replace(status=b"447700900123")))


def failed_with(returned: Firing) -> HookError:
    with pytest.raises(HookError) as caught:
        call(lambda _event: returned, EVENT)
    return caught.value


def test_an_exception_without_words_is_described_all_the_same() -> None:
    assert describe_failure(UnspeakableError(), personal=True) == "UnspeakableError"


def test_the_documentation_names_what_a_hook_sees_and_says() -> None:
    text = (Path(__file__).parents[2] / "docs" / "hooks.md").read_text()
    told = {"pdu", "firing", "groups", *(name for name in vars(Event) if not name.startswith("_"))}
    missing = [name for name in (*told, *Firing._fields[1:]) if f"`{name}`" not in text]
    assert missing == []
