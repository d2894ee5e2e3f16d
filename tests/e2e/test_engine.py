#!/usr/bin/env python3
"""engine.yaml out and in, what holds for a whole workspace, failed actions put
back together."""
import json
import pathlib
import sys
import unittest

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests" / "support"))

from http_sink import HttpSink                     # noqa: E402
from skene import wait_for                         # noqa: E402
from world import World, document, hook, mail, track  # noqa: E402

ODD = "Line one: \"quoted\" # not a comment\n\n- {{ subject.id }}\n\ttab\n"


class Engine(unittest.TestCase):
    def setUp(self):
        self.w = World().start()
        self.addCleanup(self.w.close)
        self.dir = pathlib.Path(self.w.server.store).parent

    def test_a_file_goes_round(self):
        w, cli = self.w, self.w.server.cli
        w.put(document("greet", [mail("greet")], holdout=0.125,
                       goal={"when": [{"path": "role", "op": "eq",
                                       "value": "x: y"}], "within": "P7D"}))
        w.put(document("count", [track("yes"), track("1"), track("null")],
                       exit=[{"path": "role", "op": "in",
                              "value": ["a", "1", "no"]}]))
        r = w.server.request("PUT", "/api/v1/messages/templates/greet",
                             b"---\nsubject: Hi: {{ subject.id }}\n---\n"
                             + ODD.encode())
        self.assertEqual(r.status, 200, r.text)
        cli("connections", "set", "team", "slack", "https://a.example/secret")
        path = self.dir / "engine.yaml"
        cli("features", "export", "--out", str(path))
        again = cli("features", "export", "--out", str(path), check=False)
        self.assertNotEqual(again.returncode, 0)  # never over a file
        text = path.read_text()
        self.assertNotIn("secret", text)
        whole = w.server.cli_json("features", "export")
        same = w.server.cli_json("features", "import", str(path))
        self.assertEqual({f["change"] for f in same["features"]
                          + same["messages"]}, {"same"})
        self.assertEqual([v["version"] for v in w.server.cli_json(
            "feature", "versions", "greet")["data"]], [1])
        with World() as other:
            checked = other.server.cli_json("features", "import", str(path),
                                            "--check")
            self.assertEqual(checked["missing_connections"], ["team"])
            self.assertEqual(other.server.cli_json("features",
                                                   "export")["features"], [])
            other.server.cli("features", "import", str(path))
            whole["connections"] = []
            self.assertEqual(other.server.cli_json("features", "export"),
                             whole)
            self.assertEqual(other.server.cli("features", "export").stdout,
                             text.replace(text[text.index("connections:"):],
                                          "connections: []\n"))

    def test_a_mistake_stores_nothing(self):
        w = self.w
        path = self.dir / "bad.yaml"
        good = document("good", [track("x")])
        for change, words in (
                ({"stage": "growth"}, "features[1].stage"),
                ({"trigger": {"type": "row", "table": "auth.user",
                              "op": "insert"}}, "auth.users"),
                ({"colour": 1}, "features[1].colour")):
            path.write_text(json.dumps({
                "version": 2, "features": [good, {**good, "key": "bad",
                                                  **change}],
                "messages": [{"key": "m", "subject": "s", "body": "b"}]}))
            said = w.server.cli("features", "import", str(path), check=False)
            self.assertNotEqual(said.returncode, 0)
            self.assertIn(words, said.stderr)
        for text, words in (("version: 1\n", "version 2"),
                            ("version: 2\nfeature: []\n", "feature"),
                            ("version: 2\nfeatures: {}\n", "list"),
                            ("version: [", "line"),
                            ("version: 2\nmessages:\n  - {key: a, subject: "
                             "'{{ x', body: b}\n", "messages[0]")):
            path.write_text(text)
            said = w.server.cli("features", "import", str(path), check=False)
            self.assertNotEqual(said.returncode, 0, text)
            self.assertIn(words, said.stderr, text)
        whole = w.server.cli_json("features", "export")
        self.assertEqual((whole["features"], whole["messages"]), ([], []))

    def test_the_workspace_keeps_back_in_all_features(self):
        w, cli = self.w, self.w.server.cli
        self.assertIn("none", cli("workspace").stdout)
        cli("workspace", "--holdout", "0.5", "--cap", "1/P1D")
        self.assertEqual(w.server.cli_json("workspace")["cap"],
                         {"count": 1, "per": "P1D"})
        for bad in (["--cap", "3"], ["--cap", "0/P1D"], ["--holdout", "2"],
                    ["--holdout", "half"]):
            said = cli("workspace", *bad, check=False)
            self.assertNotEqual(said.returncode, 0, bad)
        for key in ("one", "two"):
            w.message(key)
            w.feature(key, [mail(key)])
        w.deploy()
        w.sign_up(*[f"u{i}@example.com" for i in range(40)])
        wait_for("all decisions", lambda: len(
            w.pages("/api/v1/decisions")) == 80)
        held = {}
        for d in w.pages("/api/v1/decisions"):
            held.setdefault(d["feature"], set())
            if d["verdict"] == "holdout":
                held[d["feature"]].add(d["subject"])
        self.assertEqual(held["one"], held["two"])
        self.assertTrue(8 < len(held["one"]) < 32)
        # One mail to each of the others, whatever the features.
        wait_for("the mails", lambda: len(w.inbox()) == 40 - len(held["one"]))
        cli("workspace", "--holdout", "none", "--cap", "none")
        self.assertIsNone(w.server.cli_json("workspace")["holdout"])

    def test_failed_actions_go_back_together(self):
        w, cli = self.w, self.w.server.cli
        with HttpSink(default=410) as sink:
            w.feature("one", [hook(sink.url)])
            w.feature("two", [hook(sink.url)])
            w.deploy()
            w.sign_up("a@example.com", "b@example.com", "c@example.com")
            wait_for("failures", lambda: len(w.actions(status="failed")) == 6)
            sink.default = 204
            self.assertIn("3 actions put back", cli(
                "actions", "retry", "all", "--feature", "one").stdout)
            wait_for("one", lambda: len(w.actions(status="succeeded")) == 3)
            self.assertEqual({a["feature"] for a in w.actions(
                status="failed")}, {"two"})
            self.assertIn("3 actions put back",
                          cli("actions", "retry", "all").stdout)
            wait_for("two", lambda: len(w.actions(status="succeeded")) == 6)

    def test_a_missing_message_is_told_at_once(self):
        self.w.put(document("greet", [mail("greet")]))
        said = self.w.server.cli("feature", "activate", "greet")
        self.assertIn("message greet", said.stderr)


if __name__ == "__main__":
    unittest.main()
