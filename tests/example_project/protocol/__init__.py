"""The shop's own words: what it says to customers, and what they say to the shop. It has nothing to do with smppd."""

from protocol.texts import CODE, code_text, is_stop
from protocol.wire import bind_transceiver, deliver_sm_resp, read_header, submit_sm

__all__ = ["CODE", "bind_transceiver", "code_text", "deliver_sm_resp", "is_stop", "read_header", "submit_sm"]
