"""Requests, read strictly: whatever is not exactly what an endpoint takes is told, all of it at once."""

from __future__ import annotations

import asyncio
import json
import re
from collections import Counter
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import parse_qsl

import msgspec
from aiohttp import hdrs

from smppd.api.endpoint import JSON
from smppd.api.problem import MAX_ERRORS, RequestError
from smppd.control.failures import InvalidError
from smppd.kinds import bare_of, fields_of, list_item, takes_text, variants_of
from smppd.settings.checks import CHECKS
from smppd.strict import StrictReader, TooManyProblemsError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from aiohttp import web

    from smppd.api.endpoint import Endpoint
    from smppd.strict import Problem

MAX_FIELDS: Final = 200
"""Values in a query string: lists are given by repeating a name, and a request line has 8,190 octets anyway."""

BODY_SECONDS: Final = 5.0
"""Seconds a body may take to arrive: less than a request may take as a whole."""

LARGE: Final = 16_384
"""Octets of a body that is read in a thread: above this, reading takes more than about a millisecond, and the event
loop has other things to do."""

_INTEGER: Final = re.compile(r"[+-]?[0-9]{1,19}")
_NUMBER: Final = re.compile(r"[+-]?[0-9]{1,19}(\.[0-9]{1,19})?([eE][+-]?[0-9]{1,3})?")
_BOOLEANS: Final = {"true": True, "false": False}


class _Twice(ValueError):  # noqa: N818  # never leaves this module
    """An object of JSON has the same name twice."""


def read_path(variables: Mapping[str, str]) -> Mapping[str, str]:
    """The variables of a path. Raises RequestError when they are not UTF-8."""
    for value in variables.values():
        _check_utf8(value, "path")
    return variables


def read_query(kind: type[msgspec.Struct] | None, request: web.Request) -> Any:
    """The query string as an instance of `kind`. Raises RequestError, InvalidError."""
    text = request.raw_path.partition("#")[0].partition("?")[2]
    try:
        pairs = parse_qsl(text, keep_blank_values=True, errors="strict", max_num_fields=MAX_FIELDS)
        for pair in pairs:
            _check_utf8("".join(pair), "query string")
    except UnicodeDecodeError:
        raise RequestError(400, "The query string is not UTF-8.") from None
    except ValueError:
        raise RequestError(400, f"The query string has more than {MAX_FIELDS} values.") from None
    if kind is None:
        if pairs:
            raise InvalidError([(name, "nothing is taken in the query string here") for name, _ in pairs])
        return None
    return _struct_of(kind, pairs)


def _struct_of(kind: type[msgspec.Struct], pairs: list[tuple[str, str]]) -> Any:
    fields = fields_of(kind)
    given: dict[str, list[str]] = {}
    for name, text in pairs:
        given.setdefault(name, []).append(text)
    repeated: list[tuple[str, str]] = []
    table: dict[str, object] = {}
    for name, texts in given.items():
        of = fields[name].type if name in fields else str
        item = list_item(of)
        if item is not None and (len(texts) > 1 or not takes_text(of)):
            table[name] = [_value_of(item, text) for text in texts]
            continue
        table[name] = _value_of(of, texts[0])
        if len(texts) > 1 and name in fields:
            repeated.append((name, f"given {len(texts)} times, expected once"))
    return _read(kind, table, repeated)


def _value_of(kind: Any, text: str) -> object:
    """What a text of a query string stands for; itself when it cannot be of this type, which the reader then tells."""
    if takes_text(kind):
        return text
    kinds = {bare_of(variant)[0] for variant in variants_of(kind)}
    if bool in kinds and text in _BOOLEANS:
        return _BOOLEANS[text]
    if int in kinds and _INTEGER.fullmatch(text):
        return int(text)
    if float in kinds and _NUMBER.fullmatch(text):
        return float(text)
    return text


async def read_body(endpoint: Endpoint, request: web.Request, limit: int) -> Any:
    """The body as an instance of `endpoint.body`; None when there is none, or when the handler reads it by itself.

    `limit` is its greatest length in octets. Raises RequestError, InvalidError.
    """
    if not request.can_read_body:
        if endpoint.body is None or endpoint.body_optional:
            return None
        raise RequestError(400, "A JSON body is missing.")
    if endpoint.upload and request.content_type == endpoint.upload:
        return None
    if endpoint.body is None:
        if await _octets(request, limit):
            raise RequestError(400, "No body is taken here.")
        return None
    _check_media(endpoint, request)
    octets = await _octets(request, limit)
    if len(octets) < LARGE:
        return parse(endpoint.body, octets)
    return await asyncio.to_thread(parse, endpoint.body, octets)


def _check_media(endpoint: Endpoint, request: web.Request) -> None:
    if request.content_type != JSON:
        accepted = f"{JSON} or {endpoint.upload}" if endpoint.upload else JSON
        raise RequestError(415, f"The Content-Type must be {accepted}.", {hdrs.ACCEPT: accepted.replace(" or", ",")})
    if (request.charset or "utf-8").lower() not in {"utf-8", "utf8"}:
        raise RequestError(415, "JSON is UTF-8.")
    if request.headers.get(hdrs.CONTENT_ENCODING, "identity").lower() != "identity":
        raise RequestError(415, "A compressed body is not taken.", {hdrs.ACCEPT_ENCODING: "identity"})


async def _octets(request: web.Request, limit: int) -> bytes:
    """The whole body. Raises RequestError when it is longer than `limit`, or does not arrive."""
    too_long = RequestError(413, f"The body is longer than {limit} octets ([api] max_body).")
    if (request.content_length or 0) > limit:
        raise too_long
    octets = bytearray()
    try:
        async with asyncio.timeout(BODY_SECONDS):
            async for chunk in request.content.iter_any():
                octets += chunk
                if len(octets) > limit:
                    raise too_long
    except TimeoutError:
        raise RequestError(408, f"The body took longer than {BODY_SECONDS:g} seconds to arrive.") from None
    return bytes(octets)


def parse(kind: Any, octets: bytes) -> Any:
    """A value of type `kind` out of JSON: UTF-8, no name twice, finite numbers. Raises RequestError, InvalidError."""
    try:
        text = octets.decode()
        msgspec.json.decode(octets)  # stricter than Python's own: surrogates, NaN, leading zeros, control characters
        value = json.loads(text, object_pairs_hook=_object)
    except UnicodeDecodeError as error:
        raise RequestError(400, f"The body is not UTF-8 (octet {error.start}).") from None
    except _Twice as error:
        raise RequestError(400, f"The body has an object that names {error} twice.") from None
    except RecursionError:
        raise RequestError(400, "The body is nested too deeply.") from None
    except ValueError as error:  # msgspec's errors are ValueErrors too
        raise RequestError(400, f"The body is not JSON: {_reason(error)}") from None
    return _read(kind, value, [])


def _object(pairs: list[tuple[str, object]]) -> dict[str, object]:
    table = dict(pairs)
    if len(table) < len(pairs):
        (name, _), *_ = Counter(name for name, _ in pairs).most_common(1)
        raise _Twice(json.dumps(name[:80]))
    return table


def _reason(error: ValueError) -> str:
    text = str(error).removeprefix("JSON is malformed: ")
    return "it is empty or ends too early." if text == "Input data was truncated" else f"{text}."


def _read(kind: Any, value: object, problems: list[tuple[str, str]]) -> Any:
    reader = StrictReader(lambda _: "", CHECKS, most=MAX_ERRORS)
    try:
        read = reader.read_as(kind, value)
    except TooManyProblemsError:
        read = None
    except RecursionError:
        raise RequestError(400, "The body is nested too deeply.") from None
    except (ValueError, TypeError) as error:
        # What a struct says in its __post_init__; where a key is wrong, that is the reason.
        if not reader.problems:
            raise InvalidError([*problems, ("", str(error))]) from None
        read = None
    problems += map(_told, reader.problems)
    if problems:
        raise InvalidError(problems)
    return read


def _told(problem: Problem) -> tuple[str, str]:
    return problem.key, problem.told


def _check_utf8(text: str, where: str) -> None:
    try:
        text.encode()
    except UnicodeEncodeError:
        raise RequestError(400, f"The {where} is not UTF-8.") from None
