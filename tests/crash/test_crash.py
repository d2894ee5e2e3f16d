"""kill -9 at any moment loses nothing and doubles nothing.

SKENE_SEED repeats the moments of a run; it is printed.
"""
import collections
import os
import pathlib
import random
import sys
import time
import unittest

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "support"))
from http_sink import HttpSink  # noqa: E402
from skene import wait_for  # noqa: E402
from world import World, hook, mail, pgbench  # noqa: E402

SIGN_UPS, RATE, KILLS = 2000, 50, 30
UP_MAX_S = 1.5  # a server lives at most this long between two kills
FAILPOINT_SIGN_UPS = 20
FAILPOINTS = (
    "committer.before_commit", "committer.after_commit",
    "worker.before_commit", "worker.after_commit",
    "drain.before_ack", "drain.after_ack",
    "dispatcher.before_send", "dispatcher.after_send",
    "dispatcher.after_record",
)


class Crash(unittest.TestCase):
    def setUp(self):
        self.sink = HttpSink().start()
        self.addCleanup(self.sink.stop)
        self.w = World().start()
        self.addCleanup(self.w.close)
        self.w.message("welcome", "Welcome")
        self.w.feature("greet", [mail("welcome")], mode="once")
        self.w.feature("tell", [hook(self.sink.url + "/hook")], mode="once")
        self.w.deploy()

    def kill_and_restart(self, rng):
        time.sleep(rng.random() * UP_MAX_S)
        self.w.server.kill()
        self.w.server.start(ready=False)

    def finish(self, people):
        """Waits until everything has been done, stops, and counts."""
        w = self.w
        w.server.wait_ready()
        c = w.settled(people, 60)
        wait_for("an empty outbox", lambda: w.outbox() == 0, 30)
        self.assertEqual(c["events"], people)
        self.assertEqual(c["actions_failed"], 0)
        mails = collections.Counter(m["to"] for m in w.inbox())
        self.assertEqual(w.server.stop(), 0)
        wanted = {row[0] for row in w.pg.rows("select email from auth.users")}
        self.assertEqual(len(wanted), people)
        self.assertEqual(wanted - set(mails), set(), "lost mails")
        self.assertEqual([m for m, n in mails.items() if n != 1], [],
                         "doubled mails")
        self.each_once(people)

    def each_once(self, people):
        """One run a person and feature; one webhook-id a person."""
        ids = {row[0] for row in self.w.pg.rows("select id from auth.users")}
        runs = self.w.store_rows(
            "select f.key, r.subject_key, count(*) from runs r "
            "join features f on f.id = r.feature_id group by 1, 2")
        self.assertEqual([r for r in runs if r[2] != 1], [], "doubled runs")
        for key in ("greet", "tell"):
            self.assertEqual(
                {s.split("/", 1)[1] for k, s, _ in runs if k == key}, ids)
        told = collections.defaultdict(set)
        for r in self.sink.requests:
            told[r.json["data"]["subject"]["id"]].add(r.headers["webhook-id"])
        self.assertEqual(set(told), ids, "lost webhooks")
        self.assertEqual([p for p, keys in told.items() if len(keys) != 1],
                         [], "doubled webhooks")
        self.assertEqual(len({k for keys in told.values() for k in keys}),
                         people)

    def test_random_kills(self):
        seed = int(os.environ.get("SKENE_SEED") or time.time_ns() % 2**32)
        print(f"SKENE_SEED={seed}", flush=True)
        rng = random.Random(seed)
        child = pgbench(self.w.pg.conninfo, SIGN_UPS, RATE)
        try:
            for _ in range(KILLS):
                self.kill_and_restart(rng)
            self.assertEqual(child.wait(90), 0)
        finally:
            if child.poll() is None:
                child.kill()
                child.wait()
        self.finish(SIGN_UPS)
        print(f"{len(self.sink.requests)} webhook requests for "
              f"{SIGN_UPS} sign-ups", flush=True)

    def test_failpoints(self):
        total = 0
        server = self.w.server
        for point in FAILPOINTS:
            with self.subTest(point=point):
                server.stop()
                server.env["SKENE_FAILPOINT"] = point + ":kill"
                server.start(ready=False)
                self.w.sign_up(*(f"u{total + i}@example.com"
                                 for i in range(FAILPOINT_SIGN_UPS)))
                total += FAILPOINT_SIGN_UPS
                wait_for(f"{point} to kill", lambda: server.process.poll()
                         is not None, 20)
                self.assertEqual(server.process.returncode, -9)
                del server.env["SKENE_FAILPOINT"]
                server.start()
                self.w.settled(total)
        self.finish(total)


if __name__ == "__main__":
    unittest.main(verbosity=2)
