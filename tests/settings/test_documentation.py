"""docs/configuration.md and the sample configuration say what the structs say."""

import json
import re
import tomllib

import msgspec
import pytest

from smppd import settings as module
from smppd.settings.delays import DISTRIBUTIONS
from smppd.settings.dialects import DEFAULT_TEMPLATE, RECEIPT_TLVS
from smppd.settings.faults import FAULTS, Fault
from tests.settings.support import CONFIG, ROOT

STRUCTS: dict[str, type[msgspec.Struct]] = {
    "server": module.Server,
    "messages": module.Messages,
    "journal": module.Journal,
    "timers": module.Timers,
    "privacy": module.Privacy,
    "log": module.Log,
    "validation": module.Validation,
    "api": module.Api,
    "api.token": module.ApiToken,
    "account": module.Account,
    "throughput": module.Throughput,
    "route": module.Route,
    "match": module.Match,
    "queue": module.Queue,
    "network.NAME": module.Network,
    "delay": module.Delay,
    "rule": module.Rule,
    "rule.when": module.When,
    "rule.when.test": module.Test,
    "rule.then": module.Then,
    "rule.then.reply": module.Reply,
    "rule.then.sequence_number": module.SequenceNumber,
    "rule.scenario": module.Scenario,
    "rule.schedule": module.Schedule,
    "fault": Fault,
    "dialect.NAME": module.Dialect,
}
FORMS: dict[str, type[msgspec.Struct]] = {
    "dialect.message_id": module.MessageId,
    "dialect.message_id.form": module.IdForm,
    "dialect.receipt": module.ReceiptForm,
    "dialect.response": module.ResponseForm,
    "dialect.bind": module.BindForm,
    "dialect.session": module.SessionForm,
    "dialect.text": module.TextForm,
    "dialect.limits": module.LimitForm,
    "dialect.addresses": module.AddressForm,
    "dialect.vendor_tlvs": module.VendorTlv,
}
ALL = STRUCTS | FORMS
DOCUMENT = (ROOT / "docs" / "configuration.md").read_text()


def keys_of(struct: type[msgspec.Struct]) -> dict[str, msgspec.structs.FieldInfo]:
    """The keys of a table; what takes all remaining keys is none."""
    return {field.encode_name: field for field in msgspec.structs.fields(struct) if field.encode_name != "fields"}


def default_of(field: msgspec.structs.FieldInfo) -> object:
    return field.default_factory() if field.default_factory is not msgspec.NODEFAULT else field.default


def documented() -> dict[tuple[str, str], str]:
    """(section, key) -> default."""
    section, found = "", {}
    for line in DOCUMENT.splitlines():
        if line.startswith("#"):
            heading = re.match(r"#+ `\[*([\w.]+)\]*`", line)
            section = heading[1] if heading else ""
        elif section in ALL and (row := re.match(r"\| `(\w+)` \| (.+?) \|", line)):
            found[section, row[1]] = row[2]
    return found


def table(heading: str) -> list[tuple[str, str]]:
    """The first two columns of the table below a heading."""
    below = DOCUMENT[DOCUMENT.index(f"\n{heading}\n") :].split("\n#")[1]
    return re.findall(r"^\| `(\w+)` \| (.*?) \|", below, re.MULTILINE)


def test_the_shipped_file_names_every_key() -> None:
    text = (CONFIG / "smppd.toml").read_text()
    names = {name for struct in STRUCTS.values() for name in keys_of(struct)}
    assert [name for name in names if not re.search(rf"\b{name}\b", text)] == []


def test_every_key_is_there_with_its_default() -> None:
    keys = {(section, name) for section, struct in ALL.items() for name in keys_of(struct)}
    found = documented()
    assert found.keys() == keys
    for (section, name), default in found.items():
        field = keys_of(ALL[section])[name]
        value = default_of(field)
        if default == "required":
            assert field.required, (section, name)
        elif default.startswith("`"):
            assert tomllib.loads(f"value = {default.strip('`')}")["value"] == value, (section, name)
        else:
            spelled = value in (None, "", DEFAULT_TEMPLATE, list(RECEIPT_TLVS))
            assert spelled or isinstance(value, msgspec.Struct), (section, name)


@pytest.mark.parametrize(
    ("group", "heading"),
    [
        ("bytes", "### Octets on the connection"),
        ("pdus", "### PDUs"),
        ("receipts", "### Receipts"),
        ("sessions", "### Sessions"),
        ("load", "### Load"),
    ],
)
def test_every_kind_of_fault_is_there_with_its_parameters(group: str, heading: str) -> None:
    rows = dict(table(heading))
    assert list(rows) == [kind for kind, fault in FAULTS.items() if fault.group == group]
    for kind, parameters in rows.items():
        own = {name: field for name, field in keys_of(FAULTS[kind]).items() if name not in keys_of(Fault)}
        assert set(re.findall(r"`(\w+)", parameters)) == set(own), kind
        for name, field in own.items():
            default = getattr(default_of(field), "value", default_of(field))
            if field.required:
                assert f"`{name}` (required)" in parameters
            elif default is not None:
                assert f"`{name} = {json.dumps(default)}`" in parameters


def test_every_distribution_is_there_with_its_keys() -> None:
    found = {name: set(re.findall(r"`(\w+)`", keys)) for name, keys in table("## Distributions")}
    assert found == {name: keys_of(wait).keys() - {"distribution"} for name, wait in DISTRIBUTIONS.items()}


def test_what_needs_a_restart() -> None:
    sentence = DOCUMENT[DOCUMENT.index("wait for a restart:") :].split("\n\n")[0]
    assert re.findall(r"`([\w.]+)`", sentence) == [".".join(path) for path in module.RESTART_KEYS]


def test_the_examples_are_accepted() -> None:
    for example in re.findall(r"```toml\n(.*?)```", DOCUMENT, re.DOTALL):
        tree = tomllib.loads(example)
        overrides = [f"{table}={json.dumps(entries)}" for table, entries in tree.items()]
        settings = module.load_settings(None, {}, overrides)
        assert len(settings.rule) + len(settings.fault) == sum(map(len, tree.values()))
