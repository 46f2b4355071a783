import io

import pytest

from smppd.load.terminal import PIPE_WIDTH, console_for, plain


def test_plain_text_is_shown_and_not_obeyed() -> None:
    stream = io.StringIO()
    console_for(stream).print(plain("[red]\x1b[2J\x07 \u202e ok[/red]"))
    assert stream.getvalue() == "[red]\\u001b[2J\\u0007 \\u202e ok[/red]\n"


def test_no_terminal_has_a_fixed_width_and_no_colours() -> None:
    stream = io.StringIO()
    console = console_for(stream)
    assert console.width == PIPE_WIDTH
    console.print(plain("x", "bold red"))
    assert stream.getvalue() == "x\n"


def test_a_reader_that_left_is_for_main_to_handle() -> None:
    class Gone(io.StringIO):
        def write(self, _text: str) -> int:
            raise BrokenPipeError

    with pytest.raises(BrokenPipeError):
        console_for(Gone()).print(plain("x"))
