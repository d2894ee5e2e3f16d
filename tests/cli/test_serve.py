"""serve as a process: start line, key, signals, a second server; and the
commands that ask it."""
import json
import os
import pathlib
import signal
import stat
import subprocess
import sys
import tempfile
import time
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]
                       / "support"))
from skene import Server, binary, run_cli, wait_for  # noqa: E402


def mode(path):
    return stat.S_IMODE(os.stat(path).st_mode)


class Life(unittest.TestCase):
    def test_start_line_files_and_clean_stop(self):
        with Server() as s:
            self.assertRegex(s.log(), r"listening url=http://127\.0\.0\.1:\d+ "
                                      r"socket=\S+ store=\S+")
            self.assertNotIn(s.token, s.log())
            for name in ("skene.db", "key", "token", "skene.db.sock"):
                self.assertEqual(mode(s.dir / name), 0o600, name)
            self.assertEqual(s.stop(), 0)
            self.assertIn("stopped", s.log())
            self.assertFalse(s.socket.exists())

    def test_start_is_quick(self):
        with Server() as s:
            s.stop()
            began = time.monotonic()
            s.start(ready=False)
            self.assertLess(time.monotonic() - began, 2.0)

    def test_interrupt_stops_too(self):
        with Server() as s:
            s.process.send_signal(signal.SIGINT)
            self.assertEqual(s.process.wait(10), 0)

    def test_restart_uses_the_same_key_and_token(self):
        with Server() as s:
            key, token = (s.dir / "key").read_text(), s.token
            s.stop()
            s.start()
            self.assertEqual((s.dir / "key").read_text(), key)
            self.assertEqual(s.token, token)

    def test_second_server_is_refused_with_the_pid(self):
        with Server() as s:
            done = run_cli("serve", "--store", s.store, "--socket",
                           s.dir / "other.sock", "--listen", "off",
                           env=s.env, cwd=s.dir)
            self.assertEqual(done.returncode, 73, done.stderr)
            self.assertIn(str(s.pid), done.stderr)
            self.assertEqual(s.request("GET", "/ready").status, 200)

    def test_port_in_use(self):
        with Server() as s, tempfile.TemporaryDirectory() as other:
            done = run_cli("serve", "--store", f"{other}/x.db", "--listen",
                           f"127.0.0.1:{s.port}", env=s.env, cwd=other)
            self.assertEqual(done.returncode, 74, done.stderr)
            self.assertIn(str(s.port), done.stderr)

    def test_bad_keys_are_refused(self):
        for key in ("short", "A" * 44, "00" * 32):
            with tempfile.TemporaryDirectory() as folder:
                s = Server(folder, env={"SKENE_ENCRYPTION_KEY": key})
                done = run_cli("serve", "--store", s.store, "--listen", "off",
                               env=s.env, cwd=folder)
                self.assertEqual(done.returncode, 65, done.stderr)
                self.assertIn("SKENE_ENCRYPTION_KEY", done.stderr)
                self.assertNotIn(key, done.stderr)

    def test_key_file_others_may_read_is_refused(self):
        with Server() as s:
            s.stop()
            os.chmod(s.dir / "key", 0o644)
            done = run_cli("serve", "--store", s.store, "--listen", "off",
                           env=s.env, cwd=s.dir)
            self.assertEqual(done.returncode, 65, done.stderr)
            self.assertIn("chmod 600", done.stderr)

    def test_json_log(self):
        with Server(args=["--log-format", "json"]) as s:
            line = next(line for line in s.log().split("\n")
                        if '"listening"' in line)
            self.assertEqual(json.loads(line)["url"], s.url)

    def test_socket_only(self):
        with tempfile.TemporaryDirectory(prefix="skene-") as folder:
            s = Server(folder)
            with open(s.log_path, "wb") as log:
                process = subprocess.Popen(
                    [binary(), "serve", "--store", str(s.store), "--listen",
                     "off"], stderr=log, env=s.env, cwd=folder)
            try:
                wait_for("the socket", s.socket.exists)
                wait_for("it answers", lambda: s.cli(
                    "status", check=False).returncode == 0)
            finally:
                process.terminate()
                self.assertEqual(process.wait(10), 0)


class Commands(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.s = Server().start()

    @classmethod
    def tearDownClass(cls):
        cls.s.close()

    def test_json_of_every_list(self):
        s = self.s
        for args in (["status"], ["integrations"], ["feature", "list"],
                     ["logs"], ["actions"], ["actions", "failed"], ["inbox"],
                     ["feature", "templates"], ["journey", "public.users/1"]):
            with self.subTest(args=args):
                json.loads(s.cli(*args, "--json").stdout)
        self.assertEqual(s.cli_json("status")["events"], 0)

    def test_doctor_finds_or_not(self):
        done = self.s.cli("doctor", "--json", check=False)
        answer = json.loads(done.stdout)
        self.assertEqual(done.returncode, 0 if answer["ok"] else 1)
        for f in answer["findings"]:
            self.assertIn(f["status"], ("ok", "warn", "fail"))
            if f["status"] != "ok":
                self.assertTrue(f["fix"], f)

    def test_empty_lists_say_what_to_do(self):
        done = self.s.cli("integrations")
        self.assertEqual(done.stdout, "")
        self.assertIn("skene connect", done.stderr)
        self.assertEqual(self.s.cli("integrations", "--quiet").stderr, "")

    def test_server_errors_keep_message_hint_and_status(self):
        s = self.s
        for args, code, says in (
                (["explain", "nothing"], 66, "is not an id"),
                (["explain", "01234567-89ab-7def-8123-456789abcdef"], 66, ""),
                (["feature", "show", "nothing"], 66, "nothing"),
                (["logs", "--verdict", "great"], 65, "is not a verdict"),
                (["logs", "--since", "soon"], 65, "ISO 8601"),
                (["inbox", "nothing"], 66, "is not an id"),
                (["actions", "--status", "odd"], 65, "must be pending"),
                (["deploy", "--plan"], 66, ""),
                (["feature", "new", "--template", "wellcome-email-drip"],
                 66, "did you mean welcome-email-drip")):
            done = s.cli(*args, check=False)
            with self.subTest(args=args):
                self.assertEqual(done.returncode, code, done.stderr)
                self.assertTrue(done.stderr.startswith("skene: "))
                self.assertIn(says, done.stderr)

    def test_connect_tells_why_it_cannot(self):
        done = self.s.cli("connect", "postgres://u:hidden@127.0.0.1:1/db",
                          check=False)
        self.assertEqual(done.returncode, 69, done.stderr)
        self.assertIn("127.0.0.1", done.stderr)
        self.assertNotIn("hidden", done.stderr)

    def test_server_over_tcp_with_the_token(self):
        s = self.s
        env = {"SKENE_API_KEY": s.token, **s.env}
        done = run_cli("status", "--json", "--server", s.url, env=env,
                       cwd=s.dir)
        self.assertEqual(done.returncode, 0, done.stderr)
        done = run_cli("status", "--server", s.url, env=s.env, cwd=s.dir)
        self.assertEqual(done.returncode, 77)

    def test_message_is_stored_and_checked(self):
        path = self.s.dir / "hello.md"
        path.write_text("---\nsubject: Hi {{ name | default: \"there\" }}\n"
                        "---\nHello {{ name | default: \"there\" }}\n")
        self.assertEqual(self.s.cli_json("message", path)["key"], "hello")
        path.write_text("---\nsubject: Hi\n---\nHello {% if %}\n")
        done = self.s.cli("message", path, check=False)
        self.assertEqual(done.returncode, 65)


if __name__ == "__main__":
    unittest.main()
