"""Python functions that rules call: ``module:function``, guarded so that a broken one harms nobody.

A hook gets an :class:`Event` and returns what is to be done with the PDU: None leaves it to the rule, and
``event.firing._replace(status=0x58)`` changes what the rule would do. It is called in the event loop, so it must not
wait for anything. An exception, or an answer that is none, is reported and counted, and the PDU goes on as if the rule
had no hook.
"""

from __future__ import annotations

import importlib
import math
import traceback
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import PurePath
from typing import TYPE_CHECKING, Final

from smppd.behaviour.firing import Firing, Reply
from smppd.errors import UserError
from smppd.settings.names import HIGHEST
from smppd.settings.types import MAX_LIFE
from smppwire.constants import MessageState

if TYPE_CHECKING:
    from smppd.behaviour.facts import Facts
    from smppwire.pdus import Pdu

ANSWERS: Final = ("once", "none", "twice", "nack")
ENDINGS: Final = (None, "unbind", "close", "reset", "silent")


@dataclass(frozen=True, slots=True)
class Event:
    """What a hook is told.

    * pdu: the PDU, decoded; a hook must not change it. firing: what the rule is about to do.
    * groups: what the named groups of the rule's regular expressions have found.
    * account, bind_type, interface_version: of the session. route: the name of the message's route, "" for none.
    * text, part, parts: of the message. now: seconds of the engine's clock. wall: Unix time.
    """

    pdu: Pdu
    firing: Firing
    groups: Mapping[str, str]
    _facts: Facts

    @property
    def account(self) -> str:
        """The system_id of the session; "" before the bind."""
        return self._facts.account

    @property
    def bind_type(self) -> str:
        """How the session is bound: transmitter, receiver or transceiver; "" before the bind."""
        return self._facts.bind_type

    @property
    def interface_version(self) -> int:
        """The SMPP version of the session: 0x34, 0x50."""
        return self._facts.interface_version

    @property
    def route(self) -> str:
        """The name of the route that the message takes; "" for none."""
        return self._facts.route(self.pdu)

    @property
    def text(self) -> str:
        """The decoded text of the message, without its user data header."""
        return self._facts.text(self.pdu)

    @property
    def part(self) -> int:
        """Which part of a concatenated message this is; 1 for a whole one."""
        return self._facts.part(self.pdu).part

    @property
    def parts(self) -> int:
        """How many parts the message has; 1 for a whole one."""
        return self._facts.part(self.pdu).parts

    @property
    def now(self) -> float:
        """Seconds of the engine's clock, which may be a virtual one."""
        return self._facts.now

    @property
    def wall(self) -> float:
        """Unix time of the engine's clock."""
        return self._facts.wall


Hook = Callable[[Event], Firing | None]
"""What a hook is."""


class HookError(Exception):
    """A hook returned something that cannot be done. What it says holds no numbers of people and no texts of theirs."""


def load_hook(name: str) -> Hook:
    """Import the function that ``module:function`` names. Raises UserError, saying what is wrong with it."""
    module_name, _, path = name.partition(":")
    try:
        found = importlib.import_module(module_name)
    except ModuleNotFoundError as error:
        if error.name is not None and (module_name == error.name or module_name.startswith(f"{error.name}.")):
            raise UserError(
                f"hook {name}: there is no module {error.name}; it must lie beside the configuration or be installed"
            ) from None
        raise UserError(f"hook {name}: its module cannot be imported: {error}") from None
    except Exception as error:  # noqa: BLE001 - whatever somebody's module does when it is imported
        raise UserError(f"hook {name}: its module cannot be imported: {type(error).__name__}: {error}") from None
    for part in path.split("."):
        try:
            found = getattr(found, part)
        except AttributeError:
            raise UserError(f"hook {name}: there is no {part} in {getattr(found, '__name__', found)}") from None
    if not callable(found):
        raise UserError(f"hook {name}: this is no function but {type(found).__name__}")
    return found


def describe_failure(error: BaseException, *, personal: bool) -> str:
    """What a log may say about a hook that failed: the kind of exception, and the line that raised it.

    personal: whether logs may hold phone numbers and texts. If not, the words of an exception stay out: a KeyError, for
    one, consists of the number that was looked up.
    """
    kind = type(error).__name__
    if isinstance(error, HookError):
        return f"{kind}: {error}"
    frames = [(frame.f_code.co_filename, line) for frame, line in traceback.walk_tb(error.__traceback__)]
    where = f" at {PurePath(frames[-1][0]).name}:{frames[-1][1]}" if frames else ""
    try:
        words = f": {error}" if personal else ""
    except Exception:  # noqa: BLE001 - an exception whose words raise another one
        words = ""
    return f"{kind}{where}{words}"


def call(hook: Hook, event: Event) -> Firing:
    """Ask a hook what is to be done. Raises HookError when it returns something that cannot be done."""
    firing = hook(event)
    if firing is None:
        return event.firing
    if not isinstance(firing, Firing):
        raise HookError(f"it returned {type(firing).__name__}; expected None or event.firing._replace(...)")
    _check(firing)
    return firing


def _check(firing: Firing) -> None:
    """Raise HookError for a value that the server could not carry out."""
    numbers = (
        ("status", firing.status, 0, HIGHEST),
        ("sequence_number", firing.sequence_number, 0, HIGHEST),
        ("error", firing.error, 0, 0xFFFF),
        ("outcome", firing.outcome, int(MessageState.ENROUTE), int(MessageState.REJECTED)),
    )
    for name, value, least, most in numbers:
        if value is not None and not (isinstance(value, int) and least <= value <= most):
            raise HookError(f"{name} is {_shown(value)}; expected None or an integer from {least} to {most}")
    if firing.reply is not None and not _is_reply(firing.reply):
        kind = type(firing.reply).__name__
        raise HookError(f"reply is {kind}; expected None or a Reply of text, seconds, octets and octets")
    delays = (("delay", firing.delay), ("receipt_delay", firing.receipt_delay))
    for name, seconds in (*delays, ("reply.delay", firing.reply.delay if firing.reply is not None else None)):
        if seconds is None and name != "delay":
            continue
        if not (isinstance(seconds, (int, float)) and math.isfinite(seconds) and 0 <= seconds <= MAX_LIFE):
            raise HookError(f"{name} is {_shown(seconds)}; expected seconds from 0 to {MAX_LIFE:g}")
    if firing.answer not in ANSWERS or firing.connection not in ENDINGS:
        raise HookError(f"answer must be one of {ANSWERS}, connection one of {ENDINGS}")


def _shown(value: object) -> str:
    """A number as it is; of anything else, which may be about people, the type."""
    return repr(value) if value is None or isinstance(value, (int, float)) else type(value).__name__


def _is_reply(reply: object) -> bool:
    """Whether a reply is one; its delay is judged with the others."""
    if not (isinstance(reply, Reply) and isinstance(reply.text, str)):
        return False
    return isinstance(reply.source_addr, bytes) and isinstance(reply.destination_addr, bytes)
