"""Writing tables where people read: colours, widths, and a reader that may leave."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from rich.console import Console
from rich.text import Text

from smppd.observe.logs import escape

if TYPE_CHECKING:
    from typing import TextIO

PIPE_WIDTH: Final = 100
"""Columns where there is no terminal to ask."""


class Output(Console):
    """Rich's console; colours are off where NO_COLOR is set or nobody looks."""

    def on_broken_pipe(self) -> None:
        """Let the exception reach `main`, which has an exit status for it; rich would end the process with 1."""
        raise  # noqa: PLE0704  # called while the BrokenPipeError is handled


def console_for(stream: TextIO) -> Console:
    """Return a console that writes to `stream` and takes no text for markup of its own accord."""
    console = Output(file=stream, highlight=False, markup=False)
    if console.is_terminal:
        return console
    return Output(file=stream, highlight=False, markup=False, width=PIPE_WIDTH)


def plain(text: str, style: str = "") -> Text:
    """Return text that shows as it is: no markup, and control characters visible instead of obeyed."""
    return Text(escape(text), style=style)
