"""What can go wrong, for callers that want to tell the cases apart."""

from __future__ import annotations

from typing import Optional


class LayerdError(Exception):
    """The configuration cannot be had."""


class ServerUnavailable(LayerdError):
    """No server could be reached, or none could answer. Trying again may help."""

    def __init__(self, message: str, retry_after: Optional[float] = None) -> None:
        super().__init__(message)
        #: Seconds after which the server wants to be asked again.
        self.retry_after = retry_after


class ConfigurationRefused(LayerdError):
    """The server refuses the request: a wrong token, name or parameter. Trying again does not help."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        #: The HTTP status.
        self.status = status


class NotFound(ConfigurationRefused):
    """The server has no such label, or, in strict mode, no such application or profile."""


class ValidationFailed(LayerdError):
    """The configuration does not have the form that the service needs."""
