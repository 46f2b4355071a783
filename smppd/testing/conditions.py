"""What a test says of the PDUs it means, as the conditions that rules have."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final, Literal, TypeAlias, TypedDict, TypeVar

from smppd.errors import UserError
from smppd.settings.checks import CHECKS
from smppd.settings.names import ALL_FIELDS
from smppd.settings.rules import When
from smppd.strict import StrictReader, suggestion
from smppd.testing.options import plain

if TYPE_CHECKING:
    from msgspec import Struct

__tracebackhide__ = True
__unittest = True  # pytest and unittest leave the frames of such modules out: what failed is in the test

Address: TypeAlias = str | re.Pattern[str] | Sequence[str] | Mapping[str, Any]
"""An address or a name: a glob (``"336*"``), several of them, a regular expression, or a test as in rules."""

Text: TypeAlias = str | re.Pattern[str] | Mapping[str, Any]
"""A text: exactly this one, a glob when it holds a ``*``, a regular expression, or a test as in rules."""

Number: TypeAlias = int | Sequence[int] | Mapping[str, Any]
"""A number, several of them, or a test as in rules."""


class MessageConditions(TypedDict, total=False):
    """Which messages are meant; everything that is given must hold."""

    to: Address
    """destination_addr."""
    source: Address
    """source_addr."""
    text: Text
    """The decoded text; of a message in parts, that of the part."""
    account: Address
    """system_id of who submitted it."""
    state: str
    """message_state, as in `DELIVERED`."""


class Conditions(TypedDict, total=False):
    """What PDUs are meant; everything that is given must hold.

    Other mandatory fields can be given by their names at run time too; type checkers want them in `when`.
    """

    to: Address
    """destination_addr."""
    source: Address
    """source_addr."""
    text: Text
    """The decoded text, without its user data header."""
    account: Address
    """system_id of who sent it."""
    data_coding: Number
    esm_class: Number
    registered_delivery: Number
    tlv: Mapping[str, Any]
    """By name or tag, the value or a test of it."""
    command: str | Sequence[str]
    """submit_sm and data_sm when it is not given; "*": any."""
    direction: Literal["in", "out"]
    """"in", from the ESME, when it is not given."""
    when: Mapping[str, Any]
    """Anything else that `when` of a rule can say."""


NAMES: Final = {"to": "destination_addr", "source": "source_addr"}
"""Words of tests for fields of the specification."""

KNOWN: Final = frozenset(
    {*Conditions.__annotations__, *MessageConditions.__annotations__, *When.__struct_encode_fields__, *ALL_FIELDS}
)
"""All names of conditions."""

SEE: Final = "docs/pytest.md has them"

S = TypeVar("S", bound="Struct")


def when_table(conditions: Mapping[str, Any], others: Collection[str] = ()) -> dict[str, Any]:
    """Conditions as the table `when` of a rule; raises UserError for a name that is none.

    others: names that could be meant where the conditions stand, for the suggestion.
    """
    for name in conditions:
        if name not in KNOWN:
            raise UserError(f"{name}: there is no such condition; {suggestion(name, KNOWN.union(others)) or SEE}")
    table: dict[str, Any] = dict(plain(conditions.get("when", {})))
    for name, value in conditions.items():
        if name == "text":
            table[name] = _text(value)
        elif name != "when" and value is not None:
            table[NAMES.get(name, name)] = plain(value)
    return table


def _text(value: Text) -> Any:
    """The test that a text stands for."""
    if isinstance(value, str):
        return {"glob": value} if "*" in value else {"equals": value}
    return plain(value)


def read_when(conditions: Mapping[str, Any]) -> When:
    """Conditions, read as strictly as those of rules. Raises smppd.errors.UserError with all that is wrong."""
    return read_strictly(When, when_table(conditions))


def read_strictly(struct: type[S], table: dict[str, Any]) -> S:
    """A table of a test as a struct. Raises smppd.errors.UserError with all that is wrong with it."""
    reader = StrictReader(lambda _place: "in this test", CHECKS)
    read = reader.read(struct, table)
    if reader.problems:
        raise UserError("\n".join(map(str, reader.problems)))
    return read
