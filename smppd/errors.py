"""The one exception that the command line shows without a traceback."""

from __future__ import annotations


class UserError(Exception):
    """A mistake of the person at the keyboard: its text is all they need to read.

    Any layer may raise it or derive from it; the command line prints ``smppd: TEXT`` on standard error and exits with
    status 1. The text says what is wrong and, where it can, what to do; it never holds a password.
    """
