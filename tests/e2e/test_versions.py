#!/usr/bin/env python3
"""Versions and the runs on them, pauses, goals and what they come to."""
import pathlib
import sys
import unittest

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests" / "support"))

from skene import wait_for                         # noqa: E402
from world import World, document, track           # noqa: E402


def waits(days, event, state="wait"):
    return {"initial": state, "states": {
        state: {"transitions": [
            {"after": f"P{days}D", "effects": [track(event)],
             "target": "done"}]},
        "done": {"final": True}}}


class Versions(unittest.TestCase):
    def setUp(self):
        self.w = World().start()
        self.addCleanup(self.w.close)

    def put(self, key, machine, **more):
        self.w.put(document(key, [], machine=machine, mode="once", **more))

    def runs(self, key):
        return self.w.server.api("GET", f"/api/v1/features/{key}")["runs"]

    def sent(self):
        return sorted(t["event"] for t in self.w.pages("/api/v1/tracks"))

    def test_runs_of_older_versions(self):
        w = self.w
        cli = w.server.cli
        for key in ("keeps", "migrates", "exits"):
            self.put(key, waits(2, f"{key}-old"))
            w.server.api("POST", f"/api/v1/features/{key}/activate", {})
        w.deploy()
        w.sign_up("ann@example.com", "bob@example.com")
        w.settled(events=2)
        for key in ("keeps", "migrates", "exits"):
            self.put(key, waits(1, f"{key}-new"))
        plan = w.server.cli_json("feature", "runs", "migrates", "migrate",
                                 "--plan")
        self.assertEqual((plan["in_flight"], plan["moved"], plan["states"]),
                         (2, 2, {"wait": 2}))
        self.assertIn("2 stay", cli("feature", "runs", "keeps", "keep").stdout)
        self.assertIn("2 migrate",
                      cli("feature", "runs", "migrates", "migrate").stdout)
        self.assertIn("2 exit", cli("feature", "runs", "exits", "exit").stdout)
        self.assertEqual(self.runs("exits"), {"wait:exited": 2})
        last = w.pages("/api/v1/decisions?feature=exits")[0]
        self.assertEqual(last["verdict"], "completed")
        wrong = cli("feature", "runs", "exits", "drop", check=False)
        self.assertIn("keep, migrate or exit", wrong.stderr)
        # A state that the new version has not: the run stays where it is.
        self.put("migrates", waits(3, "third", state="pause"))
        self.assertIn("2 stay",
                      cli("feature", "runs", "migrates", "migrate").stdout)
        w.restart(["--allow-private-egress", "--clock-offset", "P1DT1H"])
        wait_for("the new version's timer", lambda: self.sent() ==
                 ["migrates-new", "migrates-new"])
        w.restart(["--allow-private-egress", "--clock-offset", "P2DT1H"])
        wait_for("the old version's timer", lambda: self.sent() ==
                 ["keeps-old", "keeps-old", "migrates-new", "migrates-new"])
        seen = w.server.cli_json("feature", "versions", "migrates")["data"]
        self.assertEqual([v["version"] for v in seen], [3, 2, 1])
        self.assertEqual(seen[1]["changes"][0]["path"],
                         "machine.states.wait.transitions[0].after")
        said = cli("feature", "diff", "migrates", "1", "2").stdout
        self.assertIn('"P2D" → "P1D"', said)
        self.assertIn("v2 → v3", cli("feature", "diff", "migrates").stdout)
        for args in (["9"], ["x"], ["1", "99"]):
            bad = cli("feature", "diff", "migrates", *args, check=False)
            self.assertNotEqual(bad.returncode, 0, args)

    def test_a_pause_that_ends_runs(self):
        w = self.w
        self.put("drip", waits(1, "drip"), on_pause="exit")
        w.server.api("POST", "/api/v1/features/drip/activate", {})
        w.deploy()
        w.sign_up("ann@example.com")
        w.settled(events=1)
        w.server.cli("feature", "pause", "drip")
        self.assertEqual(self.runs("drip"), {"wait:exited": 1})
        w.server.cli("feature", "activate", "drip")
        w.sign_up("bob@example.com")
        w.settled(events=2)
        w.server.cli("feature", "archive", "drip")
        self.assertEqual(self.runs("drip"), {"wait:exited": 2})

    def test_goals_and_lift(self):
        w = self.w
        self.put("welcome", waits(1, "hello"), holdout=0.5, goal={
            "when": [{"table": "public.projects", "link": "owner_id",
                      "op": "gte", "value": 1}], "within": "P2D"})
        w.server.api("POST", "/api/v1/features/welcome/activate", {})
        w.deploy()
        people = w.sign_up(*[f"u{i}@example.com" for i in range(60)])
        w.settled(events=60)
        arms = {}
        for d in w.pages("/api/v1/decisions?feature=welcome"):
            arms.setdefault(d["verdict"], []).append(d["subject"])
        entered, held = len(arms["entered"]), len(arms["holdout"])
        self.assertEqual(entered + held, 60)
        makers = ([s.split("/")[1] for s in arms["entered"][:12]]
                  + [s.split("/")[1] for s in arms["holdout"][:2]])
        for person in makers:
            w.pg.psql("insert into public.projects (owner_id, name) values"
                      f" ('{person}', 'x')")

        def reached():
            c = w.server.api("GET", "/api/v1/features/welcome/conversion")
            return [a["subjects"] - a["open"] for a in c["arms"]] == [12, 2]
        wait_for("goals", reached)
        early = w.server.cli_json("feature", "conversion", "welcome")
        self.assertIsNone(early["lift"])
        self.assertEqual([a["over"] for a in early["arms"]], [0, 0])
        w.restart(["--allow-private-egress", "--clock-offset", "P3D"])

        def over():
            c = w.server.api("GET", "/api/v1/features/welcome/conversion")
            return c if not any(a["open"] for a in c["arms"]) else None
        said = wait_for("the windows to close", over, 40)
        self.assertEqual([(a["arm"], a["over"], a["reached"])
                          for a in said["arms"]],
                         [("entered", entered, 12), ("holdout", held, 2)])
        self.assertAlmostEqual(said["lift"]["difference"],
                               12 / entered - 2 / held, places=3)
        self.assertLess(said["lift"]["low"], said["lift"]["difference"])
        self.assertIn("lift +", w.server.cli(
            "feature", "conversion", "welcome").stdout)
        # What measures is no run: nobody sees it where runs are shown.
        self.assertEqual(sum(self.runs("welcome").values()), entered)
        subject = arms["holdout"][0].replace("/", "%2F")
        line = w.server.api("GET", f"/api/v1/subjects/{subject}/timeline")
        self.assertEqual(line["runs"], [])
        funnel = w.server.cli_json("feature", "funnel", "welcome", "--until",
                                   "2099-01-01T00:00:00Z")
        states = {s["state"]: s for s in funnel["states"]}
        self.assertEqual((states["wait"]["entered"], states["wait"]["left"],
                          states["done"]["here"]), (entered,) * 3)
        self.assertGreaterEqual(states["wait"]["median_s"], 86400)
        self.assertEqual(funnel["ended"], {"completed": entered})
        self.put("none", waits(1, "x"))
        bad = w.server.cli("feature", "conversion", "none", check=False)
        self.assertIn("has no goal", bad.stderr)


if __name__ == "__main__":
    unittest.main()
