"""One SMPP session in a few octets of our own: no code of the server under test.

It does what the meter does not: bind as a transmitter, hold a bind for a while, ask how long an answer takes.
"""

import socket
import struct
import time
from types import TracebackType
from typing import Self

HOST = "127.0.0.1"
ANSWER_SECONDS = 5.0  # for one answer on a connection that was accepted
BATCH = 500  # submit_sm written before their answers are read

_HEADER = struct.Struct(">IIII")
BIND_TRANSMITTER, BIND_TRANSCEIVER = 0x00000002, 0x00000009
SUBMIT_SM, SUBMIT_SM_RESP = 0x00000004, 0x80000004
DELIVER_SM, DELIVER_SM_RESP = 0x00000005, 0x80000005
UNBIND, UNBIND_RESP = 0x00000006, 0x80000006
ENQUIRE_LINK, ENQUIRE_LINK_RESP = 0x00000015, 0x80000015
_BODY = b"\0\x01\x0112345\0\x01\x014477%08d\0\0\0\0\0\0%c\0\0\0\x05hello"


class RefusedError(Exception):
    """The server answered with a status that is not 0."""


class Session:
    """A bound session. Use as a context manager: leaving it unbinds. OSError when the server does not play its part."""

    def __init__(self, port: int, system_id: str, password: str, command: int = BIND_TRANSCEIVER) -> None:
        """Connect and bind. Raises RefusedError with the status in hexadecimal."""
        self._sequence = 0
        self._connection = socket.create_connection((HOST, port), timeout=ANSWER_SECONDS)
        try:
            self._connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            self._bind(command, system_id, password)
        except BaseException:
            self._connection.close()
            raise

    def _bind(self, command: int, system_id: str, password: str) -> None:
        self._write(command, b"".join(text.encode() + b"\0" for text in (system_id, password)) + b"\0\x34\0\0\0")
        _, status, _ = self._read_pdu()
        if status:
            raise RefusedError(f"0x{status:08x}")

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        with self._connection:
            if error is None:
                self._ask(UNBIND, UNBIND_RESP)

    def enquire(self) -> float:
        """Seconds from an enquire_link to its answer."""
        begin = time.perf_counter()
        self._ask(ENQUIRE_LINK, ENQUIRE_LINK_RESP)
        return time.perf_counter() - begin

    def submit(self, count: int, *, receipts: bool) -> None:
        """Submit so many messages, a batch at a time. Raises RefusedError for the first that is not accepted."""
        for first in range(0, count, BATCH):
            batch = range(first, min(first + BATCH, count))
            pdus = []
            for number in batch:
                body = _BODY % (number, receipts)
                self._sequence += 1
                pdus.append(_HEADER.pack(16 + len(body), SUBMIT_SM, 0, self._sequence) + body)
            self._connection.sendall(b"".join(pdus))
            for _ in batch:
                _, status, _ = self._await(SUBMIT_SM_RESP)
                if status:
                    raise RefusedError(f"0x{status:08x}")

    def acknowledge(self, quiet_seconds: float, seconds: float) -> int:
        """Acknowledge each deliver_sm until none comes for a while, `seconds` at most; returns how many came."""
        count = 0
        deadline = time.monotonic() + seconds
        self._connection.settimeout(quiet_seconds)
        try:
            while time.monotonic() < deadline:
                command, _, sequence = self._read_pdu()
                if command == DELIVER_SM:
                    self._connection.sendall(_HEADER.pack(17, DELIVER_SM_RESP, 0, sequence) + b"\0")
                    count += 1
        except TimeoutError:
            pass
        self._connection.settimeout(ANSWER_SECONDS)
        return count

    def _ask(self, command: int, answer: int) -> None:
        self._write(command)
        self._await(answer)

    def _write(self, command: int, body: bytes = b"") -> None:
        self._sequence += 1
        self._connection.sendall(_HEADER.pack(16 + len(body), command, 0, self._sequence) + body)

    def _await(self, wanted: int) -> tuple[int, int, int]:
        """The next PDU of one kind; others are passed over."""
        while (pdu := self._read_pdu())[0] != wanted:
            pass
        return pdu

    def _read_pdu(self) -> tuple[int, int, int]:
        """Read one PDU: command_id, command_status, sequence_number."""
        length, command, status, sequence = _HEADER.unpack(self._read(_HEADER.size))
        self._read(length - _HEADER.size)
        return command, status, sequence

    def _read(self, count: int) -> bytes:
        octets = b""
        while len(octets) < count:
            piece = self._connection.recv(count - len(octets))
            if not piece:
                raise ConnectionResetError("connection closed")
            octets += piece
        return octets
