#!/usr/bin/env python3
"""simulate, backtest, why-not: they decide as the live path does, and change
nothing."""
import json
import pathlib
import sys
import unittest

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests" / "support"))

from skene import wait_for                        # noqa: E402
from world import World, document, mail, track    # noqa: E402

DRIP = {
    "initial": "greet",
    "states": {
        "greet": {"transitions": [
            {"effects": [{"type": "email", "template": "welcome"}],
             "target": "wait"}]},
        "wait": {"transitions": [
            {"after": "P2D",
             "guard": [{"path": "email_confirmed_at", "op": "is_null"}],
             "effects": [{"type": "email", "template": "nudge"}],
             "target": "done"},
            {"after": "P2D", "effects": [{"type": "track", "event": "fine"}],
             "target": "done"}]},
        "done": {"final": True}}}
EXAMPLE = [{"path": "email", "op": "ends_with", "value": "@example.com"}]


class WhatIf(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.w = World().start()
        w = cls.w
        w.message("welcome")
        w.message("nudge")
        w.feature("drip", [], machine=DRIP, mode="once", conditions=EXAMPLE)
        w.deploy()
        cls.ann, cls.bob = w.sign_up("ann@example.com", "bob@other.org")
        w.settled(events=1)

    @classmethod
    def tearDownClass(cls):
        cls.w.close()

    def figures(self):
        c = self.w.server.counts()
        return c["events"], c["decisions"], c["actions_succeeded"], \
            len(self.w.inbox())

    # ---- simulate ----
    def test_simulate_goes_to_the_end(self):
        before = self.figures()
        w = self.w
        said = w.server.cli_json("simulate", "drip", "--record", json.dumps(
            {"id": "11111111-1111-4111-8111-111111111111",
             "email": "new@example.com", "email_confirmed_at": None}))
        steps = said["steps"]
        self.assertTrue(said["trigger_fires"])
        self.assertEqual([(s["kind"], s["verdict"]) for s in steps],
                         [("decision", "entered"), ("effect", "entered"),
                          ("decision", "completed"), ("effect", "entered")])
        self.assertEqual([s["effect"]["template"] for s in steps
                          if s["kind"] == "effect"], ["welcome", "nudge"])
        self.assertEqual(steps[1]["address"], "new@example.com")
        self.assertEqual((said["state"], said["status"]),
                         ("done", "completed"))
        days = (int(steps[2]["at"][8:10]) - int(steps[0]["at"][8:10])) % 31
        self.assertIn(days, (2, 1))  # over the end of a month of 30: 1 + 1
        self.assertEqual(self.figures(), before)

    def test_simulate_a_live_row_with_an_edit(self):
        w = self.w
        said = w.server.cli_json(
            "simulate", "drip", "--row", self.ann, "--record",
            '{"email_confirmed_at": "2026-01-01T00:00:00Z"}')
        self.assertEqual([s["effect"].get("event") for s in said["steps"]
                          if s["kind"] == "effect"], [None, "fine"])
        text = w.server.cli("simulate", "drip", "--row", self.ann).stdout
        for part in ("✔ entered", "email welcome to ann@example.com",
                     "it would be done now", "over at"):
            self.assertIn(part, text)

    def test_simulate_the_event_that_was(self):
        w = self.w
        event = w.pages("/api/v1/events")[-1]
        said = w.server.cli_json("simulate", "drip", "--event", event["id"])
        self.assertEqual(said["steps"][0]["verdict"], "entered")
        self.assertEqual(said["record"]["email"], "ann@example.com")

    def test_simulate_says_why_nothing_happens(self):
        w = self.w
        said = w.server.cli_json("simulate", "drip", "--row", self.bob)
        self.assertEqual(said["steps"][0]["verdict"], "guard_false")
        trace = said["steps"][0]["detail"]["conditions"][0]
        self.assertEqual((trace["actual"], trace["holds"]),
                         ("bob@other.org", False))

    def test_simulate_a_document_in_a_file(self):
        w = self.w
        path = pathlib.Path(w.server.store).parent / "draft.json"
        path.write_text(json.dumps(document("draft", [track("draft")])))
        said = w.server.cli_json("simulate", str(path), "--row", self.bob)
        self.assertEqual(said["steps"][1]["effect"]["event"], "draft")
        path.write_text(json.dumps(document("draft", [], table="auth.user")))
        bad = w.server.cli("simulate", str(path), "--row", self.bob,
                           check=False)
        self.assertNotEqual(bad.returncode, 0)
        self.assertIn("auth.users", bad.stderr)

    def test_mistakes(self):
        cli = self.w.server.cli
        for args, code, words in (
                (["simulate", "drip"], 2, "--record"),
                (["simulate", "drip", "--record", "{"], None, "--record"),
                (["simulate", "drip", "--row", self.ann[:-4] + "ffff"], None,
                 "has no row"),
                (["simulate", "dripp", "--row", "1"], None, "dripp"),
                (["backtest", "drip", "--source", "tabel"], None,
                 "events or table"),
                (["backtest", "drip", "--since", "soon"], None, "soon"),
                (["backtest", "drip", "--compare", "99"], None, "99"),
                (["why-not", "public.projects/1", "drip"], None,
                 "auth.users")):
            said = cli(*args, check=False)
            self.assertNotEqual(said.returncode, 0, args)
            if code:
                self.assertEqual(said.returncode, code, args)
            self.assertIn(words, said.stderr, args)

    # ---- why not ----
    def test_why_not(self):
        w = self.w
        said = w.server.cli_json("why-not", f"auth.users/{self.bob}", "drip")
        row = said["rows"][0]
        self.assertEqual((row["row"], row["verdict"]),
                         (self.bob, "guard_false"))
        self.assertIn("bob@other.org", row["changes"][0])
        said = w.server.cli_json("why-not", self.ann, "drip")
        self.assertEqual(said["rows"][0]["verdict"], "already_entered")
        self.assertEqual(said["runs"][0]["state"], "wait")
        self.assertEqual(said["decisions"][0]["verdict"], "entered")
        text = w.server.cli("why-not", self.bob, "drip").stdout
        self.assertIn("a row is inserted into auth.users", text)
        self.assertIn("→ needed:", text)
        nobody = self.ann[:-4] + "ffff"
        said = w.server.cli_json("why-not", nobody, "drip")
        self.assertEqual(said["rows"], [])

    def test_why_not_of_a_draft_over_a_link(self):
        w = self.w
        w.feature("projects", [track("p")], activate=False,
                  table="public.projects",
                  subject={"table": "auth.users", "id": "owner_id"})
        w.pg.psql(f"insert into public.projects (owner_id, name)"
                  f" values ('{self.bob}', 'one'), ('{self.bob}', 'two')")
        said = w.server.cli_json("why-not", self.bob, "projects")
        self.assertEqual([r["verdict"] for r in said["rows"]],
                         ["paused", "paused"])
        self.assertEqual(said["rows"][0]["changes"],
                         ["the feature must be active"])

    # ---- backtest ----
    def test_backtest_of_the_table(self):
        w = self.w
        w.pg.psql("insert into auth.users (email, created_at) select"
                  " 'old' || i || case when i % 2 = 0 then '@example.com' else"
                  " '@other.org' end, now() - i * interval '1 day'"
                  " from generate_series(1, 20) i")
        # They enter now, too: for them the sign-up is an event of today.
        wait_for("their runs", lambda: w.server.api(
            "GET", "/api/v1/features/drip")["runs"] == {"wait": 11})
        w.settled()
        before = self.figures()
        said = w.server.cli_json("backtest", "drip", "--since", "P10DT12H",
                                 "--until", "PT12H")
        self.assertEqual((said["source"], said["entries"]), ("table", 5))
        self.assertEqual(said["verdicts"]["guard_false"], 5)
        self.assertEqual(said["effects"]["email"], 5 + 4)
        self.assertEqual(len(said["days"]), 5)
        self.assertEqual(self.figures()[2:], before[2:])
        every = [{"path": "email", "op": "not_null"}]
        path = pathlib.Path(w.server.store).parent / "all.json"
        path.write_text(json.dumps(document(
            "drip", [], machine=DRIP, mode="once", conditions=every)))
        both = w.server.cli_json("backtest", "drip", "--since", "P10DT12H",
                                 "--until", "PT12H", "--compare", str(path))
        self.assertEqual((both["both"], both["only_a"]["subjects"],
                          both["only_b"]["subjects"]), (5, 0, 5))
        text = w.server.cli("backtest", "drip", "--since", "P10DT12H",
                            "--compare", "1").stdout
        self.assertIn("entered in both", text)
        w.pg.psql("delete from auth.users where email like 'old%'")


class Recorded(unittest.TestCase):
    """The backtest of a recorded day is what the live run did that day."""

    def test_the_same_decisions(self):
        with World() as w:
            w.message("welcome")
            machine = {
                "initial": "a",
                "states": {
                    "a": {"transitions": [
                        {"on": "match", "guard": [{
                            "table": "public.projects", "link": "owner_id",
                            "op": "gte", "value": 2}],
                         "effects": [track("two")], "target": "done"},
                        {"after": "PT3S",
                         "guard": [{"path": "role", "op": "eq",
                                    "value": "vip"}],
                         "effects": [mail("welcome")], "target": "b"},
                        {"after": "PT3S", "effects": [track("plain")],
                         "target": "b"}]},
                    "b": {"transitions": [
                        {"after": "PT2S", "target": "done"}]},
                    "done": {"final": True}}}
            w.feature("journey", [], machine=machine, mode="every",
                      conditions=EXAMPLE,
                      exit=[{"path": "role", "op": "eq", "value": "gone"}])
            w.deploy()
            people = w.sign_up(*[f"u{i}@example.com" for i in range(12)],
                               "stranger@other.org")
            w.settled(events=12)
            w.pg.psql("update auth.users set role = 'vip' where email in"
                      " ('u1@example.com', 'u2@example.com')")
            w.pg.psql("update auth.users set role = 'gone' where email ="
                      " 'u3@example.com'")
            for person in people[4:6]:
                w.pg.psql("insert into public.projects (owner_id, name) values"
                          f" ('{person}', 'x'), ('{person}', 'y')")
            def over():
                counts = w.server.api("GET", "/api/v1/features/journey")
                runs = counts["runs"]
                return sum(n for k, n in runs.items() if ":" in k) == 12
            wait_for("all runs to end", over, 40)
            w.settled()
            live = [(d["subject"], d["verdict"]) for d in reversed(
                w.pages("/api/v1/decisions?feature=journey"))]
            # Today's values would lead to other ends.
            w.pg.psql("update auth.users set role = 'gone'")
            w.pg.psql("delete from public.projects")
            report = w.server.cli_json("backtest", "journey", "--since",
                                       "PT1H", "--source", "events",
                                       "--decisions", "1000")
            again = [(d["subject"], d["verdict"])
                     for d in report["decisions"]]
            for person in people:
                key = f"auth.users/{person}"
                self.assertEqual([v for s, v in again if s == key],
                                 [v for s, v in live if s == key], key)
            self.assertEqual(sorted(again), sorted(live))
            self.assertGreater(report["facts"]["recorded"], 0)


if __name__ == "__main__":
    unittest.main()
