"""PDUs for the oracle's tests, generated from the grammar."""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st

from smppwire import pdus
from smppwire.grammar.gallery import GALLERY, LISTS, Body
from smppwire.grammar.notation import Typed, typed
from smppwire.grammar.optional import PARAMETERS

ADDRESSES = st.text("0123456789+ABC", max_size=20).map(str.encode)
TEXTS = ADDRESSES | st.binary(max_size=70).map(lambda octets: octets.replace(b"\x00", b""))

SME_ADDRESSES = st.fixed_dictionaries(
    {
        "dest_flag": st.just(1),
        "dest_addr_ton": st.integers(0, 255),
        "dest_addr_npi": st.integers(0, 255),
        "destination_addr": TEXTS,
    }
)
DISTRIBUTION_LISTS = st.fixed_dictionaries({"dest_flag": st.just(2), "dl_name": TEXTS})
FAILURES = st.fixed_dictionaries(
    {
        "dest_addr_ton": st.integers(0, 255),
        "dest_addr_npi": st.integers(0, 255),
        "destination_addr": TEXTS,
        "error_status_code": st.integers(0, 0xFFFFFFFF),
    }
)
MEMBERS = {"dest_address": SME_ADDRESSES | DISTRIBUTION_LISTS, "unsuccess_sme": FAILURES}

TAGS = st.sampled_from(sorted(PARAMETERS)) | st.integers(0, 0xFFFF)
TLVS = st.lists(st.tuples(TAGS, st.binary(max_size=12)), max_size=4)


def fields_of(body: Body) -> dict[str, Any]:
    """The fields of a body by name, without what the grammar wraps around them."""
    return {field.name: field for field in body.fields.subcons}


def values_of(command_id: int) -> st.SearchStrategy[dict[str, Any]]:
    """Mandatory values, without the fields that count others."""
    counts = {"sm_length", *LISTS.values()}
    return st.fixed_dictionaries(
        {name: value_of(name, field) for name, field in fields_of(GALLERY[command_id]).items() if name not in counts}
    )


def value_of(name: str, field: Any) -> st.SearchStrategy[Any]:
    if name in LISTS:
        return st.lists(MEMBERS[name], max_size=4)
    kind: Typed = typed(field)
    if kind.kind == "octets":
        return st.binary(max_size=255)
    if kind.kind == "text":
        return TEXTS
    return st.integers(0, 256 ** kind.sizeof() - 1)


def as_codec(values: dict[str, Any]) -> dict[str, Any]:
    """Values of the grammar in the shape of ``smppwire.pdus``."""
    shaped = dict(values)
    for name in ("sm_length", *LISTS.values()):
        shaped.pop(name, None)
    if values.get("dest_address") is not None:
        shaped["dest_address"] = tuple(
            pdus.SmeAddress(one["dest_addr_ton"], one["dest_addr_npi"], one["destination_addr"])
            if one["dest_flag"] == 1
            else pdus.DistributionList(one["dl_name"])
            for one in values["dest_address"]
        )
    if values.get("unsuccess_sme") is not None:
        shaped["unsuccess_sme"] = tuple(pdus.UnsuccessSme(**one) for one in values["unsuccess_sme"])
    return shaped
