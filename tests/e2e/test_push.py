#!/usr/bin/env python3
"""Push through pg_net (its double, see tests/support/pg_net_double): the fast
path, and what is left of it when pg_net loses requests."""
import pathlib
import socket
import sys
import unittest

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT / "tests" / "support"),
                str(ROOT / "tests" / "support" / "pg_net_double")]

from skene import wait_for                        # noqa: E402
from worker import Worker                         # noqa: E402
from world import World, track                    # noqa: E402

# As the extension vault 0.3 has them, but for the encryption.
VAULT = """
create schema vault;
create table vault.secrets (
    id uuid primary key default gen_random_uuid(), name text unique,
    description text not null default '', secret text not null,
    created_at timestamptz not null default now());
create view vault.decrypted_secrets as
    select id, name, description, secret, secret as decrypted_secret,
           created_at from vault.secrets;
create function vault.create_secret(new_secret text, new_name text default null,
    new_description text default '', new_key_id uuid default null)
returns uuid language sql as $$
    insert into vault.secrets (secret, name, description)
    values (new_secret, new_name, new_description) returning id $$;
create function vault.update_secret(secret_id uuid,
    new_secret text default null, new_name text default null,
    new_description text default null, new_key_id uuid default null)
returns void language sql as $$
    update vault.secrets set secret = coalesce(new_secret, secret)
    where id = secret_id $$;
"""


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def pushed_world(transport):
    port = free_port()
    w = World(transport=transport,
              env={"SKENE_PUBLIC_URL": f"http://127.0.0.1:{port}"})
    w.server.listen = f"127.0.0.1:{port}"
    w.start()
    try:
        Worker.install(w.pg)
        w.pg.psql(VAULT)
        w.feature("seen", [track("seen")])
        w.deploy(drain=transport != "push_only")
    except BaseException:
        w.close()
        raise
    return w


def bulk(w, first, n):
    w.pg.psql(f"insert into auth.users (email) select 'u' || i ||"
              f" '@example.com' from generate_series({first},"
              f" {first + n - 1}) i")


class PushOnly(unittest.TestCase):
    """Nobody may read the outbox: what is pushed is all there is."""

    @classmethod
    def setUpClass(cls):
        cls.w = pushed_world("push_only")
        cls.net = Worker(cls.w.pg).start()

    @classmethod
    def tearDownClass(cls):
        cls.net.stop()
        cls.w.close()

    def test_one_row_and_many(self):
        w = self.w
        have = w.server.counts()["events"]
        w.sign_up("one@example.com")
        w.settled(events=have + 1)
        event = w.pages("/api/v1/events")[0]
        self.assertEqual(event["transport"], "push")
        before = self.net.sent()
        bulk(w, 0, 1201)  # 500 records a request
        w.settled(events=have + 1202)
        self.assertEqual(self.net.sent() - before, 3)
        self.assertEqual(w.server.counts()["events"], have + 1202)
        # The answer comes after the events are durable: it may be on its way.
        last = self.net.requests[before - 1]["id"]
        wait_for("three answers", lambda: w.one(
            "select count(*) from net._http_response where status_code = 202"
            f" and id > {last}") == "3")

    def test_the_secret_is_in_the_vault(self):
        self.assertEqual(
            self.w.one("select decrypted_secret from vault.decrypted_secrets"
                       " where name = 'skene_proxy_secret'"), self.w.secret)
        self.assertEqual(self.w.one(
            "select coalesce(ingest_secret, '') from skene_growth.config"), "")
        self.assertEqual(self.w.one(
            "select count(*) from pg_proc where prosrc like"
            f" '%{self.w.secret}%'"), "0")

    def test_a_rotated_secret_refuses_until_the_deploy(self):
        w = self.w
        before = w.server.counts()["events"]
        w.secret = w.server.cli_json("rotate", "saas")["secret"]
        w.sign_up("between@example.com")
        wait_for("a refusal", lambda: w.one(
            "select count(*) from net._http_response where status_code = 401")
            == "1")
        w.server.cli("deploy", "--yes")
        w.sign_up("rotated@example.com")
        w.settled(events=before + 1)


class PushAndSweep(unittest.TestCase):
    """pg_net loses, the sweep finds: every event arrives once."""

    @classmethod
    def setUpClass(cls):
        cls.w = pushed_world("push")

    @classmethod
    def tearDownClass(cls):
        cls.w.close()

    def test_without_a_worker_everything_arrives(self):
        before = self.w.server.counts()["events"]
        bulk(self.w, 100000, 700)
        self.w.settled(events=before + 700)
        self.assertEqual(self.w.server.counts()["events"], before + 700)
        self.w.pg.psql("delete from net.http_request_queue")

    def test_both_ways_at_once_arrive_once(self):
        w = self.w
        before = w.server.counts()["events"]
        with Worker(w.pg, seconds=0.05) as net:
            for i in range(40):
                w.sign_up(f"both{i}@example.com")
            w.settled(events=before + 40)
            wait_for("an empty queue", lambda: w.one(
                "select count(*) from net.http_request_queue") == "0")
            self.assertGreater(net.sent(), 0)
        wait_for("an empty outbox", lambda: w.outbox() == 0)
        w.settled()
        self.assertEqual(w.server.counts()["events"], before + 40)

    def test_server_down_while_pg_net_sends(self):
        w = self.w
        before = w.server.counts()["events"]
        w.server.stop()
        with Worker(w.pg, seconds=0.05):
            bulk(w, 200000, 300)
            wait_for("requests that nobody took", lambda: w.one(
                "select count(*) from net._http_response"
                " where error_msg is not null") != "0")
        w.server.start()
        w.settled(events=before + 300)
        self.assertEqual(w.server.counts()["events"], before + 300)

    def test_rows_with_rules_are_left_to_the_sweep(self):
        w = self.w
        w.pg.psql("""insert into skene_growth.enrichment_map
            (trigger_event, metadata_key, rule) values
            ('auth.users.insert', 'account', '{"from": "auth.users",
              "on": {"id": "id"}, "select": {"mail": "email"}}')""")
        w.server.cli("deploy", "--yes")
        before = w.server.counts()["events"]
        with Worker(w.pg, seconds=0.05) as net:
            w.sign_up("ruled@example.com")
            w.settled(events=before + 1)
            wait_for("a request", net.sent)
            self.assertIn("WAKE", net.requests[0]["body"])
        event = w.pages("/api/v1/events")[0]
        event = w.server.api("GET", f"/api/v1/events/{event['id']}")
        self.assertEqual(event["record"]["account"],
                         {"mail": "ruled@example.com"})
        w.pg.psql("delete from skene_growth.enrichment_map")
        w.server.cli("deploy", "--yes")

    def test_pg_net_goes_away(self):
        w = self.w
        before = w.server.counts()["events"]
        self.assertNotIn("pg_net",
                         w.server.cli("doctor", check=False).stdout)
        w.pg.psql("alter schema net rename to gone")
        try:
            w.sign_up("still@example.com")
            w.settled(events=before + 1)
            doctor = w.server.cli("doctor", check=False).stdout
            self.assertIn("pg_net", doctor)
        finally:
            w.pg.psql("alter schema gone rename to net")

    def test_calls_are_by_name(self):
        body = self.w.one("select prosrc from pg_proc where proname = 'ring'")
        for call in body.split("net.http_post(")[1:]:
            self.assertTrue(call.lstrip().startswith("url :="), call[:40])
            for name in ("body :=", "headers :=", "timeout_milliseconds :="):
                self.assertIn(name, call)


if __name__ == "__main__":
    unittest.main()
