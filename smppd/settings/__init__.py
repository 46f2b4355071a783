"""The settings of smppd: what can be configured, read strictly from TOML, the environment and the command line.

The structs are the reference: one field per key, with its default, unit and range. ``docs/configuration.md`` says the
same in prose and a test holds the two together. :func:`load_settings` reads them and reports every mistake at once;
:func:`diff` tells what a reload changes and what has to wait for a restart.

``types`` and ``names`` have the leaf types; ``server``, ``accounts``, ``routes``, ``rules``, ``faults`` and
``dialects`` the tables (``delays`` what several of them use), ``root`` all of them together. ``checks`` judges what
concerns several keys or tables, ``reader`` reads and ``changes`` compares. The kinds of faults stand in ``faults``.
"""

from __future__ import annotations

from smppd.settings.accounts import Account, DistributionList, Throughput
from smppd.settings.api import Api, ApiToken
from smppd.settings.changes import RESTART_KEYS, Changes, NameChanges, diff, without_restart
from smppd.settings.delays import (
    DISTRIBUTIONS,
    Exponential,
    Fixed,
    LogNormal,
    Mix,
    Normal,
    Portion,
    Spikes,
    Uniform,
    Wait,
)
from smppd.settings.dialects import (
    AddressForm,
    BindForm,
    Dialect,
    IdForm,
    LimitForm,
    MessageId,
    ReceiptForm,
    ResponseForm,
    SessionForm,
    TextForm,
    VendorTlv,
)
from smppd.settings.faults import FAULTS, Fault
from smppd.settings.files import read_toml
from smppd.settings.reader import load_settings
from smppd.settings.root import BUILT_IN_PASSWORD, BUILT_IN_SYSTEM_ID, DEFAULT, Settings, SettingsError
from smppd.settings.routes import Delay, Match, Network, Queue, Route
from smppd.settings.rules import (
    Between,
    Hours,
    Pattern,
    Reply,
    Rule,
    Scenario,
    Schedule,
    SequenceNumber,
    Test,
    Then,
    When,
)
from smppd.settings.server import Clock, Journal, Log, Messages, Privacy, Server, Timers, Validation
from smppd.settings.types import (
    BIND_TYPES,
    MAX_COUNT,
    MAX_PASSWORD_LENGTH,
    MAX_SECONDS,
    OUTCOMES,
    SMPP_PASSWORD_LENGTH,
    BindType,
    Count,
    Name,
    Octet,
    Seconds,
    ServiceType,
    parse_address,
    parse_moment,
    time_zone,
)

__all__ = [
    "BIND_TYPES",
    "BUILT_IN_PASSWORD",
    "BUILT_IN_SYSTEM_ID",
    "DEFAULT",
    "DISTRIBUTIONS",
    "FAULTS",
    "MAX_COUNT",
    "MAX_PASSWORD_LENGTH",
    "MAX_SECONDS",
    "OUTCOMES",
    "RESTART_KEYS",
    "SMPP_PASSWORD_LENGTH",
    "Account",
    "AddressForm",
    "Api",
    "ApiToken",
    "Between",
    "BindForm",
    "BindType",
    "Changes",
    "Clock",
    "Count",
    "Delay",
    "Dialect",
    "DistributionList",
    "Exponential",
    "Fault",
    "Fixed",
    "Hours",
    "IdForm",
    "Journal",
    "LimitForm",
    "Log",
    "LogNormal",
    "Match",
    "MessageId",
    "Messages",
    "Mix",
    "Name",
    "NameChanges",
    "Network",
    "Normal",
    "Octet",
    "Pattern",
    "Portion",
    "Privacy",
    "Queue",
    "ReceiptForm",
    "Reply",
    "ResponseForm",
    "Route",
    "Rule",
    "Scenario",
    "Schedule",
    "Seconds",
    "SequenceNumber",
    "Server",
    "ServiceType",
    "SessionForm",
    "Settings",
    "SettingsError",
    "Spikes",
    "Test",
    "TextForm",
    "Then",
    "Throughput",
    "Timers",
    "Uniform",
    "Validation",
    "VendorTlv",
    "Wait",
    "When",
    "diff",
    "load_settings",
    "parse_address",
    "parse_moment",
    "read_toml",
    "time_zone",
    "without_restart",
]
