"""The few PDUs that the asynchronous client needs, written by hand."""

import struct


def _pdu(command_id: int, sequence: int, body: bytes = b"") -> bytes:
    return struct.pack(">IIII", 16 + len(body), command_id, 0, sequence) + body


def bind_transceiver(sequence: int, system_id: str, password: str) -> bytes:
    """bind_transceiver."""
    return _pdu(0x00000009, sequence, f"{system_id}\0{password}\0\0".encode() + bytes((0x34, 0, 0)) + b"\0")


def submit_sm(sequence: int, source: str, destination: str, text: str) -> bytes:
    """submit_sm that asks for a receipt."""
    body = b"\0\x05\0" + source.encode() + b"\0\x01\x01" + destination.encode() + b"\0"
    body += b"\0\0\0\0\0\x01\0\0\0" + bytes((len(text),)) + text.encode("ascii")
    return _pdu(0x00000004, sequence, body)


def deliver_sm_resp(sequence: int) -> bytes:
    """deliver_sm_resp."""
    return _pdu(0x80000005, sequence, b"\0")


def read_header(octets: bytes) -> tuple[int, int, int, int]:
    """command_length, command_id, command_status, sequence_number."""
    return struct.unpack(">IIII", octets[:16])
