#!/usr/bin/env python3
"""Named receivers, a secret that is replaced, a receiver that is down, and what
Resend tells of its mails."""
import base64
import hashlib
import hmac
import json
import pathlib
import sys
import time
import unittest

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests" / "support"))

from http_sink import HttpSink                     # noqa: E402
from skene import wait_for                         # noqa: E402
from world import World, hook, mail, track         # noqa: E402


def secret(word):
    return "whsec_" + base64.b64encode((word * 8).encode()[:32]).decode()


OLD, NEW, SVIX = secret("old-"), secret("new-"), secret("svix")


def to(name):
    return {"type": "webhook", "connection": name}


class Connections(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.sink = HttpSink(default=200).start()
        cls.w = World(env={"SKENE_WEBHOOK_SECRET": f"{NEW} {OLD}",
                           "RESEND_WEBHOOK_SECRET": SVIX}).start()
        cli = cls.w.server.cli
        for kind in ("slack", "discord", "webhook"):
            cli("connections", "set", f"team-{kind}", kind,
                f"{cls.sink.url}/{kind}")
        cli("connections", "set", "oncall", "pagerduty",
            f"{cls.sink.url}/pagerduty", "--token", "-", stdin="routing\n")
        names = ("team-slack", "team-discord", "team-webhook", "oncall")
        cls.w.feature("tell", [to(n) for n in names] + [to("nobody")],
                      conditions=[{"path": "email", "op": "contains",
                                   "value": "tell"}])
        cls.w.feature("count", [track("counted")],
                      conditions=[{"path": "email", "op": "contains",
                                   "value": "count"}])
        cls.w.feature("greet", [mail("greet")],
                      conditions=[{"path": "email", "op": "contains",
                                   "value": "greet"}])
        cls.w.message("greet")
        cls.w.deploy()

    @classmethod
    def tearDownClass(cls):
        cls.w.close()
        cls.sink.stop()

    def asked(self, path):
        return [r for r in self.sink.requests if r.path == path]

    def test_each_kind_gets_its_body(self):
        self.w.sign_up("<tell&me>@example.com")
        wait_for("the actions", lambda: len([
            a for a in self.w.actions(feature="tell", kind="webhook")
            if "nobody" in (a["address"] or "") and a["status"] == "failed"]))
        self.w.settled()
        slack = [r.json for r in self.asked("/slack")
                 if "&lt;" in r.json["text"]][0]
        self.assertEqual(slack, {"text": "Tell: &lt;tell&amp;me&gt;@example.com"
                                         ", state act"})
        discord = [r.json for r in self.asked("/discord")
                   if "<" in r.json["content"]][0]
        self.assertEqual(discord["content"],
                         "Tell: <tell&me>@example.com, state act")
        self.assertEqual(discord["allowed_mentions"], {"parse": []})
        page = [r.json for r in self.asked("/pagerduty")
                if "<" in r.json["payload"]["summary"]][0]
        self.assertEqual((page["routing_key"], page["event_action"]),
                         ("routing", "trigger"))
        self.assertEqual(page["payload"]["custom_details"]["feature"], "tell")
        done = {a["address"]: a for a in self.w.actions(feature="tell")}
        keys = [a["key"] for a in self.w.actions(feature="tell")]
        self.assertIn(page["dedup_key"], keys)
        self.assertEqual(done["nobody"]["status"], "failed")
        self.assertIn("skene connections set", done["nobody"]["last_error"])

    def test_while_a_secret_is_replaced_both_sign(self):
        if not self.asked("/webhook"):
            self.w.sign_up("tell-too@example.com")
        request = self.sink.wait(1) and wait_for(
            "the webhook", lambda: self.asked("/webhook"))[0]
        for known in (OLD, NEW):
            self.assertTrue(request.signed_by(known), known)
        self.assertFalse(request.signed_by(SVIX))

    def test_analytics_go_to_their_connection(self):
        cli, w = self.w.server.cli, self.w
        for kind, path, who in (("posthog", "/i/v0/e/", "distinct_id"),
                                ("segment", "/v1/track", "userId")):
            cli("connections", "set", "analytics", kind, self.sink.url + "/",
                "--token", "key")
            person, = w.sign_up(f"count-{kind}@example.com")
            body = wait_for(kind, lambda: self.asked(path))[0]
            self.assertEqual(body.json["event"], "counted")
            self.assertEqual(body.json[who], person)
            self.assertEqual(body.json["properties"]["feature"], "count")
        self.assertEqual(body.headers["authorization"],
                         "Basic " + base64.b64encode(b"key:").decode())
        self.assertEqual(self.asked("/i/v0/e/")[0].json["api_key"], "key")
        cli("connections", "remove", "analytics")
        self.assertEqual(cli("connections", "remove", "analytics",
                             check=False).returncode, 66)

    def test_secrets_are_shown_to_nobody(self):
        shown = json.dumps(self.w.server.cli_json("connections"))
        self.assertIn("oncall", shown)
        self.assertNotIn("routing", shown)
        self.assertNotIn("/slack", shown)
        for args, words in ((["x", "slack"], "needs a URL"),
                            (["x", "pagerduty"], "needs a token"),
                            (["x", "smoke", "https://a.example"], "kind is"),
                            (["X y", "slack", "https://a.example"],
                             "lower-case")):
            bad = self.w.server.cli("connections", "set", *args, check=False)
            self.assertNotEqual(bad.returncode, 0)
            self.assertIn(words, bad.stderr)

    # ---- what Resend tells ----
    def resend(self, event, key=SVIX, at=None, tamper=b""):
        body = json.dumps(event).encode()
        stamp = str(int(at or time.time()))
        mac = hmac.new(base64.b64decode(key.removeprefix("whsec_")),
                       b"msg_1." + stamp.encode() + b"." + body,
                       hashlib.sha256).digest()
        return self.w.server.request(
            "POST", "/api/v1/providers/resend/webhook", body + tamper,
            {"svix-id": "msg_1", "svix-timestamp": stamp,
             "svix-signature": "v1," + base64.b64encode(mac).decode()},
            tcp=True)

    def event(self, kind, address, **data):
        return {"type": kind, "created_at": "2026-11-24T09:00:00.000Z",
                "data": {"email_id": "1", "to": [address], **data}}

    def test_bounces_and_complaints_end_mail(self):
        w = self.w
        soft = self.event("email.bounced", "soft-greet@example.com",
                          bounce={"type": "Transient"})
        self.assertEqual(self.resend(soft).json, {"suppressed": 0})
        for event in (self.event("email.bounced", "hard-greet@example.com",
                                 bounce={"type": "Permanent"}),
                      self.event("email.complained", "angry-greet@example.com")):
            self.assertEqual(self.resend(event).json, {"suppressed": 1})
        self.assertEqual(
            {s["address"]: s["reason"] for s in w.server.api(
                "GET", "/api/v1/suppressions")["data"]},
            {"hard-greet@example.com": "bounce",
             "angry-greet@example.com": "complaint"})
        w.sign_up("hard-greet@example.com", "soft-greet@example.com")
        w.settled(events=1)
        wait_for("both", lambda: len(w.actions(feature="greet")) == 2)
        w.settled()
        self.assertEqual({a["address"]: a["verdict"]
                          for a in w.actions(feature="greet")},
                         {"hard-greet@example.com": "suppressed",
                          "soft-greet@example.com": None})

    def test_what_resend_did_not_sign_is_refused(self):
        event = self.event("email.complained", "victim@example.com")
        for reply in (self.resend(event, key=OLD),
                      self.resend(event, at=time.time() - 3600),
                      self.resend(event, tamper=b" "),
                      self.w.server.request(
                          "POST", "/api/v1/providers/resend/webhook",
                          event, tcp=True)):
            self.assertEqual(reply.status, 401, reply.text)
        self.assertNotIn("victim@example.com", json.dumps(
            self.w.server.api("GET", "/api/v1/suppressions")))


class Breaker(unittest.TestCase):
    """A receiver that is down is asked rarely, and the others as ever."""

    def test_the_circuit_opens_and_closes(self):
        with HttpSink(default=500) as bad, HttpSink(default=204) as good, \
                World() as w:
            w.feature("down", [hook(bad.url)])
            w.feature("up", [hook(good.url)])
            w.deploy()
            w.pg.psql("insert into auth.users (email) select 'u' || i from"
                      " generate_series(1, 100) i")
            good.wait(100, 20)
            time.sleep(3)
            # Without a circuit: 100 at once, and 100 more after 5 seconds.
            self.assertLess(len(bad.requests), 30)
            waiting = w.actions(feature="down", status="pending")
            self.assertEqual(len(waiting), 100)
            self.assertLess(sum(a["attempts"] for a in waiting), 30)
            bad.default = 204
            wait_for("all of them", lambda: len(
                w.actions(feature="down", status="succeeded")) == 100, 150)
            self.assertEqual(len({r.headers["webhook-id"]
                                  for r in bad.requests}), 100)


if __name__ == "__main__":
    unittest.main()
