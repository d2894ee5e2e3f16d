"""Stories of users, on a real server with a real database behind it."""
import json
import pathlib
import subprocess
import sys
import time
import unittest

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "support"))
from http_sink import HttpSink  # noqa: E402
from pg import tool  # noqa: E402
from resend_double import ResendDouble  # noqa: E402
from skene import run_cli, wait_for  # noqa: E402
from smtp_sink import SmtpSink  # noqa: E402
from world import World, document, hook, mail, track  # noqa: E402

PRIVATE = "--allow-private-egress"
TASK_OWNER = {"table": "auth.users", "id": "creator_id"}


def psql_session(pg):
    """An open psql, for what happens inside one transaction."""
    return subprocess.Popen(
        [tool("psql"), "-X", "-q", "-A", "-t", "-v", "ON_ERROR_STOP=1", "-d",
         pg.conninfo], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
        text=True)


class Uncommitted:
    """A change whose captured rows are known before the drain sees them."""

    def __init__(self, pg, sql):
        self.psql = psql_session(pg)
        self.psql.stdin.write(
            f"begin;\n{sql};\nselect jsonb_agg(e order by e.id) "
            "from skene_growth.event_log e;\n")
        self.psql.stdin.flush()
        self.rows = json.loads(self.psql.stdout.readline())

    def commit(self):
        self.psql.communicate("commit;\n", timeout=30)
        assert self.psql.returncode == 0


def world(case, **kw):
    """A world for a test or, given the class, for all of its tests."""
    w = World(**kw).start()
    cleanup = (case.addClassCleanup if isinstance(case, type)
               else case.addCleanup)
    cleanup(w.close)
    return w


def sink(case, kind=HttpSink, **kw):
    s = kind(**kw).start()
    cleanup = (case.addClassCleanup if isinstance(case, type)
               else case.addCleanup)
    cleanup(s.stop)
    return s


class Transports(unittest.TestCase):
    """The drain and the push find each other's events."""

    @classmethod
    def setUpClass(cls):
        cls.w = world(cls)
        cls.w.feature("seen", [track("seen")])
        cls.w.deploy()

    def post(self, rows):
        body = {"type": "BATCH", "records": [
            {k: r[k] for k in ("id", "entity_id", "event_type", "metadata",
                               "occurred_at")} for r in rows]}
        r = self.w.server.post_events(self.w.secret, body)
        self.assertEqual(r.status, 202, r.text)
        return r.json

    def change(self, name):
        return Uncommitted(self.w.pg, "insert into auth.users (email) select "
                           f"'{name}' || n || '@example.com' "
                           "from generate_series(1, 3) n")

    def test_drain_then_push(self):
        before = self.w.server.counts()["events"]
        change = self.change("drained")
        change.commit()
        self.w.settled(before + 3)
        wait_for("an empty outbox", lambda: self.w.outbox() == 0)
        self.assertEqual(self.post(change.rows),
                         {"accepted": 0, "duplicates": 3})
        self.each_once(before + 3)

    def test_push_then_drain(self):
        before = self.w.server.counts()["events"]
        change = self.change("pushed")
        self.assertEqual(self.post(change.rows),
                         {"accepted": 3, "duplicates": 0})
        self.w.settled(before + 3)
        change.commit()
        wait_for("an empty outbox", lambda: self.w.outbox() == 0)
        self.each_once(before + 3)

    def test_published_body(self):
        """The one-record form; the secret counts."""
        before = self.w.server.counts()["events"]
        change = self.change("single")
        row = change.rows[0]
        body = {"type": "INSERT", "table": "event_log",
                "schema": "skene_growth", "record": row}
        for want in ({"accepted": 1, "duplicates": 0},
                     {"accepted": 0, "duplicates": 1}):
            r = self.w.server.post_events(self.w.secret, body)
            self.assertEqual((r.status, r.json), (202, want))
        refused = self.w.server.post_events("sk_in_wrong", body)
        self.assertEqual(refused.status, 401)
        change.commit()
        self.w.settled(before + 3)
        self.each_once(before + 3)

    def each_once(self, events):
        c = self.w.settled(events)
        self.assertEqual((c["events"], c["decisions"], c["tracks"]),
                         (events, events, events))


class Effects(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.hooks, cls.tracks = sink(cls), sink(cls)
        cls.resend = sink(cls, ResendDouble)
        cls.secret = "whsec_c2tlbmUtZTJlLXNlY3JldC0wMTIzNDU2Nzg5"
        cls.w = world(cls, env={
            "RESEND_API_KEY": "re_test", "SKENE_RESEND_URL": cls.resend.url,
            "SKENE_MAIL_FROM": "Saas <hello@saas.example>",
            "SKENE_WEBHOOK_SECRET": cls.secret,
            "SKENE_TRACK_SINK": cls.tracks.url + "/track"})
        cls.w.message("welcome", "Welcome aboard")
        cls.w.feature("tell", [hook(cls.hooks.url + "/hook")])
        cls.w.feature("count", [track("signed_up")])
        cls.w.feature("greet", [mail("welcome")])
        cls.w.deploy()

    def sign_up(self, email):
        """One person; returns the id once every action is done."""
        before = self.w.server.counts()["events"]
        person, = self.w.sign_up(email)
        self.w.settled(before + 1)
        return person

    def test_webhook_is_signed(self):
        person = self.sign_up("hook@example.com")
        r, = [r for r in self.hooks.requests
              if r.json["data"]["subject"]["id"] == person]
        self.assertTrue(r.signed_by(self.secret))
        r.body = r.body.replace(b"hook@", b"hock@")
        self.assertFalse(r.signed_by(self.secret))
        self.assertEqual((r.method, r.path), ("POST", "/hook"))
        body = r.json
        self.assertEqual(body["type"], "tell.act")
        action, = self.w.actions(kind="webhook", key=r.headers["webhook-id"])
        self.assertEqual(action["run"], body["data"]["run"])
        self.assertEqual(body["data"]["event"]["type"], "auth.users.insert")

    def test_webhook_is_repeated(self):
        self.hooks.answer(500)
        person = self.sign_up("again@example.com")
        tries = [r for r in self.hooks.requests
                 if r.json["data"]["subject"]["id"] == person]
        self.assertEqual(len(tries), 2)
        self.assertEqual(len({r.headers["webhook-id"] for r in tries}), 1)
        self.assertEqual(tries[0].body, tries[1].body)
        # M9: 5 s, give or take 20 %.
        self.assertGreater(tries[1].at - tries[0].at, 3.9)
        action, = self.w.actions(kind="webhook",
                                 key=tries[0].headers["webhook-id"])
        self.assertEqual((action["status"], action["attempts"]),
                         ("succeeded", 2))
        shown = self.w.server.api("GET", f"/api/v1/actions/{action['id']}")
        self.assertEqual([t["code"] for t in shown["tries"]], [500, 204])

    def test_webhook_refused_for_good(self):
        self.hooks.answer(410)
        person = self.sign_up("gone@example.com")
        failed, = self.w.actions(status="failed")
        self.assertEqual(failed["subject"], f"auth.users/{person}")
        done = self.w.server.cli("actions", "failed", check=False)
        self.assertEqual(done.returncode, 1)
        self.w.server.cli("actions", "retry", failed["id"])
        self.w.settled()
        self.assertEqual(self.w.actions(status="failed"), [])
        self.assertEqual(self.w.actions(key=failed["key"])[0]["status"],
                         "succeeded")

    def test_track(self):
        person = self.sign_up("track@example.com")
        r, = [r for r in self.tracks.requests
              if r.json["distinct_id"] == person]
        self.assertEqual((r.path, r.json["event"]), ("/track", "signed_up"))
        stored, = [t for t in self.w.pages("/api/v1/tracks")
                   if t["subject"] == f"auth.users/{person}"]
        self.assertEqual(stored["event"], "signed_up")
        self.assertEqual(stored["properties"], r.json["properties"])
        self.assertNotIn("track@example.com", r.body.decode())

    def test_resend(self):
        self.resend.fail_next(429, "rate_limit_exceeded", retry_after=1)
        person = self.sign_up("resend@example.com")
        m, = [m for m in self.resend.mails
              if "resend@example.com" in m["to"]]
        self.assertEqual(m["from"], "Saas <hello@saas.example>")
        self.assertEqual(m["subject"], "Welcome aboard")
        self.assertIn(person, m["text"])
        self.assertIn(person, m["html"])
        action, = self.w.actions(kind="email", address="resend@example.com")
        self.assertEqual(action["provider_id"], m["id"])
        self.assertEqual(action["key"], m["idempotency_key"])
        self.assertEqual(action["attempts"], 2)
        self.assertEqual(self.w.inbox(), [])


class Smtp(unittest.TestCase):
    def test_smtp(self):
        smtp = sink(self, SmtpSink, auth=("saas", "secret"))
        w = world(self, env={"SKENE_SMTP_URL": smtp.url,
                             "SKENE_MAIL_FROM": "Saas <hello@saas.example>"})
        w.message("welcome", "Grüße aus Köln")
        w.feature("greet", [mail("welcome")])
        w.deploy()
        smtp.refuse("RCPT", "450 4.2.0 busy")
        person, = w.sign_up("ann@example.com")
        w.settled(1)
        m, = smtp.mails
        self.assertEqual(m.sender, "hello@saas.example")
        self.assertEqual(m.recipients, ["ann@example.com"])
        self.assertEqual(m.subject, "Grüße aus Köln")
        self.assertIn(person, m.part("plain"))
        self.assertIn(person, m.part("html"))
        action, = w.actions(kind="email")
        self.assertEqual((action["status"], action["attempts"]),
                         ("succeeded", 2))


class Rows(unittest.TestCase):
    """Triggers of every kind and what runs do with them."""

    @classmethod
    def setUpClass(cls):
        cls.w = world(cls)
        cls.w.message("tip")
        cls.n = 0

    def tearDown(self):
        for f in self.w.pages("/api/v1/features"):
            self.w.server.cli("feature", "archive", f["key"])
        self.w.deploy(drain=False)

    def feature(self, key, effects, **more):
        self.w.feature(key, effects, **more)
        self.w.deploy()

    def person(self):
        type(self).n += 1
        return self.w.sign_up(f"p{self.n}@example.com")[0]

    def settled(self, events):
        """Runs `events`, a function, and waits for its n events."""
        before = self.w.server.counts()["events"]
        n = events()
        wait_for("an empty outbox", lambda: self.w.outbox() == 0)
        self.w.settled(before + n)

    def test_update_from_to(self):
        self.feature("paid", [track("paid")], table="public.subscriptions",
                     op="update", trigger={
                         "column": "status", "from": "trialing",
                         "to": "active"},
                     subject={"table": "auth.users", "id": "user_id",
                              "email": "user_id.email"})
        ann, bob = self.person(), self.person()

        def change():
            self.w.pg.psql(f"""
                insert into public.subscriptions (user_id, status) values
                    ('{ann}', 'trialing'), ('{bob}', 'past_due');
                update public.subscriptions set status = 'active';
                update public.subscriptions set plan = 'pro';
                update public.subscriptions set status = 'canceled';
                update public.subscriptions set status = 'active';
                delete from public.subscriptions;""")
            return 1  # the trigger captures what the feature asks for
        self.settled(change)
        subjects = [t["subject"] for t in self.w.pages("/api/v1/tracks")
                    if t["event"] == "paid"]
        self.assertEqual(subjects, [f"auth.users/{ann}"])

    def test_delete(self):
        self.feature("dropped", [track("dropped")], table="public.tasks",
                     op="delete", subject=TASK_OWNER)
        ann = self.person()

        def change():
            self.w.pg.psql(f"""
                insert into public.tasks (creator_id, title)
                    values ('{ann}', 'one'), ('{ann}', 'two');
                delete from public.tasks where title = 'one';""")
            return 1
        self.settled(change)
        tracks = [t["subject"] for t in self.w.pages("/api/v1/tracks")
                  if t["event"] == "dropped"]
        self.assertEqual(tracks, [f"auth.users/{ann}"])

    def stage_of(self, person):
        return self.w.server.cli_json("journey", "auth.users/" + person)[
            "stage"]

    def test_set_stage(self):
        self.feature("arrive", [{"type": "set_stage", "stage": "activation"}])
        self.feature("task", [{"type": "set_stage", "stage": "onboarding"}],
                     table="public.tasks", subject=TASK_OWNER)
        made = {}

        def sign_up():
            made["ann"] = self.person()
            return 1

        def task():
            self.w.pg.psql("insert into public.tasks (creator_id, title) "
                           f"values ('{made['ann']}', 'one')")
            return 1
        self.settled(sign_up)
        self.assertEqual(self.stage_of(made["ann"]), "activation")
        self.settled(task)
        self.assertEqual(self.stage_of(made["ann"]), "activation")

    def drip(self):
        """A tip after two days, unless there is a task by then."""
        self.w.put(document("drip", [], mode="once", exit=[
            {"table": "public.tasks", "link": "creator_id", "to": "subject",
             "op": "gte", "value": 1, "within": "entry"}], machine={
                 "initial": "wait", "states": {
                     "wait": {"transitions": [
                         {"after": "P2D", "effects": [mail("tip")],
                          "target": "done"}]},
                     "done": {"final": True}}}))
        self.w.server.cli("feature", "activate", "drip")
        self.w.deploy()

    def runs(self, key):
        return self.w.server.api("GET", f"/api/v1/features/{key}")["runs"]

    def test_exit_by_watch(self):
        self.drip()
        made = []

        def sign_up():
            made.extend([self.person(), self.person()])
            return 2

        def task():
            self.w.pg.psql("insert into public.tasks (creator_id, title) "
                           f"values ('{made[0]}', 'one')")
            return 1
        self.settled(sign_up)
        self.assertEqual(self.runs("drip"), {"wait": 2})
        self.settled(task)
        self.assertEqual(self.runs("drip"), {"wait": 1, "wait:exited": 1})

    def test_pause(self):
        self.feature("hello", [track("hello")])

        def sign_up():
            self.person()
            return 1
        self.settled(sign_up)
        self.w.server.cli("feature", "pause", "hello")
        self.settled(sign_up)
        self.w.server.cli("feature", "activate", "hello")
        self.settled(sign_up)
        self.assertEqual(self.w.verdicts("hello"),
                         ["entered", "paused", "entered"])


class Time(unittest.TestCase):
    """The clock is a parameter: what a wait does days later."""

    def test_two_days(self):
        w = world(self)
        w.message("tip", "A tip")
        w.put(document("drip", [], mode="once", machine={
            "initial": "wait", "states": {
                "wait": {"transitions": [
                    {"after": "P2D", "target": "done",
                     "guard": [{"table": "public.projects",
                                "link": "owner_id", "to": "subject",
                                "op": "eq", "value": 0}],
                     "effects": [mail("tip")]}]},
                "done": {"final": True}}}))
        w.server.cli("feature", "activate", "drip")
        w.deploy()
        ann, _ = w.sign_up("ann@example.com", "bob@example.com")
        w.settled(2)
        w.pg.psql("insert into public.projects (owner_id, name) "
                  f"values ('{ann}', 'one')")
        w.restart([PRIVATE, "--clock-offset", "1d"])
        self.assertEqual(w.server.counts()["runs_active"], 2)
        w.restart([PRIVATE, "--clock-offset", "2d"])
        wait_for("the runs to end",
                 lambda: w.server.counts()["runs_active"] == 0)
        w.settled()
        self.assertEqual([m["to"] for m in w.inbox()], ["bob@example.com"])
        self.assertEqual(w.server.counts()["runs_active"], 0)

    def test_schedule(self):
        w = world(self)
        w.message("back", "Come back")
        doc = document("back", [mail("back")], mode="rematch", conditions=[
            {"path": "last_sign_in_at", "op": "older_than", "value": "P7D"}])
        doc["trigger"] = {"type": "schedule", "table": "auth.users",
                          "cron": "0 9 * * *", "tz": "UTC"}
        w.put(doc)
        w.server.cli("feature", "activate", "back")

        def away(*people, days=30):
            w.sign_up(*(p + "@example.com" for p in people))
            for p in people:
                w.pg.psql("update auth.users set last_sign_in_at = now() - "
                          f"interval '{days} days' "
                          f"where email = '{p}@example.com'")

        def scan(day, marker):
            """A day later: the marker is new, so its mail ends the scan."""
            away(marker)
            w.restart([PRIVATE, "--clock-offset", f"{day}d"])
            wait_for(f"the scan of day {day}", lambda: any(
                m["to"] == marker + "@example.com" for m in w.inbox()))
            w.settled()
            return sorted(m["to"].split("@")[0] for m in w.inbox())

        away("ann")
        away("bob", days=-30)
        wait_for("the schedule to be set", lambda: self.planned(w))
        self.assertEqual(scan(1, "m1"), ["ann", "m1"])
        # Still away: not again.
        self.assertEqual(scan(2, "m2"), ["ann", "m1", "m2"])
        # She was here in between, as a scan saw.
        w.pg.psql("update auth.users set last_sign_in_at = now() + "
                  "interval '1 day' where email = 'ann@example.com'")
        self.assertEqual(scan(3, "m3"), ["ann", "m1", "m2", "m3"])
        self.assertEqual(scan(12, "m4"),
                         ["ann", "ann", "m1", "m2", "m3", "m4"])

    def planned(self, w):
        return w.store_rows("select 1 from schedules where next_us > 0")


class Trouble(unittest.TestCase):
    def test_database_goes_away(self):
        w = world(self)
        w.feature("seen", [track("seen")], mode="once")
        w.feature("far", [track("far")], mode="once", conditions=[
            {"table": "public.projects", "link": "owner_id",
             "to": "subject", "op": "eq", "value": 0}])
        w.deploy()
        w.sign_up("a@example.com")
        w.settled(1)
        w.pg.halt()
        r = wait_for("/ready to answer 503", lambda: (
            lambda r: r.status == 503 and r)(
                w.server.request("GET", "/ready")), 20)
        self.assertIn("saas", r.json["why"])
        done = w.server.cli("doctor", check=False)
        self.assertNotEqual(done.returncode, 0)
        self.assertIn("integration saas", done.stdout)
        self.assertEqual(w.drain_state(), "waiting")
        # What came by push meanwhile is kept; what needs a look waits.
        status = w.server.api(
            "GET", f"/api/v1/integrations/{w.integration}/status")
        self.assertIsNotNone(status["drain"]["retry_at"])
        self.assertIsNone(status["database"])
        w.pg.resume()
        w.sign_up("b@example.com")
        w.server.wait_ready(40)
        w.settled(2, 40)
        self.assertEqual(w.outbox(), 0)
        self.assertEqual(w.server.counts()["tracks"], 4)
        self.assertEqual(w.server.cli("doctor").returncode, 0)

    def test_unreadable_events(self):
        """They are set aside with the reason; the others go on."""
        w = world(self)
        w.feature("seen", [track("seen")])
        w.deploy()
        deep = "[" * 100 + "]" * 100
        w.pg.psql("insert into skene_growth.event_log (event_type, entity_id, "
                  "metadata) values ('auth.users.insert', 'a', "
                  """'{"id": "a"}'), ('auth.users.insert', 'b', """
                  f"""'{{"id": {deep}}}'), ('nonsense', 'c', '{{}}'), """
                  """('auth.users.insert', 'd', '{"id": "d"}')""")
        w.settled(2)
        wait_for("an empty outbox", lambda: w.outbox() == 0)
        aside = w.pg.rows("select event_type, failure_reason from "
                          "skene_growth.failed_events order by event_log_id")
        self.assertEqual([row[0] for row in aside],
                         ["auth.users.insert", "nonsense"])
        self.assertIn("too deep", aside[0][1])
        self.assertEqual(w.server.counts()["tracks"], 2)

    def test_sigterm_with_work_in_hand(self):
        def slow(_request):
            time.sleep(0.1)
            return 204
        hooks = sink(self, default=slow)
        w = world(self)
        w.message("welcome")
        w.feature("tell", [hook(hooks.url)], mode="once")
        w.feature("greet", [mail("welcome")], mode="once")
        w.deploy()
        people = set()
        for turn in range(3):
            people |= set(w.sign_up(*(f"t{turn}-{i}@example.com"
                                      for i in range(100))))
            hooks.wait(turn * 30 + 1, 20)
            self.assertEqual(w.server.stop(), 0)
            w.server.start()
        c = w.settled(300, 60)
        self.assertEqual((c["events"], c["mails"]), (300, 300))
        ids = [(r.json["data"]["subject"]["id"], r.headers["webhook-id"])
               for r in hooks.requests]
        self.assertEqual({person for person, _ in ids}, people)
        # A clean stop waits for what was sent: no repeats at all.
        self.assertEqual(len(ids), 300)
        self.assertEqual(len({key for _, key in ids}), 300)
        self.assertEqual(w.outbox(), 0)

    def test_unknown_names(self):
        w = world(self)
        r = w.server.request("POST", "/api/v1/features", document(
            "wrong", [track("x")], conditions=[
                {"path": "emial", "op": "not_null"}]))
        self.assertEqual(r.status, 422, r.text)
        self.assertIn("emial", r.text)
        self.assertIn("did you mean email", r.text)
        r = w.server.request("POST", "/api/v1/features", document(
            "wrong", [track("x")], table="public.taks",
            subject=TASK_OWNER))
        self.assertEqual(r.status, 422, r.text)
        self.assertIn("public.tasks", r.text)
        self.assertEqual(w.pages("/api/v1/features"), [])

    def test_second_serve(self):
        w = world(self)
        done = run_cli("serve", "--store", w.server.store, "--listen",
                       "127.0.0.1:0", "--socket",
                       w.server.dir / "second.sock", env=w.server.env)
        self.assertNotEqual(done.returncode, 0)
        self.assertIn(str(w.server.pid), done.stderr)
        # The first goes on undisturbed.
        self.assertEqual(w.server.request("GET", "/ready").status, 200)

    def growth(self, w):
        return w.one("select count(*) from pg_namespace "
                     "where nspname = 'skene_growth'")

    def test_read_only(self):
        w = World().start(connect=False)
        self.addCleanup(w.close)
        w.connect(access_mode="read_only")
        w.feature("seen", [track("seen")])
        plan = w.server.cli_json("deploy", "--plan")
        self.assertGreater(plan["changes"], 0)
        done = w.server.cli("deploy", "--yes", check=False)
        self.assertNotEqual(done.returncode, 0)
        self.assertIn("read-only", done.stderr)
        self.assertEqual(self.growth(w), "0")

    def test_drop(self):
        w = world(self)
        w.feature("seen", [track("seen")])
        w.deploy()
        w.sign_up("a@example.com")
        w.settled(1)
        self.assertEqual(self.growth(w), "1")
        w.server.cli("disconnect", "--drop", "--yes")
        self.assertEqual(self.growth(w), "0")
        self.assertEqual(w.one(
            "select count(*) from pg_trigger where not tgisinternal"), "0")
        w.sign_up("b@example.com")
        self.assertEqual(w.server.counts()["events"], 1)


if __name__ == "__main__":
    unittest.main(verbosity=2)
