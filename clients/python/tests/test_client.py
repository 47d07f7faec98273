"""The client against a real server, and against faults."""

import glob
import json
import logging
import os
import stat
import sys
import tempfile
import threading
import time
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(__file__), ".."))
sys.path.insert(0, os.path.dirname(__file__))

from harness import Layerd, StandIn, eventually, silent_url  # noqa: E402
from layerd_client import (  # noqa: E402
    Client,
    Config,
    ConfigurationRefused,
    NotFound,
    Retry,
    ServerUnavailable,
    ValidationFailed,
)

logging.getLogger("layerd_client").addHandler(logging.NullHandler())
logging.getLogger("layerd_client").propagate = False

QUICK = Retry(attempts=2, initial=0.01, longest=0.01)
FILES = {
    "application.yml": "shared: 1\nlist: [a, b]\n",
    "user.yml": "server: {port: 8080, debug: true}\nrate: 1.5\nname: user\nhome: ${HOME:none}\n",
    "user-production.yml": "server: {debug: false}\n",
}


class Reads(unittest.TestCase):
    CONFIG = Config(
        {"server": {"port": "8080", "debug": "yes", "ratio": 2.0}, "list": [{"a": 1}], "json": '{"x": [1]}', "a.b": 3, "no": None},
        '"e"',
        "c",
        "server",
        0.0,
    )

    def test_keys_lead_through_maps_and_lists(self):
        config = self.CONFIG
        self.assertEqual(config["list[0].a"], 1)
        self.assertEqual(config.get("a.b"), 3)
        self.assertEqual(config.get("list[1].a", "x"), "x")
        self.assertEqual(config.get("server.port.deeper", "x"), "x")
        self.assertIn("server.port", config)
        self.assertNotIn("server.host", config)
        with self.assertRaises(KeyError):
            config["server.host"]

    def test_typed_reads_convert_or_name_the_key(self):
        config = self.CONFIG
        self.assertEqual(config.get_int("server.port"), 8080)
        self.assertEqual(config.get_int("server.ratio"), 2)
        self.assertIs(config.get_bool("server.debug"), True)
        self.assertEqual(config.get_float("server.port"), 8080.0)
        self.assertEqual(config.get_json("json"), {"x": [1]})
        self.assertEqual(config.get_json("list"), [{"a": 1}])
        self.assertEqual(config.get_str("server.ratio"), "2.0")
        for read in (config.get_int, config.get_float, config.get_bool):
            self.assertEqual(read("none", 7), 7)
            self.assertEqual(read("no", 7), 7)
            with self.assertRaisesRegex(ValueError, "`list`"):
                read("list")
        with self.assertRaisesRegex(ValueError, "`server.debug`"):
            config.get_int("server.debug")

    def test_leaves_have_dotted_keys(self):
        flat = Config({"a": {"b": [1, {"c": 2}]}, "e": {}}, "", "", "", 0.0).flat()
        self.assertEqual(flat, {"a.b[0]": 1, "a.b[1].c": 2, "e": {}})


class Served(unittest.TestCase):
    def setUp(self):
        self.server = Layerd(FILES)
        self.addCleanup(self.server.close)
        self.cache = tempfile.TemporaryDirectory()
        self.addCleanup(self.cache.cleanup)

    def client(self, **options):
        options.setdefault("retry", QUICK)
        client = Client(options.pop("url", self.server.url), "user", ["production"], **options)
        self.addCleanup(client.close)
        return client

    def test_the_start_has_the_merged_document(self):
        client = self.client(environment={"HOME": "/root"}).connect()
        self.assertEqual(client.get_int("server.port"), 8080)
        self.assertIs(client.get_bool("server.debug"), False)
        self.assertEqual(client.get("home"), "/root")
        self.assertEqual(client.config.source, "server")
        self.assertTrue(client.config.etag.startswith('"'))

    def test_the_next_server_answers_when_the_first_does_not(self):
        client = self.client(url=[silent_url(), self.server.url]).connect()
        self.assertEqual(client.get_int("shared"), 1)

    def test_changes_arrive_with_the_keys_that_differ(self):
        client = self.client().connect()
        changes = []
        client.on_change(changes.append)
        # The stream may not be open yet; whatever is written meanwhile is seen when it is.
        self.server.write("user.yml", "server: {port: 9090, debug: true}\nrate: 1.5\nname: user\nnew: 1\n")
        eventually("the change arrives", lambda: changes)
        self.assertEqual(list(changes[0].keys), ["home", "new", "server.port"])
        self.assertEqual((changes[0].before.get("server.port"), client.get("server.port")), (8080, 9090))

    def test_a_restart_of_the_server_loses_no_change(self):
        client = self.client().connect()
        client.follow()
        self.server.stop()
        self.server.write("application.yml", "shared: 2\n")
        self.server.start()
        eventually("it comes back", lambda: client.get("shared") == 2)

    def test_a_version_that_does_not_fit_is_not_taken(self):
        def schema(values):
            if values["server"]["port"] > 9000:
                raise ValueError("the port is too high")
            return values["server"]["port"]

        client = self.client(schema=schema).connect()
        client.follow()
        self.assertEqual(client.model, 8080)
        self.server.write("user.yml", "server: {port: 9090}\n")
        eventually("it is refused", lambda: client.rejected_version)
        self.assertEqual((client.get("server.port"), client.model), (8080, 8080))
        self.server.write("user.yml", "server: {port: 8081}\n")
        eventually("a good one is taken", lambda: client.model == 8081)
        self.assertIsNone(client.rejected_version)
        with self.assertRaises(ValidationFailed):
            self.client(schema=lambda values: values["nothing"]).connect()

    def test_a_listener_that_raises_keeps_the_version_before(self):
        client = self.client().connect()
        seen = threading.Event()

        @client.on_change
        def refuse(change):
            self.assertEqual(client.get("shared"), 2, "it is in force while listeners look")
            seen.set()
            raise RuntimeError("no")

        self.server.write("application.yml", "shared: 2\n")
        eventually("it is refused", lambda: client.rejected_version)
        self.assertTrue(seen.is_set())
        self.assertEqual(client.get("shared"), 1)

    def test_the_cache_starts_a_service_without_a_server_and_quickly(self):
        self.client(cache_dir=self.cache.name).connect()
        self.server.stop()
        began = time.monotonic()
        client = self.client(cache_dir=self.cache.name).connect()
        self.assertLess(time.monotonic() - began, 1.0)
        self.assertEqual((client.get("server.port"), client.config.source), (8080, "cache"))
        self.assertGreaterEqual(client.config.age, 0.0)
        self.server.write("application.yml", "shared: 2\n")
        client.follow()
        self.server.start()
        eventually("the server takes over", lambda: client.get("shared") == 2)
        self.assertEqual(client.config.source, "server")

    def test_a_cache_that_is_not_to_be_believed_is_ignored(self):
        self.client(cache_dir=self.cache.name).connect()
        self.server.stop()
        (path,) = glob.glob(os.path.join(self.cache.name, "*.json"))
        with open(path, "rb") as file:
            good = file.read()
        self.assertEqual(stat.S_IMODE(os.stat(path).st_mode), 0o600)
        content = json.loads(good)
        bad = {
            "empty": b"",
            "cut short": good[: len(good) // 2],
            "another body": json.dumps({**content, "body": "e30="}).encode(),
            "a newer format": json.dumps({**content, "format": 2}).encode(),
            "another application": json.dumps({**content, "about": {"application": "x"}}).encode(),
            "no object": b"[]",
            "nested": b"[" * 100_000,
        }
        for name, text in bad.items():
            with self.subTest(name):
                with open(path, "wb") as file:
                    file.write(text)
                with self.assertRaises(ServerUnavailable):
                    self.client(cache_dir=self.cache.name).connect()
        os.unlink(path)
        elsewhere = os.path.join(self.cache.name, "elsewhere")
        with open(elsewhere, "wb") as file:
            file.write(good)
        os.symlink(elsewhere, path)
        with self.assertRaises(ServerUnavailable):
            self.client(cache_dir=self.cache.name).connect()
        os.unlink(path)
        os.chmod(elsewhere, 0o666)
        os.rename(elsewhere, path)
        with self.assertRaises(ServerUnavailable):
            self.client(cache_dir=self.cache.name).connect()

    def test_other_addresses_have_caches_of_their_own(self):
        self.client(cache_dir=self.cache.name).connect()
        self.server.stop()
        other = Client(self.server.url, "order", ["production"], cache_dir=self.cache.name, retry=QUICK)
        with self.assertRaises(ServerUnavailable):
            other.connect()

    def test_a_folder_that_cannot_be_written_costs_only_the_cache(self):
        client = self.client(cache_dir="/proc/nowhere/at/all").connect()
        self.assertEqual(client.get("shared"), 1)

    def test_an_unknown_label_is_told_at_once(self):
        with self.assertRaises(NotFound):
            self.client(label="nope").connect()

    def test_an_override_file_is_laid_over(self):
        path = os.path.join(self.cache.name, "local.json")
        with open(path, "w") as file:
            json.dump({"server": {"port": 1}}, file)
        client = self.client(override_file=path).connect()
        self.assertEqual((client.get("server.port"), client.get("server.debug")), (1, False))


class Faults(unittest.TestCase):
    def stand_in(self, answer):
        server = StandIn(answer)
        self.addCleanup(server.close)
        return server

    def connect(self, url, **options):
        client = Client(url, "user", retry=QUICK, timeout=1.0, **options)
        self.addCleanup(client.close)
        return client.connect()

    def test_without_a_server_the_start_fails_or_is_empty(self):
        url = silent_url()
        with self.assertRaisesRegex(ServerUnavailable, url):
            self.connect(url)
        self.assertEqual(self.connect(url, fail_fast=False).get("a", 7), 7)

    def test_bad_responses_are_not_taken(self):
        headers = {"ETag": '"e"', "Layerd-Version": "c"}
        for body in (b"{", b"[]", b"\xff", b"[" * 100_000, b'{"a": 1}'[:-1]):
            server = self.stand_in(lambda path, sent, body=body: (200, headers, body))
            with self.assertRaises(ServerUnavailable):
                self.connect(server.url)
        server = self.stand_in(lambda path, sent: (200, {**headers, "Content-Length": "100"}, b'{"a": 1}'))
        with self.assertRaises(ServerUnavailable):
            self.connect(server.url)

    def test_an_overloaded_server_is_asked_again_after_its_wish(self):
        answers = [(429, {"Retry-After": "0.2"}, b""), (200, {"ETag": '"e"'}, b'{"a": 1}')]
        server = self.stand_in(lambda path, sent: answers.pop(0))
        began = time.monotonic()
        self.assertEqual(self.connect(server.url).get("a"), 1)
        self.assertGreaterEqual(time.monotonic() - began, 0.2)

    def test_refusals_are_not_tried_again_and_redirects_not_followed(self):
        target = self.stand_in(lambda path, sent: (200, {}, b"{}"))
        for status, headers in ((401, {}), (403, {}), (302, {"Location": target.url})):
            server = self.stand_in(lambda path, sent, status=status, headers=headers: (status, headers, b'{"detail": "no"}'))
            with self.assertRaises(ConfigurationRefused):
                self.connect(server.url, token="secret")
            self.assertEqual(len(server.requests), 1)
        self.assertEqual(target.requests, [])

    def test_a_token_is_asked_for_at_each_request(self):
        tokens = ["one", "two"]
        server = self.stand_in(lambda path, sent: (200, {"ETag": '"e"'}, b"{}"))
        client = self.connect(server.url, token=lambda: tokens[0])
        tokens.pop(0)
        client.refresh()
        shown = [headers["Authorization"] for _, headers in server.requests]
        self.assertEqual(shown, ["Bearer one", "Bearer two"])
        self.assertEqual(server.requests[1][1]["If-None-Match"], '"e"')
        self.assertEqual(server.requests[1][1]["Layerd-Running"], '"e"')

    def test_secrets_are_written_only_with_a_key(self):
        headers = {"ETag": '"e"', "Cache-Control": "private, no-store"}
        server = self.stand_in(lambda path, sent: (200, headers, b'{"password": "hunter2"}'))
        with tempfile.TemporaryDirectory() as folder:
            self.connect(server.url, cache_dir=folder)
            self.assertEqual(os.listdir(folder), [])
            try:
                import cryptography  # noqa: F401
            except ImportError:
                self.skipTest("cryptography is not installed")
            key = bytes(range(32))
            self.connect(server.url, cache_dir=folder, cache_key=key)
            (name,) = os.listdir(folder)
            with open(os.path.join(folder, name), "rb") as file:
                self.assertNotIn(b"hunter2", file.read())
            server.close()
            self.assertEqual(self.connect(server.url, cache_dir=folder, cache_key=key).get("password"), "hunter2")
            with self.assertRaises(ServerUnavailable):
                self.connect(server.url, cache_dir=folder, cache_key=bytes(32))

    def test_a_server_without_events_is_polled(self):
        number = [1]

        def answer(path, sent):
            if path.startswith("/api/v1/watch"):
                return 404, {}, b"{}"
            return 200, {"ETag": f'"{number[0]}"'}, json.dumps({"a": number[0]}).encode()

        server = self.stand_in(answer)
        client = self.connect(server.url, poll_interval=0.05).follow()
        number[0] = 2
        eventually("the change is seen", lambda: client.get("a") == 2)


if __name__ == "__main__":
    unittest.main()
