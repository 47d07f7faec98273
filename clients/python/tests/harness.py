"""A real server on a folder, and a stand-in that answers as it is told."""

import os
import pathlib
import re
import socket
import subprocess
import tempfile
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

LAYERD = os.environ.get("LAYERD") or str(pathlib.Path(__file__).parents[3] / "target" / "debug" / "layerd")


def eventually(what, holds, seconds=20.0):
    """Waits until something holds."""
    deadline = time.monotonic() + seconds
    while not holds():
        if time.monotonic() > deadline:
            raise AssertionError(f"still waiting after {seconds} s: {what}")
        time.sleep(0.02)


class Layerd:
    """The real server, on a folder that tests write to."""

    def __init__(self, files, args=()):
        self.folder = tempfile.TemporaryDirectory()
        self.state = tempfile.TemporaryDirectory()
        self.args = list(args)
        for path, text in files.items():
            self.write(path, text)
        self.process = None
        self.port = 0
        self.start()

    def start(self):
        command = [LAYERD, "serve", self.folder.name, "--listen", f"127.0.0.1:{self.port}", "--state", self.state.name]
        command += self.args
        self.process = subprocess.Popen(
            command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, env={"PATH": os.environ["PATH"]}, text=True
        )
        line = self.process.stdout.readline()
        found = re.search(r"http://127\.0\.0\.1:(\d+)", line)
        assert found, f"the server did not start: {line!r}"
        self.port = int(found.group(1))

    @property
    def url(self):
        return f"http://127.0.0.1:{self.port}"

    def write(self, path, text):
        """Replaces a file as a whole, so that no half of it is served."""
        target = pathlib.Path(self.folder.name) / path
        target.parent.mkdir(parents=True, exist_ok=True)
        draft = target.parent / f".{target.name}.draft"
        draft.write_text(text)
        draft.replace(target)

    def stop(self):
        self.process.terminate()
        self.process.wait(timeout=20)
        self.process.stdout.close()

    def close(self):
        if self.process.poll() is None:
            self.stop()
        self.folder.cleanup()
        self.state.cleanup()


class StandIn:
    """Answers each request with what a function makes of it: (status, headers, body)."""

    def __init__(self, answer):
        self.requests = []
        stand_in = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self):
                stand_in.requests.append((self.path, dict(self.headers)))
                status, headers, body = answer(self.path, dict(self.headers))
                self.send_response(status)
                if "Content-Length" not in headers:
                    headers = {**headers, "Content-Length": str(len(body))}
                for name, value in headers.items():
                    self.send_header(name, value)
                self.end_headers()
                try:
                    self.wfile.write(body)
                except OSError:
                    pass
                self.close_connection = True

            def log_message(self, *args):
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    @property
    def url(self):
        return f"http://127.0.0.1:{self.server.server_address[1]}"

    def close(self):
        self.server.shutdown()
        self.server.server_close()


def silent_url():
    """A URL at which nobody listens."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return f"http://127.0.0.1:{listener.getsockname()[1]}"
