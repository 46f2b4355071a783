"""A running server, asked over its HTTP API: what the commands about one have in common."""

from __future__ import annotations

import functools
import http.client
import json
import ssl
import sys
from typing import TYPE_CHECKING, Any, Final, NoReturn
from urllib.parse import quote, urlencode, urlsplit

import click

from smppd import __version__
from smppd.errors import UserError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

DEFAULT_URL: Final = "http://127.0.0.1:8775"
API: Final = "/api/v1"

TIMEOUT: Final = 60.0
"""Seconds to wait for an answer: longer than the server lets a request take."""

PATIENT_TIMEOUT: Final = 3600.0
"""The same for what takes as long as it takes: a year in which much happens, say."""

STREAM_TIMEOUT: Final = 60.0
"""Seconds without a sign of life after which a stream is given up; the server sends one every 15."""

MAX_ANSWER: Final = 256 * 1024 * 1024
"""Octets of an answer at most: whatever speaks there, it must not fill our memory."""

PAGE: Final = 1000
"""Items asked for at a time: as many as the API gives."""


class RemoteError(UserError):
    """The server said no, or nobody answered. `status` is that of HTTP, 0 when there was no answer."""

    def __init__(self, message: str, status: int = 0) -> None:
        super().__init__(message)
        self.status = status


class Remote:
    """The HTTP API of one server."""

    def __init__(self, url: str, token: str = "") -> None:
        """Speak to the server at `url` (http or https), with a bearer token if one is needed.

        Raises click.BadParameter when this is no such URL.
        """
        parts = urlsplit(url if "://" in url else f"http://{url}")
        try:
            port = parts.port
        except ValueError as error:
            raise click.BadParameter(f"{url!r}: {error}", param_hint="--url") from None
        if parts.scheme not in {"http", "https"} or not parts.hostname:
            raise click.BadParameter(f"{url!r} is no http or https URL", param_hint="--url")
        self.url = f"{parts.scheme}://{parts.netloc}"
        self._secure = parts.scheme == "https"
        self._host = parts.hostname
        self._port = port
        self._prefix = parts.path.rstrip("/").removesuffix(API)
        self._headers = {
            "Accept": "application/json",
            "Connection": "close",  # one request each: what is left open would be nobody's
            "User-Agent": f"smppd/{__version__}",
        }
        if token:
            self._headers["Authorization"] = f"Bearer {token}"

    # -- what one asks ------------------------------------------------------------------------------------------------

    def get(self, path: str, query: Mapping[str, Any] | None = None) -> Any:
        """What is answered to a GET, decoded. Raises RemoteError."""
        return self.ask("GET", path, query)

    def post(
        self, path: str, body: Any = None, query: Mapping[str, Any] | None = None, *, patient: bool = False
    ) -> Any:
        """What is answered to a POST, decoded; None when there is nothing to say. Raises RemoteError."""
        return self.ask("POST", path, query, body, patient=patient)

    def ask(
        self,
        method: str,
        path: str,
        query: Mapping[str, Any] | None = None,
        body: Any = None,
        *,
        patient: bool = False,
    ) -> Any:
        """Any request; `path` is below /api/v1, and its variables are quoted by `segment`.

        Returns what is answered: decoded JSON, None for nothing, or octets. Raises RemoteError.
        """
        response = self._request(method, path, query, body, PATIENT_TIMEOUT if patient else TIMEOUT)
        octets = self._read(response)
        if response.status >= 400:
            self._refused(response, octets)
        if not octets:
            return None
        if "json" not in (response.getheader("Content-Type") or ""):
            return octets
        try:
            return json.loads(octets)
        except ValueError:
            raise self._stranger() from None

    def items(self, path: str, query: Mapping[str, Any], limit: int | None = None) -> Iterator[dict[str, Any]]:
        """The items of a list, page after page, at most `limit`. Raises RemoteError."""
        left = limit
        cursor = None
        while left is None or left > 0:
            size = PAGE if left is None else min(left, PAGE)
            page = self.get(path, {**query, "limit": size, "cursor": cursor})
            if not isinstance(page, dict) or not isinstance(page.get("items"), list):
                raise self._stranger()
            yield from page["items"][:size]
            cursor = page.get("next")
            if cursor is None or not page["items"]:
                return
            if left is not None:
                left -= len(page["items"])

    def events(self, path: str, query: Mapping[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
        """Server-Sent Events as (name, data), until the server ends the stream. Raises RemoteError."""
        response = self._request("GET", path, query, None, STREAM_TIMEOUT)
        if response.status >= 400:
            self._refused(response, self._read(response))
        name, data = "", ""
        try:
            while line := response.readline(MAX_ANSWER):
                text = line.decode("utf-8", "replace").rstrip("\r\n")
                field, _, value = text.partition(":")
                value = value.removeprefix(" ")
                if not text and data:
                    yield name, json.loads(data)
                if not text:
                    name, data = "", ""
                elif field == "event":
                    name = value
                elif field == "data":
                    data += value
        except (OSError, http.client.HTTPException, ValueError) as error:
            raise RemoteError(f"the stream from {self.url} broke: {_reason(error)}") from None
        finally:
            response.close()

    # -- inside -------------------------------------------------------------------------------------------------------

    def _request(
        self, method: str, path: str, query: Mapping[str, Any] | None, body: Any, timeout: float
    ) -> http.client.HTTPResponse:
        connection: http.client.HTTPConnection
        if self._secure:
            connection = http.client.HTTPSConnection(
                self._host, self._port, timeout=timeout, context=ssl.create_default_context()
            )
        else:
            connection = http.client.HTTPConnection(self._host, self._port, timeout=timeout)
        headers = dict(self._headers)
        octets = None
        if body is not None:
            octets = json.dumps(body).encode()
            headers["Content-Type"] = "application/json"
        try:
            connection.request(method, self._target(path, query), octets, headers)
            return connection.getresponse()
        except http.client.HTTPException:
            connection.close()
            raise self._stranger() from None
        except OSError as error:
            connection.close()
            raise RemoteError(
                f"no smppd answers at {self.url}: {_reason(error)}\n"
                "  (start one with `smppd serve`, or name another with --url)"
            ) from None

    def _stranger(self) -> RemoteError:
        return RemoteError(f"what answers at {self.url} does not do so as smppd does: is it another server?")

    def _target(self, path: str, query: Mapping[str, Any] | None) -> str:
        pairs = [
            (name, _text(one))
            for name, value in (query or {}).items()
            if value is not None
            for one in (value if isinstance(value, list | tuple) else (value,))
        ]
        base = path if path.startswith("/api/") else API + path
        return self._prefix + base + ("?" + urlencode(pairs) if pairs else "")

    def _read(self, response: http.client.HTTPResponse) -> bytes:
        try:
            octets = response.read(MAX_ANSWER + 1)
        except (OSError, http.client.HTTPException) as error:
            raise RemoteError(f"the answer of {self.url} broke off: {_reason(error)}") from None
        finally:
            response.close()
        if len(octets) > MAX_ANSWER:
            raise RemoteError(f"the answer of {self.url} is longer than {MAX_ANSWER} octets")
        return octets

    def _refused(self, response: http.client.HTTPResponse, octets: bytes) -> NoReturn:
        """Tell what the problem document says (RFC 9457), each mistake on a line of its own."""
        try:
            problem = json.loads(octets)
            text = problem.get("detail") or problem["title"]
            errors = [error for error in problem.get("errors", ()) if error.get("message")]
        except (ValueError, KeyError, AttributeError, TypeError):
            text, errors = response.reason or "refused", []
        lines = [f"{error.get('path') or 'request'}: {error['message']}" for error in errors]
        if response.status == 401:
            text += " (give a token with --token or SMPPD_TOKEN)"
        raise RemoteError("\n  ".join([text, *lines]), response.status)


def segment(text: str) -> str:
    """A name as one segment of a path, whatever characters it holds."""
    return quote(text, safe="")


def _text(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value)


def _reason(error: Exception) -> str:
    """Why a connection failed, in words."""
    if isinstance(error, OSError) and error.strerror:
        return error.strerror.lower()
    return str(error) or type(error).__name__


# -- options that all these commands have ------------------------------------------------------------------------------


def remote_command(function: Callable[..., Any]) -> Callable[..., Any]:
    """Give a command --url, --token and --json; it is called with `remote` and `as_json`."""

    @click.option(
        "--url", default=DEFAULT_URL, show_default=True, envvar="SMPPD_URL", help="The server's HTTP address."
    )
    @click.option("--token", default="", envvar="SMPPD_TOKEN", help="Bearer token, where the server asks for one.")
    @click.option("--json", "as_json", is_flag=True, help="Print what the API answers, as JSON.")
    @functools.wraps(function)
    def command(*arguments: Any, **options: Any) -> Any:
        context = click.get_current_context()
        for name in ("url", "token", "as_json"):
            options[name] = _inherited(context, name)
        return function(*arguments, remote=Remote(options.pop("url"), options.pop("token")), **options)

    return command


def _inherited(context: click.Context, name: str) -> Any:
    """An option as it was given to the command, or else to the group in front of it."""
    above = context.parent
    is_given = context.get_parameter_source(name) is click.core.ParameterSource.COMMANDLINE
    if is_given or above is None or name not in above.params:
        return context.params[name]
    return _inherited(above, name)


def print_json(value: Any) -> None:
    """Print a value as one JSON document: indented for a person, on one line for a program."""
    click.echo(as_json_text(value, indent=2 if sys.stdout.isatty() else None))


def as_json_text(value: Any, *, indent: int | None = None) -> str:
    """A value as JSON that people can read, and that commands no terminal: what is not printable is escaped."""
    from smppd.cli.tables import is_harmless

    text = json.dumps(value, ensure_ascii=False, indent=indent)
    if text.isascii():
        return text  # control characters are escaped already
    return "".join(one if one == "\n" or is_harmless(one) else json.dumps(one)[1:-1] for one in text)


def seconds_of(_context: click.Context, _parameter: click.Parameter, span: str | None) -> float | None:
    """For click: a duration such as 500ms, 10s, 1m30s or 24h, in seconds; a text that is none is wrong usage."""
    from smppd.load.units import parse_duration

    if span is None:
        return None
    try:
        return parse_duration(span)
    except UserError as error:
        raise click.BadParameter(str(error)) from None
