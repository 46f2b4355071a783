"""The command line: one module per command, each with a click command named ``command``.

A command reports a user's mistake by raising :class:`UserError` (``smppd: TEXT`` on standard error, status 1) and
returns None or its exit status. Nothing is imported here that takes time: ``smppd --help`` has to answer at once.
"""

from smppd.errors import UserError

__all__ = ["UserError"]
