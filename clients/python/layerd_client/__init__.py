"""Configuration from a layerd server.

The client fetches the configuration of a service at its start, starts from a cache on disk when no server can be reached, and
follows changes while the service runs::

    from layerd_client import Client

    client = Client("http://localhost:8888", "user-service", ["production"]).connect()
    port = client.get_int("server.port", 8080)
    client.on_change(lambda change: print("changed:", change.keys))
"""

from ._client import Change, Client, Retry
from ._config import Config
from ._errors import ConfigurationRefused, LayerdError, NotFound, ServerUnavailable, ValidationFailed

__all__ = [
    "Change",
    "Client",
    "Config",
    "ConfigurationRefused",
    "LayerdError",
    "NotFound",
    "Retry",
    "ServerUnavailable",
    "ValidationFailed",
]
__version__ = "0.1.0"
