"""The client: start, stay, follow."""

from __future__ import annotations

import json
import logging
import os
import random
import re
import ssl
import threading
import time
from dataclasses import dataclass, field
from typing import Any, Callable, Dict, List, Mapping, Optional, Sequence, Tuple, Union

from ._cache import Cache, checked_key
from ._config import Config
from ._errors import ConfigurationRefused, LayerdError, ServerUnavailable, ValidationFailed
from ._http import Response, Server, Token

_LOG = logging.getLogger("layerd_client")

#: A stream that is silent for so long is taken for dead; the server sends a comment every 15 seconds.
_SILENCE = 45.0

#: The longest pause between two attempts to follow changes, in seconds.
_LONGEST_PAUSE = 60.0

_PLACEHOLDER = re.compile(r"\$\{([^${}:]+)(?::([^${}]*))?\}")


@dataclass(frozen=True)
class Retry:
    """How often and how soon the first fetch is tried again; the defaults are those of Spring Cloud Config's client."""

    attempts: int = 6
    initial: float = 1.0
    multiplier: float = 1.1
    longest: float = 2.0

    def pause(self, attempt: int, wish: Optional[float]) -> float:
        """Seconds before the next attempt, up to a quarter less so that many clients do not come at once."""
        pause = min(self.longest, self.initial * self.multiplier**attempt)
        pause *= 1.0 - 0.25 * random.random()
        return max(pause, min(wish, 60.0)) if wish is not None else pause


@dataclass(frozen=True)
class Change:
    """What a listener is told: the versions before and after, and the dotted keys that differ."""

    before: Config
    after: Config
    keys: Sequence[str] = field(default_factory=list)


class Client:
    """The configuration of one application.

    ``url`` is a server, or a list of them that are tried in turn. ``token`` is a text, or a function that is called for each
    request. With ``cache_dir``, the last configuration is kept on disk, and a start without a server uses it; configurations with
    secrets only with ``cache_key`` (32 bytes), encrypted. ``override_file`` is a JSON, TOML or YAML file that is laid over the
    configuration, for development. With ``environment`` (for example ``os.environ``), placeholders that the configuration itself
    does not resolve are filled in from it. ``schema`` is a pydantic model, or any callable that takes the document and raises if
    it does not fit: a version that fails is not taken, and the one before stays in force.
    """

    def __init__(
        self,
        url: Union[str, Sequence[str]],
        application: str,
        profiles: Union[str, Sequence[str]] = ("default",),
        *,
        label: Optional[str] = None,
        token: Token = None,
        instance: Optional[str] = None,
        cache_dir: Optional[str] = None,
        cache_key: Optional[bytes] = None,
        fail_fast: bool = True,
        retry: Retry = Retry(),
        timeout: float = 5.0,
        poll_interval: float = 30.0,
        override_file: Optional[str] = None,
        environment: Optional[Mapping[str, str]] = None,
        schema: Any = None,
        strict: bool = False,
        ssl_context: Optional[ssl.SSLContext] = None,
    ) -> None:
        urls = [url] if isinstance(url, str) else list(url)
        if not urls:
            raise ValueError("there is no URL")
        self._servers = [Server(one, token, ssl_context, timeout) for one in urls]
        self.application = application
        self.profiles = [profiles] if isinstance(profiles, str) else list(profiles)
        self.label = label
        self.instance = instance
        self._cache = Cache(cache_dir, application, self.profiles, label, checked_key(cache_key)) if cache_dir else None
        self._fail_fast = fail_fast
        self._retry = retry
        self._poll_interval = poll_interval
        self._override_file = override_file
        self._environment = environment
        self._schema = schema
        self._strict = strict
        self._config: Optional[Config] = None
        self._model: Any = None
        self._lock = threading.Lock()
        self._listeners: List[Callable[[Change], None]] = []
        self._stopped = threading.Event()
        self._thread: Optional[threading.Thread] = None
        self._connection: Any = None
        #: The version that the schema or a listener refused last, if the one in force is older.
        self.rejected_version: Optional[str] = None

    # ── start ──

    def connect(self) -> "Client":
        """Fetches the configuration, from a server or else from the cache.

        Raises :class:`ConfigurationRefused` if a server refuses the request, :class:`ValidationFailed` if the configuration does
        not fit the schema, and :class:`ServerUnavailable` if no server answers and there is no cache. With ``fail_fast=False``
        the last one is logged instead, and the configuration is empty until a server answers.
        """
        failure: Optional[ServerUnavailable] = None
        # With a cache there is something to start with: one attempt at each server is enough.
        cached = self._cache.load() if self._cache else None
        attempts = 1 if cached else self._retry.attempts
        for attempt in range(attempts):
            try:
                self._take(self._fetch(None))
                return self
            except ServerUnavailable as error:
                failure = error
                if attempt + 1 < attempts and self._stopped.wait(self._retry.pause(attempt, error.retry_after)):
                    break
        if cached:
            config, model = self._read(cached["body"], cached["etag"], cached["version"], "cache", cached["fetched_at"])
            with self._lock:
                self._config, self._model = config, model
            _LOG.warning("%s; starting with the configuration of %s, %.0f s old", failure, config.version[:12], config.age)
            return self
        if self._fail_fast:
            raise failure or ServerUnavailable("stopped")
        _LOG.error("%s; starting without a configuration", failure)
        with self._lock:
            self._config = Config({}, "", "", "nothing", 0.0)
        return self

    # ── reads ──

    @property
    def config(self) -> Config:
        """The version in force. Read several keys from one value of this to have them from one version."""
        config = self._config
        if config is None:
            raise LayerdError("call connect() first")
        return config

    @property
    def model(self) -> Any:
        """What ``schema`` made of the version in force."""
        return self._model

    def get(self, key: str, default: Any = None) -> Any:
        """See :meth:`Config.get`."""
        return self.config.get(key, default)

    def get_str(self, key: str, default: Optional[str] = None) -> Optional[str]:
        """See :meth:`Config.get_str`."""
        return self.config.get_str(key, default)

    def get_int(self, key: str, default: Optional[int] = None) -> Optional[int]:
        """See :meth:`Config.get_int`."""
        return self.config.get_int(key, default)

    def get_float(self, key: str, default: Optional[float] = None) -> Optional[float]:
        """See :meth:`Config.get_float`."""
        return self.config.get_float(key, default)

    def get_bool(self, key: str, default: Optional[bool] = None) -> Optional[bool]:
        """See :meth:`Config.get_bool`."""
        return self.config.get_bool(key, default)

    def get_json(self, key: str, default: Any = None) -> Any:
        """See :meth:`Config.get_json`."""
        return self.config.get_json(key, default)

    # ── changes ──

    def on_change(self, listener: Callable[[Change], None]) -> Callable[[Change], None]:
        """Calls a listener after each change, from a thread of the client. A listener that raises refuses the change: the version
        before stays in force. Can be used as a decorator. Begins to follow changes."""
        with self._lock:
            self._listeners.append(listener)
        self.follow()
        return listener

    def follow(self) -> "Client":
        """Follows changes from now on, in a thread that ends with the process or with :meth:`close`."""
        with self._lock:
            if self._thread is None and not self._stopped.is_set():
                self._thread = threading.Thread(target=self._run, name="layerd-client", daemon=True)
                self._thread.start()
        return self

    def refresh(self) -> bool:
        """Fetches now. True if the configuration has changed."""
        before = self.config.etag
        response = self._fetch(before or None)
        if response is not None:
            self._take(response)
        return self.config.etag != before

    def close(self) -> None:
        """Stops following. The configuration stays readable."""
        self._stopped.set()
        connection, thread = self._connection, self._thread
        if connection is not None and connection.sock is not None:
            try:
                connection.sock.shutdown(2)
            except OSError:
                pass
        if thread is not None and thread is not threading.current_thread():
            thread.join(timeout=5.0)

    def __enter__(self) -> "Client":
        return self.connect() if self._config is None else self

    def __exit__(self, *_: object) -> None:
        self.close()

    # ── the inside ──

    def _path(self, kind: str) -> Tuple[str, ...]:
        return ("api", "v1", kind, self.application, ",".join(self.profiles))

    def _query(self) -> Dict[str, str]:
        return {"label": self.label} if self.label else {}

    def _headers(self) -> Dict[str, str]:
        headers = {"Layerd-Instance": self.instance} if self.instance else {}
        config = self._config
        if config is not None and config.etag:
            headers["Layerd-Running"] = config.etag
        return headers

    def _fetch(self, etag: Optional[str]) -> Optional[Response]:
        """The configuration from the first server that answers; None if it is the one of this tag."""
        headers = {**self._headers(), "Accept": "application/json"}
        if etag:
            headers["If-None-Match"] = etag
        query = {**self._query(), **({"strict": "true"} if self._strict else {})}
        failures, wish = [], None
        for server in self._servers:
            try:
                response = server.get(self._path("config"), query, headers)
                return None if response.status == 304 else response
            except ServerUnavailable as error:
                failures.append(str(error))
                wish = error.retry_after if wish is None else wish
        raise ServerUnavailable("; ".join(failures), wish)

    def _take(self, response: Optional[Response]) -> None:
        """Puts a response in force, unless it does not fit."""
        if response is None:
            return
        etag, version = response.headers.get("etag", ""), response.headers.get("layerd-version", "")
        fetched_at = time.time()
        try:
            config, model = self._read(response.body, etag, version, "server", fetched_at)
        except ValidationFailed:
            self.rejected_version = version
            raise
        before = self._config
        if before is not None:
            keys = _different(before, config)
            if keys:
                self._tell(Change(before, config, keys), model)
                if self.rejected_version == version:
                    return
        with self._lock:
            self._config, self._model = config, model
        self.rejected_version = None
        if self._cache:
            is_secret = "no-store" in response.headers.get("cache-control", "")
            self._cache.save(response.body, etag, version, is_secret, fetched_at)

    def _tell(self, change: Change, model: Any) -> None:
        """Tells the listeners of a change that is in force while they run. The first that raises takes it back."""
        with self._lock:
            listeners, kept = list(self._listeners), (self._config, self._model)
            self._config, self._model = change.after, model
        for listener in listeners:
            try:
                listener(change)
            except Exception:
                _LOG.exception("a listener refuses the configuration of %s; the one before stays", change.after.version[:12])
                with self._lock:
                    self._config, self._model = kept
                self.rejected_version = change.after.version
                return

    def _read(self, body: bytes, etag: str, version: str, source: str, fetched_at: float) -> Tuple[Config, Any]:
        try:
            values = json.loads(body)
        except (ValueError, RecursionError) as error:
            raise ServerUnavailable(f"the response is not JSON: {error}") from error
        if not isinstance(values, dict):
            raise ServerUnavailable("the response is not a JSON object")
        if self._override_file:
            values = _merged(values, _document(self._override_file))
        if self._environment is not None:
            values = _filled(values, self._environment)
        return Config(values, etag, version, source, fetched_at), self._validated(values, version)

    def _validated(self, values: Dict[str, Any], version: str) -> Any:
        if self._schema is None:
            return None
        validate = getattr(self._schema, "model_validate", None) or getattr(self._schema, "parse_obj", None) or self._schema
        try:
            return validate(values)
        except Exception as error:
            raise ValidationFailed(f"the configuration of {version[:12]} does not fit: {error}") from error

    def _run(self) -> None:
        pause, has_events = 0.0, True
        while not self._stopped.wait(pause):
            server = random.choice(self._servers) if pause else self._servers[0]
            began = time.monotonic()
            try:
                if has_events:
                    self._listen(server)
                else:
                    self._update()
                    pause = self._poll_interval
                    continue
                pause = 0.5
            except ConfigurationRefused as error:
                # A server of another version may have no events; one that refuses the token may have it later.
                has_events = has_events and error.status not in (404, 405, 406, 501)
                _LOG.warning("changes are not followed for now: %s", error)
                pause = _backed_off(pause)
            except (ServerUnavailable, ValidationFailed) as error:
                _LOG.warning("changes are not followed for now: %s", error)
                # Who listened for long begins anew; who fails at once waits longer each time.
                pause = 0.5 if time.monotonic() - began > _LONGEST_PAUSE else _backed_off(pause)
            except Exception:
                _LOG.exception("following changes failed; trying again")
                pause = _backed_off(pause)

    def _listen(self, server: Server) -> None:
        headers = self._headers()
        etag = self.config.etag
        if etag:
            headers["Last-Event-ID"] = etag
        for name, _, _ in server.events(self._path("watch"), self._query(), headers, _SILENCE, self._opened):
            if self._stopped.is_set() or name == "bye":
                return
            if name in ("change", "current"):
                self._update()

    def _opened(self, connection: Any) -> None:
        self._connection = connection

    def _update(self) -> None:
        try:
            self._take(self._fetch(self.config.etag or None))
        except ValidationFailed as error:
            _LOG.error("%s; the one before stays", error)


def _backed_off(pause: float) -> float:
    return random.uniform(0.5, min(_LONGEST_PAUSE, max(1.0, pause * 2.0)) + 0.5)


def _different(before: Config, after: Config) -> List[str]:
    one, other = before.flat(), after.flat()
    return sorted(key for key in one.keys() | other.keys() if key not in one or key not in other or one[key] != other[key])


def _document(path: str) -> Dict[str, Any]:
    with open(path, "rb") as file:
        text = file.read()
    if path.endswith((".yml", ".yaml")):
        import yaml

        found = yaml.safe_load(text)
    elif path.endswith(".toml"):
        import tomllib

        found = tomllib.loads(text.decode())
    else:
        found = json.loads(text)
    if not isinstance(found, dict):
        raise ValueError(f"{path} does not hold a map")
    return found


def _merged(below: Mapping[str, Any], above: Mapping[str, Any]) -> Dict[str, Any]:
    merged = dict(below)
    for name, value in above.items():
        old = merged.get(name)
        merged[name] = _merged(old, value) if isinstance(old, Mapping) and isinstance(value, Mapping) else value
    return merged


def _filled(value: Any, environment: Mapping[str, str]) -> Any:
    if isinstance(value, dict):
        return {name: _filled(below, environment) for name, below in value.items()}
    if isinstance(value, list):
        return [_filled(below, environment) for below in value]
    if not isinstance(value, str) or "${" not in value:
        return value

    def fill(found: "re.Match[str]") -> str:
        name, default = found.group(1), found.group(2)
        relaxed = re.sub(r"[^A-Za-z0-9]", "_", name.replace("-", "")).upper()
        for known in (name, relaxed):
            if known in environment:
                return environment[known]
        return default if default is not None else found.group(0)

    # A value that was filled in is data, and is not looked into again.
    return _PLACEHOLDER.sub(fill, value)
