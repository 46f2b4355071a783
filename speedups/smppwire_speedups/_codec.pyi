# What each function does stands in its docstring, in src/.

from collections.abc import Callable, Sequence
from typing import Any, Final, Self, final

API: Final[int]

@final
class Codec:
    def __new__(cls, submit_sm: type[Any], tlv: type[tuple[int, bytes]]) -> Self: ...
    def receive(
        self,
        buffer: bytes,
        longest: int,
        takes_submit_sm: bool,
        acknowledgement: int,
        entries: dict[int, tuple[object, float, int]],
        events: list[Any],
        acknowledged: Callable[[list[tuple[object, int]]], object],
        /,
    ) -> tuple[int, int]: ...
    def doubtful(self, pdus: Sequence[Any], rules: bytes, /) -> list[int] | None: ...
    def submit_sm_resps(
        self, pdus: Sequence[Any], answers: Sequence[bytes | int], tail: bytes, /
    ) -> tuple[bytes, int] | None: ...
    def requests(self, command_id: int, numbers: Sequence[int], bodies: Sequence[bytes], /) -> bytes | None: ...
    def receipt_bodies(
        self,
        records: Sequence[Any],
        wording: Callable[[Any], tuple[bytes, bytes]],
        otherwise: Callable[[Any], bytes],
        esm_class: int,
        with_tlvs: bool,
        /,
    ) -> list[bytes]: ...
