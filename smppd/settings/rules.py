"""``[[rule]]``: when a PDU meets these conditions, do that; the first that matches wins."""

from __future__ import annotations

from typing import Annotated, Final, Literal, TypeAlias

from msgspec import Meta, field

from smppd.settings.delays import Delay, Fixed
from smppd.settings.names import (
    Command,
    FieldName,
    Hex,
    HookName,
    Number32,
    Probability,
    Regex,
    Status,
    TextGlob,
    TlvName,
    minutes_of_day,
    template_names,
)
from smppd.settings.types import BindType, Count, ErrorCode, Interval, Name, OutcomeName, Seconds, Table
from smppd.strict import Rest, Short
from smppd.strict import Rule as StrictRule

MESSAGES: Final = ("submit_sm", "data_sm")
"""The commands of a rule that names none: those that bring a message for one subscriber."""

SUBMITS: Final = (*MESSAGES, "submit_multi")
"""Requests that bring messages, which have an outcome, a receipt and somebody who may reply."""

EXTRA_NAMES: Final = ("text", "account", "route", "part", "parts")
"""What a template may name beside the fields of the PDU and the groups of regular expressions."""

Scalar: TypeAlias = Annotated[int, Meta(ge=0)] | str
Bound: TypeAlias = int | float


class Test(Table, frozen=True):
    """What a value must be; of a test, everything that is given must hold.

    * equals, prefix, glob, hex: one of these. hex: the octets of the value, for TLVs and octet strings.
    * regex: a regular expression that is found in it. Its named groups can be used in replies.
    * min, max: a number from ``min`` to ``max``.
    * present: whether there is a value at all (TLVs).
    * not: a test that does not hold.
    """

    equals: Scalar | list[Scalar] | None = None
    prefix: str | list[str] | None = None
    glob: TextGlob | list[TextGlob] | None = None
    hex: Hex | list[Hex] | None = None
    regex: Regex | None = None
    min: Bound | None = None
    max: Bound | None = None
    present: bool | None = None
    not_: Annotated[Test, Short("equals")] | None = field(default=None, name="not")


class Pattern(Test, frozen=True):
    """A test of an address or a name: a plain text is a glob, as in routes."""

    not_: Annotated[Pattern, Short("glob")] | None = field(default=None, name="not")


Value: TypeAlias = Annotated[Test, Short("equals")]
Glob: TypeAlias = Annotated[Pattern, Short("glob")]
TimeOfDay: TypeAlias = Annotated[str, StrictRule('a time of day such as "22:00"', minutes_of_day)]


class Between(Table, frozen=True):
    """A range of seconds, both ends included; an end that is not given is open."""

    min: Seconds = 0.0
    max: Seconds | None = None


class Hours(Table, frozen=True):
    """A part of each day in the time zone of the server; ``to`` before ``from``: over midnight."""

    from_: TimeOfDay = field(name="from")
    to: TimeOfDay


class When(Table, frozen=True):
    """``when`` of a rule: every condition that is given must hold.

    * command: names of PDUs, or "*". direction: "in" = from the ESME, "out" = to it.
    * account, route: who it is from, and the route it takes. bind_type, interface_version: of the session.
    * source_addr, destination_addr: as on routes, or a test.
    * text: the decoded text, without its user data header. part, parts: of a concatenated message (1 and 1 of others).
    * tlv: by name or tag.
    * session_age: seconds since the bind. time: of the day.
    * any other key: a mandatory field of the PDU, or command_status (by name or number) or sequence_number.
    """

    command: Command | Annotated[list[Command], Meta(min_length=1)] = field(default_factory=lambda: list(MESSAGES))
    direction: Literal["in", "out"] = "in"
    account: Glob | None = None
    route: Glob | None = None
    bind_type: BindType | list[BindType] | None = None
    interface_version: Value | None = None
    source_addr: Glob | None = None
    destination_addr: Glob | None = None
    text: Value | None = None
    tlv: dict[TlvName, Value] = field(default_factory=dict)
    part: Value | None = None
    parts: Value | None = None
    session_age: Between | None = None
    time: Hours | None = None
    fields: Annotated[dict[FieldName, Value], Rest()] = field(default_factory=dict)

    @property
    def commands(self) -> tuple[str, ...]:
        """The names of the commands, never none."""
        return (self.command,) if isinstance(self.command, str) else tuple(self.command)


class Scenario(Table, frozen=True):
    """``scenario`` of a rule: a state that rules share by its name; it begins as "".

    is: the rule is for this state alone; not given: for any. becomes: what the state is once the rule has fired.
    """

    name: Name
    is_: str | None = field(default=None, name="is")
    becomes: str | None = None


class Schedule(Table, frozen=True):
    """When a rule or a fault is awake: from ``start`` on, for so long, and again every so many seconds.

    * start: seconds since the server's start, or since the session's bind. for: not given = without end.
    * every: 0 = once.
    """

    start: Seconds = 0.0
    for_: Interval | None = field(default=None, name="for")
    every: Seconds = 0.0
    since: Literal["server", "session"] = "server"


class SequenceNumber(Table, frozen=True):
    """Another sequence number: this one, or the right one and so much more. Exactly one of the two."""

    value: Number32 | None = None
    add: Annotated[int, Meta(ge=-0xFFFFFFFF, le=0xFFFFFFFF)] | None = None


class Reply(Table, frozen=True):
    """``reply``: the subscriber answers with a message of their own (deliver_sm to the ESME).

    text: a template: ``{destination_addr}`` is a field of the PDU, ``{code}`` a named group of a regular expression.
    delay: after the message was accepted. source_addr, destination_addr: templates too; "" = those of the message,
    swapped.
    """

    text: Annotated[str, StrictRule('a template such as "{destination_addr} says hi"', template_names)]
    delay: Delay = Fixed()
    source_addr: Annotated[str, StrictRule("a template", template_names)] = ""
    destination_addr: Annotated[str, StrictRule("a template", template_names)] = ""


class Then(Table, frozen=True):
    """``then`` of a rule. Without a ``status`` (or with 0) a message goes on as usual, with the changes asked for.

    * status: answer with this, and do nothing else with the request.
    * delay: until the answer. answer: as usual, none, twice, or a generic_nack in its place.
    * sequence_number: of the answer.
    * outcome, error: how the message ends, and the ``err`` of its receipt. receipt_delay: seconds until then.
    * throttle: seconds; until then every PDU of the account that meets ``when`` is refused with ``status``.
    * reply: a message from the subscriber.
    * connection: what becomes of it once the answer has left: unbind, close, reset, or silent: it stays open, but
      nothing that comes is read or answered any more.
    * hook: a Python function that may decide all of this; see docs/hooks.md.
    """

    status: Status | None = None
    delay: Delay | None = None
    answer: Literal["once", "none", "twice", "nack"] = "once"
    sequence_number: Annotated[SequenceNumber, Short("value")] | None = None
    outcome: OutcomeName | None = None
    error: ErrorCode | None = None
    receipt_delay: Delay | None = None
    throttle: Seconds = 0.0
    reply: Annotated[Reply, Short("text")] | None = None
    connection: Literal["unbind", "close", "reset", "silent"] | None = None
    hook: HookName | None = None


class Rule(Table, frozen=True, kw_only=True):
    """``[[rule]]``: the first in the file whose conditions hold is carried out.

    * name: unique; "rule-N" when it is not given. enabled: false takes it out of use.
    * when: which PDUs. then: what happens.
    * after: leaves so many matches alone. every: fires at each so-manieth match after these. probability: drawn for
      each match. times: fires at most so often; 0 = without end. A rule that does not fire lets the next one try.
    * schedule: when it is awake. scenario: the state it needs, and leads to.
    """

    name: Name = ""
    enabled: bool = True
    when: When = When()
    after: Count = 0
    every: Annotated[int, Meta(ge=1, le=1_000_000_000)] = 1
    probability: Probability = 1.0
    times: Count = 0
    schedule: Schedule | None = None
    scenario: Scenario | None = None
    then: Then
