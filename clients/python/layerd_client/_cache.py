"""The last configuration on disk, so that a service starts while no server can be reached.

A file is replaced whole, is readable by its owner only, and is believed only if its digest is right and it is about the same
application. A configuration with secrets is written only if there is a key, and then encrypted.
"""

from __future__ import annotations

import base64
import hashlib
import json
import logging
import os
import stat
import tempfile
from typing import Any, Dict, Optional, Sequence

_LOG = logging.getLogger("layerd_client")
_FORMAT = 1
_LARGEST = 64 << 20


class Cache:
    """The cache of one address in a folder."""

    def __init__(
        self, folder: str, application: str, profiles: Sequence[str], label: Optional[str], key: Optional[bytes]
    ) -> None:
        self._about = {"application": application, "profiles": list(profiles), "label": label}
        name = hashlib.sha256(json.dumps(self._about, sort_keys=True).encode()).hexdigest()[:32]
        self._folder = folder
        self.path = os.path.join(folder, f"{name}.json")
        self._key = key

    def save(self, body: bytes, etag: str, version: str, is_secret: bool, fetched_at: float) -> None:
        """Writes a response. Failures are logged and change nothing: a service runs without a cache."""
        if is_secret and self._key is None:
            _LOG.info("the configuration holds secrets and there is no cache key: it is not written to disk")
            self._remove()
            return
        try:
            content: Dict[str, Any] = {
                "format": _FORMAT,
                "about": self._about,
                "etag": etag,
                "version": version,
                "fetched_at": fetched_at,
                "sha256": hashlib.sha256(body).hexdigest(),
                "sealed": self._key is not None,
            }
            data = _seal(self._key, body, self._associated(content)) if self._key is not None else body
            content["body"] = base64.b64encode(data).decode()
            self._write(json.dumps(content).encode())
        except OSError as error:
            _LOG.warning("the configuration cannot be cached in %s: %s", self._folder, error)

    def load(self) -> Optional[Dict[str, Any]]:
        """What was saved: ``body``, ``etag``, ``version``, ``fetched_at``. None, with a warning, if it cannot be believed."""
        try:
            text = self._read()
        except FileNotFoundError:
            return None
        except OSError as error:
            _LOG.warning("the cached configuration %s is ignored: %s", self.path, error)
            return None
        try:
            content = json.loads(text)
            if content["format"] != _FORMAT or content["about"] != self._about:
                raise ValueError("it is about something else, or of another version")
            body = base64.b64decode(content["body"], validate=True)
            if content["sealed"]:
                if self._key is None:
                    raise ValueError("it is encrypted and there is no key")
                body = _open(self._key, body, self._associated(content))
            if hashlib.sha256(body).hexdigest() != content["sha256"]:
                raise ValueError("its digest is wrong")
            return {
                "body": body,
                "etag": str(content["etag"]),
                "version": str(content["version"]),
                "fetched_at": float(content["fetched_at"]),
            }
        except (ValueError, KeyError, TypeError, RecursionError) as error:
            _LOG.warning("the cached configuration %s is ignored: %s", self.path, error)
            return None

    def _associated(self, content: Dict[str, Any]) -> bytes:
        names = ("format", "about", "etag", "version", "sha256")
        return json.dumps({name: content[name] for name in names}, sort_keys=True).encode()

    def _read(self) -> bytes:
        descriptor = os.open(self.path, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC | os.O_NONBLOCK)
        with os.fdopen(descriptor, "rb") as file:
            found = os.fstat(file.fileno())
            if not stat.S_ISREG(found.st_mode):
                raise OSError("it is not a regular file")
            if found.st_uid != os.geteuid() or found.st_mode & 0o022:
                raise OSError("somebody else owns it or may change it")
            text = file.read(_LARGEST + 1)
        if len(text) > _LARGEST:
            raise OSError("it is too large")
        return text

    def _write(self, text: bytes) -> None:
        os.makedirs(self._folder, mode=0o700, exist_ok=True)
        descriptor, temporary = tempfile.mkstemp(dir=self._folder, prefix=".layerd-")
        try:
            with os.fdopen(descriptor, "wb") as file:
                file.write(text)
                file.flush()
                os.fsync(file.fileno())
            os.replace(temporary, self.path)
        except BaseException:
            os.unlink(temporary)
            raise

    def _remove(self) -> None:
        # An older version without secrets must not come back at the next start.
        try:
            os.unlink(self.path)
        except OSError:
            pass


def _cipher(key: bytes) -> Any:
    try:
        from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305
    except ImportError as error:
        raise RuntimeError("a cache key needs the package `cryptography`: pip install layerd-client[encryption]") from error
    return ChaCha20Poly1305(key)


def _seal(key: bytes, body: bytes, associated: bytes) -> bytes:
    nonce = os.urandom(12)
    return nonce + bytes(_cipher(key).encrypt(nonce, body, associated))


def _open(key: bytes, data: bytes, associated: bytes) -> bytes:
    from cryptography.exceptions import InvalidTag

    try:
        return bytes(_cipher(key).decrypt(data[:12], data[12:], associated))
    except InvalidTag:
        raise ValueError("it does not open with this key") from None


def checked_key(key: Optional[bytes]) -> Optional[bytes]:
    """The key, if it can be used: 32 bytes."""
    if key is not None:
        if len(key) != 32:
            raise ValueError("a cache key has 32 bytes")
        _cipher(key)
    return key
