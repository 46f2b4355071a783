"""The shop's asynchronous client: written with anyio, so it runs under asyncio and under trio."""

from typing import Self

import anyio

from protocol import bind_transceiver, code_text, deliver_sm_resp, read_header, submit_sm

DELIVER = 0x00000005
RESPONSE = 0x80000000


class LiveShop:
    """One session; use it as an asynchronous context manager."""

    def __init__(self, host: str, port: int, *, system_id="smppclient1", password="password") -> None:
        self.inbox: list[bytes] = []
        self._target = host, port
        self._credentials = system_id, password
        self._sequence = 0
        self._answers: dict[int, int] = {}
        self._stirred = anyio.Event()

    async def __aenter__(self) -> Self:
        self._stream = await anyio.connect_tcp(*self._target)
        self._group = anyio.create_task_group()
        await self._group.__aenter__()
        self._group.start_soon(self._read)
        self._sequence += 1
        await self._stream.send(bind_transceiver(self._sequence, *self._credentials))
        await self._answer(self._sequence)
        return self

    async def __aexit__(self, *exc) -> None:
        self._group.cancel_scope.cancel()
        await self._group.__aexit__(None, None, None)
        await self._stream.aclose()

    async def send_code(self, number: str, code: str) -> int:
        """Send a code; returns the command_status of the response."""
        self._sequence += 1
        sequence = self._sequence
        await self._stream.send(submit_sm(sequence, "Shop", number, code_text(code)))
        return await self._answer(sequence)

    async def next_message(self) -> bytes:
        """The next deliver_sm, as octets."""
        while not self.inbox:
            await self._stirred.wait()
        return self.inbox.pop(0)

    async def _answer(self, sequence: int) -> int:
        while sequence not in self._answers:
            await self._stirred.wait()
        return self._answers.pop(sequence)

    async def _read(self) -> None:
        buffer = b""
        while True:
            try:
                buffer += await self._stream.receive()
            except (anyio.EndOfStream, anyio.BrokenResourceError):
                return
            while len(buffer) >= 16 and len(buffer) >= read_header(buffer)[0]:
                length, command_id, status, sequence = read_header(buffer)
                pdu, buffer = buffer[:length], buffer[length:]
                if command_id & RESPONSE:
                    self._answers[sequence] = status
                elif command_id == DELIVER:
                    self.inbox.append(pdu)
                    await self._stream.send(deliver_sm_resp(sequence))
            stirred, self._stirred = self._stirred, anyio.Event()
            stirred.set()
