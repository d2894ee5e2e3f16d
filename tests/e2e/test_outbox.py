#!/usr/bin/env python3
"""The outbox as an owner meets it: failures put back, copies, a database that
does not answer beside one that does."""
import contextlib
import pathlib
import socket
import sys
import threading
import unittest

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests" / "support"))

from skene import wait_for                        # noqa: E402
from world import World, track                    # noqa: E402


class Outbox(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.w = World().start()
        cls.w.feature("seen", [track("seen")])
        cls.w.deploy()

    @classmethod
    def tearDownClass(cls):
        cls.w.close()

    def test_failed_events_are_listed_and_put_back(self):
        s, pg = self.w.server, self.w.pg
        self.assertEqual(s.cli("failed-events").returncode, 0)
        pg.psql("alter table skene_growth.event_log rename to away")
        self.w.sign_up("lost@example.com")
        pg.psql("alter table skene_growth.away rename to event_log")
        listed = s.cli("failed-events", "--json", check=False)
        self.assertEqual(listed.returncode, 1)
        self.assertIn("auth.users.insert", listed.stdout)
        before = s.counts()["events"]
        self.assertIn("1 events put back",
                      s.cli("failed-events", "replay").stdout)
        wait_for("the event", lambda: s.counts()["events"] == before + 1)
        self.assertEqual(s.cli("failed-events").returncode, 0)
        wrong = s.cli("failed-events", "replay", "12345", check=False)
        self.assertEqual(wrong.returncode, 66)
        self.assertIn("no failed event 12345", wrong.stderr)

    def test_a_copy_is_adopted(self):
        s, pg = self.w.server, self.w.pg
        self.assertIn("its own home", s.cli("adopt", "saas", "--yes",
                                            check=False).stderr)
        s.cli("disconnect", "saas")
        wait_for("no drain", lambda: pg.rows(
            "select count(*) from pg_stat_activity where application_name"
            " like 'skene%'") == [["0"]])
        pg.psql("insert into skene_growth.event_log (event_type)"
                " values ('auth.users.insert')")
        pg.psql("create database copy template saas" if "/saas" in pg.url()
                else "create database copy template "
                + pg.url().rsplit("/", 1)[1])
        s.cli("connect", pg.url("copy"), "--name", "copy")
        wait_for("the refusal", lambda: "copy of the database" in s.log())
        refused = s.cli("deploy", "-i", "copy", "--yes", check=False)
        self.assertIn("skene adopt", refused.stderr)
        self.assertIn("1 events of the original forgotten",
                      s.cli("adopt", "copy", "--yes").stdout)
        s.cli("deploy", "-i", "copy", "--yes")
        self.assertEqual(pg.rows(
            "select count(*) from skene_growth.event_log",
            pg.url("copy")), [["0"]])
        s.cli("disconnect", "copy")
        s.cli("connect", pg.url(), "--name", "saas")

    def test_a_silent_database_does_not_hold_up_another(self):
        s = self.w.server
        with Relay(self.w.pg) as relay:
            self.w.pg.psql("create database second")
            made = s.api("POST", "/api/v1/integrations", {
                "url": relay.url("second"), "name": "second"})
            relay.silence()
            self.assertEqual(made["status"], "connected")
            served = 0
            for n in range(20):
                before = s.counts()["events"]
                self.w.sign_up(f"beside{n}@example.com")
                wait_for("the event",
                         lambda: s.counts()["events"] == before + 1)
                served += relay.waiting() > 0
            # events went by while a connection to the silent one was tried
            self.assertGreater(served, 0)
        s.cli("disconnect", "second")


class Relay:
    """Passes bytes on to PostgreSQL, until it falls silent: then it accepts
    and never answers."""

    def __init__(self, pg):
        rest = pg.url().split("@", 1)[1].split("/", 1)[0]
        self.to = (rest.split(":")[0] or "127.0.0.1", int(rest.split(":")[1]))
        self.silent = False
        self.sockets = []
        self.mute = []

    def __enter__(self):
        self.listener = socket.create_server(("127.0.0.1", 0))
        threading.Thread(target=self.accept, daemon=True).start()
        return self

    def __exit__(self, *exc):
        self.listener.close()
        for one in self.sockets + self.mute:
            one.close()

    def url(self, database):
        port = self.listener.getsockname()[1]
        return f"postgres://postgres@127.0.0.1:{port}/{database}"

    def accept(self):
        while True:
            try:
                one, _ = self.listener.accept()
            except OSError:
                return
            if self.silent:
                self.mute.append(one)
                continue
            two = socket.create_connection(self.to)
            self.sockets += [one, two]
            for a, b in ((one, two), (two, one)):
                threading.Thread(target=self.pump, args=(a, b),
                                 daemon=True).start()

    @staticmethod
    def pump(a, b):
        try:
            while data := a.recv(65536):
                b.sendall(data)
            b.shutdown(socket.SHUT_WR)
        except OSError:
            pass

    def silence(self):
        self.silent = True
        for one in self.sockets:
            try:
                one.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass

    def waiting(self):
        """Connections that have not been given up on the other side."""
        n = 0
        for one in self.mute:
            one.setblocking(False)
            try:
                while data := one.recv(4096):
                    pass
                assert data == b""
            except BlockingIOError:
                n += 1
            except OSError:
                pass
        return n


class ReadOnly(unittest.TestCase):
    """Plans and exports; every way to write is refused, and nothing of it
    reaches the database."""

    def test_plans_exports_and_never_writes(self):
        w = World().start(connect=False)
        with contextlib.closing(w):
            s, pg = w.server, w.pg
            s.cli("connect", pg.url(), "--name", "saas", "--read-only")
            w.feature("seen", [track("seen")])
            self.assertGreater(s.cli_json("deploy", "--plan")["changes"], 0)
            (s.dir / "migrations").mkdir()
            written = s.cli("deploy", "--out", "migrations").stdout
            self.assertEqual(len(written.split()), 2)
            for command in (["deploy", "--yes"], ["adopt", "--yes"],
                            ["failed-events", "replay"],
                            ["disconnect", "--drop", "--yes"]):
                refused = s.cli(*command, check=False)
                with self.subTest(command=command):
                    self.assertEqual(refused.returncode, 77, refused.stderr)
                    self.assertIn("read-only", refused.stderr
                                  .replace("read only", "read-only"))
            self.assertEqual(w.one("select count(*) from pg_namespace"
                                   " where nspname = 'skene_growth'"), "0")
            # What was written is what a deployment would do.
            for path in sorted((s.dir / "migrations").iterdir()):
                pg.psql(path.read_text())
            self.assertEqual(s.cli_json("deploy", "--plan")["changes"], 0)


class Audit(unittest.TestCase):
    def test_rows_without_an_event_are_found(self):
        with World() as w:
            s, pg = w.server, w.pg
            nothing = s.cli("audit", check=False)
            self.assertEqual(nothing.returncode, 66)
            self.assertIn("nothing was deployed", nothing.stderr)
            w.feature("seen", [track("seen")], conditions=[
                {"path": "email", "op": "ends_with", "value": "@example.com"}])
            pg.psql("insert into auth.users (email)"
                    " values ('before@example.com')")
            w.deploy()
            w.sign_up("one@example.com", "two@example.com")
            w.sign_up("three@else.where")
            pg.psql("set session_replication_role = replica;"
                    " insert into auth.users (email)"
                    " values ('copied@example.com'), ('copied@else.where')")
            w.settled(events=2)
            # Rows of the last 30 s may still be on their way.
            w.restart([*s.args, "--clock-offset", "2m"])
            found = s.cli("audit", check=False)
            self.assertEqual(found.returncode, 1)
            copied = w.one("select id from auth.users"
                           " where email = 'copied@example.com'")
            self.assertIn(f"auth.users: 3 rows, 1 without an event: {copied}",
                          found.stdout)
            pg.psql("delete from auth.users where email like 'copied@%'")
            clean = s.cli("audit")
            self.assertIn("2 rows, 0 without an event", clean.stdout)


if __name__ == "__main__":
    unittest.main(verbosity=2)
