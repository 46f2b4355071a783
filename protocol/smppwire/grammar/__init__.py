"""The same PDUs a second time, as a readable grammar in construct: the dissector, and the oracle of the codec's tests.

``gallery`` and ``optional`` are the format: one line per field, written from the specification and not from the
codec's schema. ``notation`` holds the types those lines are made of, ``words`` what values mean, ``dissect`` what to do
with octets that may be anything. Two ways in, and one back:

>>> it = dissect(bytes.fromhex("00000010800000040000005800000001"))
>>> it.command, it.command_status, it.problems
('submit_sm_resp', 88, [])
>>> build(0x80000004, 1, {"message_id": b"x"}).hex()
'000000128000000400000000000000017800'

Needs construct, which the rest of this library does not: import it where it is used, and not on a hot path.
"""

from __future__ import annotations

from smppwire.grammar.building import build
from smppwire.grammar.dissect import Dissection, Problem, TlvField, command_label, dissect, dissect_stream
from smppwire.grammar.notation import Field

__all__ = ["Dissection", "Field", "Problem", "TlvField", "build", "command_label", "dissect", "dissect_stream"]
