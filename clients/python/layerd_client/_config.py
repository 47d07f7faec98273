"""One version of a configuration, and typed reads from it."""

from __future__ import annotations

import json
import re
import time
from typing import Any, Iterator, List, Mapping, Optional, Tuple, Union

_MISSING = object()
_STEP = re.compile(r"\[(\d+)\]|([^.\[\]]+)|\[([^\]]+)\]")
_TRUE = {"true", "yes", "on", "1"}
_FALSE = {"false", "no", "off", "0"}


class Config:
    """One version of a configuration. It never changes; the client replaces it as a whole."""

    __slots__ = ("values", "etag", "version", "source", "fetched_at")

    def __init__(self, values: Mapping[str, Any], etag: str, version: str, source: str, fetched_at: float) -> None:
        #: The merged document.
        self.values = values
        #: The entity tag of the server's response.
        self.etag = etag
        #: The commit, or commits separated by commas.
        self.version = version
        #: ``"server"`` or ``"cache"``.
        self.source = source
        #: When it came from a server, in seconds since 1970.
        self.fetched_at = fetched_at

    @property
    def age(self) -> float:
        """Seconds since it came from a server. Never negative, whatever the clock does."""
        return max(0.0, time.time() - self.fetched_at)

    def get(self, key: str, default: Any = None) -> Any:
        """The value at a dotted key such as ``server.port`` or ``servers[0].host``; ``default`` if there is none."""
        found = _find(self.values, key)
        return default if found is _MISSING else found

    def __getitem__(self, key: str) -> Any:
        found = _find(self.values, key)
        if found is _MISSING:
            raise KeyError(key)
        return found

    def __contains__(self, key: object) -> bool:
        return isinstance(key, str) and _find(self.values, key) is not _MISSING

    def get_str(self, key: str, default: Optional[str] = None) -> Optional[str]:
        """The value as text."""
        found = self.get(key)
        if found is None:
            return default
        return found if isinstance(found, str) else json.dumps(found)

    def get_int(self, key: str, default: Optional[int] = None) -> Optional[int]:
        """The value as an integer. Raises ValueError, naming the key, if it is something else."""
        found = self.get(key)
        if found is None:
            return default
        if isinstance(found, bool) or not isinstance(found, (int, float, str)):
            raise ValueError(f"`{key}` is not an integer")
        try:
            number = int(found)
        except ValueError:
            raise ValueError(f"`{key}` is not an integer") from None
        if isinstance(found, float) and number != found:
            raise ValueError(f"`{key}` is not an integer")
        return number

    def get_float(self, key: str, default: Optional[float] = None) -> Optional[float]:
        """The value as a number. Raises ValueError, naming the key, if it is something else."""
        found = self.get(key)
        if found is None:
            return default
        if isinstance(found, bool) or not isinstance(found, (int, float, str)):
            raise ValueError(f"`{key}` is not a number")
        try:
            return float(found)
        except ValueError:
            raise ValueError(f"`{key}` is not a number") from None

    def get_bool(self, key: str, default: Optional[bool] = None) -> Optional[bool]:
        """The value as a boolean; the texts true, yes, on and 1 count as true. Raises ValueError for anything else."""
        found = self.get(key)
        if found is None:
            return default
        if isinstance(found, bool):
            return found
        text = str(found).strip().lower() if isinstance(found, (str, int)) else ""
        if text in _TRUE:
            return True
        if text in _FALSE:
            return False
        raise ValueError(f"`{key}` is not a boolean")

    def get_json(self, key: str, default: Any = None) -> Any:
        """A map or list: as it is, or decoded if the value is a text that holds JSON."""
        found = self.get(key)
        if found is None:
            return default
        if not isinstance(found, str):
            return found
        try:
            return json.loads(found)
        except ValueError:
            raise ValueError(f"`{key}` does not hold JSON") from None

    def flat(self) -> Mapping[str, Any]:
        """Every leaf by its dotted key."""
        return dict(_leaves(self.values, ""))


def _steps(key: str) -> List[Union[str, int]]:
    steps: List[Union[str, int]] = []
    for index, name, quoted in _STEP.findall(key):
        steps.append(int(index) if index else (name or quoted))
    return steps


def _find(values: Any, key: str) -> Any:
    if isinstance(values, Mapping) and key in values:
        return values[key]
    found = values
    for step in _steps(key):
        if isinstance(step, int) and isinstance(found, list):
            if step >= len(found):
                return _MISSING
            found = found[step]
        elif isinstance(found, Mapping) and str(step) in found:
            found = found[str(step)]
        else:
            return _MISSING
    return found


def _leaves(value: Any, path: str) -> Iterator[Tuple[str, Any]]:
    if isinstance(value, Mapping) and value:
        for name, below in value.items():
            yield from _leaves(below, f"{path}.{name}" if path else str(name))
    elif isinstance(value, list) and value:
        for index, below in enumerate(value):
            yield from _leaves(below, f"{path}[{index}]")
    else:
        yield path, value
