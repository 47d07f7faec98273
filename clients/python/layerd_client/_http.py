"""Requests to a server: bounded in time and size, without redirects, and with the token of the moment."""

from __future__ import annotations

import http.client
import json
import socket
import ssl
import time
from typing import Any, Callable, Dict, Iterator, Mapping, Optional, Tuple, Union
from urllib.parse import quote, urlencode, urlsplit

from ._errors import ConfigurationRefused, NotFound, ServerUnavailable

#: The largest response that is read, in bytes.
LARGEST = 64 << 20

#: The longest line of a stream of events, in bytes.
LONGEST_LINE = 8 << 20

Token = Union[str, Callable[[], Optional[str]], None]


class Response:
    """A response that was read whole."""

    def __init__(self, status: int, headers: Mapping[str, str], body: bytes) -> None:
        self.status = status
        self.headers = headers
        self.body = body


class Server:
    """One server, by its URL."""

    def __init__(self, url: str, token: Token, context: Optional[ssl.SSLContext], timeout: float) -> None:
        parts = urlsplit(url)
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise ValueError(f"{url!r} is not an http or https URL")
        if parts.username or parts.password:
            raise ValueError("put the token into `token`, not into the URL")
        self._secure = parts.scheme == "https"
        self._host = parts.hostname
        self._port = parts.port
        self._prefix = parts.path.rstrip("/")
        self._token = token
        self._context = context
        self._timeout = timeout
        #: The server as messages name it.
        self.name = f"{parts.scheme}://{parts.netloc}"

    def get(self, segments: Tuple[str, ...], query: Dict[str, str], headers: Dict[str, str]) -> Response:
        """One request and its response, or 304. Raises as the errors say."""
        connection = self._connect(self._timeout)
        try:
            return self._checked(self._send(connection, segments, query, headers), time.monotonic() + 6 * self._timeout)
        except (OSError, http.client.HTTPException) as error:
            raise ServerUnavailable(f"{self.name} cannot be reached: {_reason(error)}") from error
        finally:
            connection.close()

    def events(
        self, segments: Tuple[str, ...], query: Dict[str, str], headers: Dict[str, str], silence: float, opened: Callable[[Any], None]
    ) -> Iterator[Tuple[str, str, str]]:
        """The events of a stream: name, id and data. Ends when the stream does, or is silent for so many seconds."""
        connection = self._connect(self._timeout)
        try:
            response = self._send(connection, segments, query, {**headers, "Accept": "text/event-stream"})
            media = response.headers.get("content-type", "")
            if response.status != 200 or not media.startswith("text/event-stream"):
                self._checked(response, time.monotonic() + self._timeout)
                raise ServerUnavailable(f"{self.name} does not send events")
            if connection.sock is not None:
                connection.sock.settimeout(silence)
            opened(connection)
            yield from _parse(response)
        except (OSError, http.client.HTTPException, ValueError) as error:
            raise ServerUnavailable(f"the events of {self.name} broke off: {_reason(error)}") from error
        finally:
            connection.close()

    def _connect(self, timeout: float) -> http.client.HTTPConnection:
        if self._secure:
            return http.client.HTTPSConnection(self._host, self._port, timeout=timeout, context=self._context)
        return http.client.HTTPConnection(self._host, self._port, timeout=timeout)

    def _send(
        self, connection: http.client.HTTPConnection, segments: Tuple[str, ...], query: Dict[str, str], headers: Dict[str, str]
    ) -> http.client.HTTPResponse:
        path = self._prefix + "".join("/" + quote(segment, safe=",") for segment in segments)
        if query:
            path += "?" + urlencode(query)
        # Asked for at each request, so that a token that was replaced is used at once.
        token = self._token() if callable(self._token) else self._token
        if token:
            headers = {**headers, "Authorization": f"Bearer {token.strip()}"}
        connection.request("GET", path, headers={"User-Agent": "layerd-client-python/0.1.0", **headers})
        return connection.getresponse()

    def _checked(self, response: http.client.HTTPResponse, deadline: float) -> Response:
        body = _read(response, deadline)
        status = response.status
        if status in (200, 304):
            return Response(status, {name.lower(): value for name, value in response.getheaders()}, body)
        message = f"{self.name}: {_detail(body) or f'HTTP {status}'}"
        if status == 404:
            raise NotFound(status, message)
        if status == 429 or status >= 500:
            raise ServerUnavailable(message, _seconds(response.headers.get("retry-after")))
        if 300 <= status < 400:
            message = f"{self.name} redirects, which is not followed: the token is for this server alone"
        raise ConfigurationRefused(status, message)


def _read(response: http.client.HTTPResponse, deadline: float) -> bytes:
    parts, size = [], 0
    while True:
        part = response.read1(1 << 16)
        if not part:
            break
        size += len(part)
        if size > LARGEST:
            raise OSError("the response is too large")
        if time.monotonic() > deadline:
            raise socket.timeout("the response takes too long")
        parts.append(part)
    if response.length:
        raise http.client.IncompleteRead(b"", response.length)
    return b"".join(parts)


def _parse(response: http.client.HTTPResponse) -> Iterator[Tuple[str, str, str]]:
    name, identity, data, size = "message", "", [], 0
    while True:
        line = response.readline(LONGEST_LINE + 1)
        if not line:
            return
        size += len(line)
        if size > LONGEST_LINE:
            raise ValueError("an event is too large")
        text = line.decode("utf-8", "replace").rstrip("\r\n")
        if not text:
            if data:
                yield name, identity, "\n".join(data)
            name, data, size = "message", [], 0
            continue
        field, _, value = text.partition(":")
        value = value[1:] if value.startswith(" ") else value
        if field == "event":
            name = value
        elif field == "id" and "\0" not in value:
            identity = value
        elif field == "data":
            data.append(value)


def _detail(body: bytes) -> str:
    try:
        told = json.loads(body)
        text = told.get("detail") or told.get("title") or ""
    except (ValueError, AttributeError, RecursionError):
        return ""
    return "".join(letter if letter.isprintable() else "?" for letter in str(text))[:400]


def _seconds(text: Optional[str]) -> Optional[float]:
    try:
        return max(0.0, float(text)) if text else None
    except ValueError:
        return None


def _reason(error: Exception) -> str:
    return str(error) or type(error).__name__
