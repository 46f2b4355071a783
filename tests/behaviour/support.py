"""What the tests of rules share."""

import json
import tomllib
from pathlib import Path
from typing import Any

from smppd.settings import Rule, load_settings
from smppwire.pdus import SubmitSm

ROOT = Path(__file__).parents[2]


def rules_of(text: str) -> list[Rule]:
    """The rules that a text in TOML describes, read as a configuration is."""
    return load_settings(None, {}, [f"rule={json.dumps(tomllib.loads(text)['rule'])}"]).rule


def submit(destination: str = "447700900001", text: str = "hello", **fields: Any) -> SubmitSm:
    return SubmitSm(
        fields.pop("sequence_number", 1),
        source_addr=fields.pop("source_addr", b"smppd"),
        destination_addr=destination.encode(),
        short_message=fields.pop("short_message", text.encode("latin-1")),
        **fields,
    )
