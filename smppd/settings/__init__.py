"""The settings of smppd: what can be configured, read strictly from TOML, the environment and the command line.

The structs are the reference: one field per key, with its default, unit and range. ``docs/configuration.md`` says the
same in prose and a test holds the two together. :func:`load_settings` reads them and reports every mistake at once;
:func:`diff` tells what a reload changes and what has to wait for a restart.

``types`` has the leaf types, ``server``, ``accounts`` and ``routes`` the tables, ``root`` all of them together;
``checks`` judges what concerns several tables, ``reader`` reads and ``changes`` compares.
"""

from __future__ import annotations

from smppd.settings.accounts import Account, DistributionList, Throughput
from smppd.settings.changes import RESTART_KEYS, Changes, NameChanges, diff, without_restart
from smppd.settings.reader import load_settings
from smppd.settings.root import BUILT_IN_PASSWORD, BUILT_IN_SYSTEM_ID, DEFAULT, Settings, SettingsError
from smppd.settings.routes import Delay, Match, Network, Queue, Route
from smppd.settings.server import Clock, Journal, Log, Messages, Privacy, Server, Timers, Validation
from smppd.settings.types import (
    BIND_TYPES,
    MAX_PASSWORD_LENGTH,
    SMPP_PASSWORD_LENGTH,
    BindType,
    parse_address,
    parse_moment,
    time_zone,
)

__all__ = [
    "BIND_TYPES",
    "BUILT_IN_PASSWORD",
    "BUILT_IN_SYSTEM_ID",
    "DEFAULT",
    "MAX_PASSWORD_LENGTH",
    "RESTART_KEYS",
    "SMPP_PASSWORD_LENGTH",
    "Account",
    "BindType",
    "Changes",
    "Clock",
    "Delay",
    "DistributionList",
    "Journal",
    "Log",
    "Match",
    "Messages",
    "NameChanges",
    "Network",
    "Privacy",
    "Queue",
    "Route",
    "Server",
    "Settings",
    "SettingsError",
    "Throughput",
    "Timers",
    "Validation",
    "diff",
    "load_settings",
    "parse_address",
    "parse_moment",
    "time_zone",
    "without_restart",
]
