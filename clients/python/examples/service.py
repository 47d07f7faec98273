"""A small web service whose greeting comes from layerd, and changes while it runs.

    layerd serve config-repo-example &
    PYTHONPATH=clients/python python3 clients/python/examples/service.py
"""

import logging
import os
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from layerd_client import Client

logging.basicConfig(level=logging.INFO)
CLIENT = Client(
    os.environ.get("LAYERD_URL", "http://127.0.0.1:8888"),
    "user-service",
    os.environ.get("PROFILE", "default"),
    token=os.environ.get("LAYERD_TOKEN"),
    cache_dir=os.environ.get("CACHE"),
).connect()


@CLIENT.on_change
def log_change(change):
    logging.info("the configuration is now %s; changed: %s", change.after.version[:12], ", ".join(change.keys))


class Greeting(BaseHTTPRequestHandler):
    def do_GET(self):
        config = CLIENT.config
        body = f"{config.get_str('greeting', 'hello')} from {config.version[:12]}\n".encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


if __name__ == "__main__":
    server = ThreadingHTTPServer(("127.0.0.1", int(os.environ.get("PORT", CLIENT.get_int("server.port", 8080)))), Greeting)
    print(f"listening on {server.server_address[1]}", flush=True)
    server.serve_forever()
