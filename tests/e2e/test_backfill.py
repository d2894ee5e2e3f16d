#!/usr/bin/env python3
"""Rows that were there before a feature: each enters once, new ones through
their events, none twice, also when the server is killed on the way."""
import pathlib
import sys
import unittest

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests" / "support"))

from skene import wait_for                        # noqa: E402
from world import World, document, pgbench, track  # noqa: E402

FREE = [{"path": "email", "op": "ends_with", "value": "@example.com"}]


def people(w, first, n, domain="example.com"):
    w.pg.psql(f"insert into auth.users (email) select 'u' || i || '@{domain}'"
              f" from generate_series({first}, {first + n - 1}) i")


def entries(w, key):
    """(runs, different rows) of a feature."""
    tracks = [t for t in w.pages("/api/v1/actions")
              if t["feature"] == key and t["kind"] == "track"]
    return len(tracks), len({t["subject"] for t in tracks})


def existing(w, key, mode="every", conditions=None, **more):
    doc_conditions = FREE if conditions is None else conditions
    doc = document(key, [track(key)], mode=mode, conditions=doc_conditions,
                   **more)
    doc["entry"]["backfill"] = "existing"
    w.put(doc)


class Backfill(unittest.TestCase):
    def setUp(self):
        self.w = World().start()
        self.addCleanup(self.w.close)

    def state(self, key):
        return self.w.server.cli_json("feature", "backfill", key)

    def done(self, key, seconds=60):
        wait_for("the backfill",
                 lambda: self.state(key)["state"] == "done", seconds)
        self.w.settled()

    def test_preview_then_each_once(self):
        w = self.w
        people(w, 0, 1200)
        people(w, 5000, 300, "other.org")
        existing(w, "seen")
        before = self.state("seen")
        self.assertEqual((before["rows"], before["matching"], before["exact"],
                          before["state"]), (1500, 1200, True, "not active"))
        said = w.server.cli("feature", "activate", "seen")
        self.assertIn("1200 rows of auth.users will enter",
                      said.stdout + said.stderr)
        self.assertEqual(self.state("seen")["state"], "waiting")
        self.assertEqual(entries(w, "seen"), (0, 0))
        w.deploy()
        self.done("seen")
        self.assertEqual(entries(w, "seen"), (1200, 1200))
        # New ones come as events; what is there does not come again.
        people(w, 2000, 10)
        w.settled(events=10)
        self.assertEqual(entries(w, "seen"), (1210, 1210))
        w.restart()
        w.settled()
        self.assertEqual(self.state("seen")["state"], "done")
        self.assertEqual(entries(w, "seen"), (1210, 1210))

    def test_while_people_sign_up(self):
        """Every row once, whether it came before, while or after."""
        w = self.w
        people(w, 0, 3000)
        existing(w, "seen", conditions=[])
        w.server.cli("feature", "activate", "seen")
        load = pgbench(w.pg.url(), 400, 200)
        try:
            w.deploy()
            self.done("seen")
        finally:
            load.wait(60)
        w.settled()
        wait_for("an empty outbox", lambda: w.outbox() == 0)
        w.settled()
        rows = int(w.one("select count(*) from auth.users"))
        self.assertEqual(rows, 3400)
        self.assertEqual(entries(w, "seen"), (rows, rows))

    def test_killed_on_the_way(self):
        w = self.w
        people(w, 0, 4000)
        existing(w, "seen", conditions=[])
        w.server.cli("feature", "activate", "seen")
        w.deploy()
        for _ in range(4):
            wait_for("a page", lambda: self.state("seen")["state"]
                     in ("running", "done"), 20)
            w.server.kill()
            people(w, 100000 + int(w.one("select count(*) from auth.users")),
                   25)
            w.server.start()
        self.done("seen")
        wait_for("an empty outbox", lambda: w.outbox() == 0)
        w.settled()
        rows = int(w.one("select count(*) from auth.users"))
        self.assertEqual(rows, 4100)
        self.assertEqual(entries(w, "seen"), (rows, rows))

    def test_paused_on_the_way(self):
        """Nothing is passed over while the feature is paused."""
        w = self.w
        people(w, 0, 6000)
        existing(w, "seen", conditions=[])
        w.server.cli("feature", "activate", "seen")
        w.deploy()
        wait_for("a page", lambda: self.state("seen")["state"]
                 in ("running", "done"), 20)
        w.server.cli("feature", "pause", "seen")
        w.server.cli("feature", "activate", "seen")
        self.done("seen")
        self.assertEqual(entries(w, "seen"), (6000, 6000))

    def test_rows_whose_event_waits(self):
        """A row that was captured and not drained yet enters by its event."""
        w = self.w
        w.feature("first", [track("first")])
        w.deploy()
        w.server.stop()
        people(w, 0, 50)
        self.assertEqual(w.outbox(), 50)
        w.server.start()
        existing(w, "seen", conditions=[])
        w.server.cli("feature", "activate", "seen")
        w.deploy()
        self.done("seen")
        wait_for("an empty outbox", lambda: w.outbox() == 0)
        w.settled()
        self.assertEqual(entries(w, "seen"), (50, 50))

    def test_refusals(self):
        w = self.w
        doc = document("seen", [track("seen")], op="update")
        doc["entry"]["backfill"] = "existing"
        r = w.server.request("POST", "/api/v1/features", doc)
        self.assertEqual(r.status, 422)
        self.assertIn("trigger on insert", r.text)
        doc = document("seen", [track("seen")])
        doc["entry"]["backfill"] = "all"
        r = w.server.request("POST", "/api/v1/features", doc)
        self.assertIn("none or existing", r.text)
        w.pg.psql("create table public.loose (user_id uuid, body text)")
        w.server.cli("schema", "--refresh")
        doc = document("seen", [track("seen")], table="public.loose",
                       subject={"table": "auth.users", "id": "user_id"})
        doc["entry"]["backfill"] = "existing"
        r = w.server.request("POST", "/api/v1/features", doc)
        self.assertIn("primary key", r.text)


if __name__ == "__main__":
    unittest.main()
