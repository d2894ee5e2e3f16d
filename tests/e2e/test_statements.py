#!/usr/bin/env python3
"""Every kind of statement and table a customer may have, against the deployed
triggers, as a role with Supabase's rights (no superuser, not the owner of
auth.users). The customer's statement succeeds in all of them; what was captured
arrives."""
import pathlib
import subprocess
import sys
import unittest

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests" / "support"))

from pg import Cluster, tool                      # noqa: E402
from skene import wait_for                        # noqa: E402
from world import World, track                    # noqa: E402

LONG = "a_table_name_that_is_as_long_as_a_name_may_be_in_postgres_xx"
SAME = [LONG + end for end in ("one", "two")]     # 60 bytes in common
ODD = "Odd Näme; of 'x'"
USER = "00000000-0000-4000-8000-0000000000aa"

ROLES = """
create role saas login nosuperuser createrole createdb bypassrls;
create role supabase_auth_admin login noinherit;
create role app login;
grant usage on schema auth to saas, supabase_auth_admin;
grant all on all tables in schema auth to saas, supabase_auth_admin;
grant all on schema public to saas;
grant usage on schema public to app;
alter table auth.users owner to supabase_auth_admin;
create extension postgres_fdw;
grant usage on foreign data wrapper postgres_fdw to saas;
"""

TABLES = f"""
create table public.two_keys (org int, person int, v text,
    user_id uuid, primary key (org, person));
create table public.no_key (v text, user_id uuid);
create table public.big (id bigint primary key, v text, user_id uuid);
create table public.texts (id text primary key, v text, user_id uuid);
create table public.parent (id int primary key, user_id uuid);
create table public.child (id int primary key, user_id uuid,
    parent int references public.parent on delete cascade);
create table public.parts (id int, v text, user_id uuid, primary key (id))
    partition by range (id);
create table public.parts_low partition of public.parts
    for values from (0) to (100);
create table public.parts_high partition of public.parts
    for values from (100) to (200);
create table public.made (id int primary key, n int, user_id uuid,
    twice int generated always as (n * 2) stored);
create table public.docs (id int primary key, doc json, user_id uuid);
create table public.guarded (id int primary key, v text, user_id uuid);
alter table public.guarded enable row level security;
alter table public.guarded force row level security;
create policy mine on public.guarded for all to app using (v = 'mine')
    with check (v = 'mine');
create table public.changing (id int primary key, v text, user_id uuid);
create table public.{SAME[0]} (id int primary key, user_id uuid);
create table public.{SAME[1]} (id int primary key, user_id uuid);
create table public."{ODD.replace('"', '""')}" (id int primary key,
    "Va""l'ue" text, user_id uuid);
create table public.far_away (id int primary key, v text, user_id uuid);
"""
FOREIGN = """
create server here foreign data wrapper postgres_fdw
    options (host '{host}', port '{port}', dbname '{name}');
create user mapping for public server here
    options (user 'saas', password_required 'false');
create foreign table public.foreign_far (id int, v text, user_id uuid)
    server here options (table_name 'far_away');
grant all on public.foreign_far to saas;
"""
# table: (operations, columns the features ask for)
WATCHED = {
    "two_keys": ("insert", "v"), "no_key": ("insert", "v"),
    "big": ("insert", "v"), "texts": ("insert", "v"),
    "child": ("delete", "parent"), "parts": ("insert", "v"),
    "made": ("insert", "twice"), "docs": ("insert", "doc"),
    "guarded": ("insert", "v"), "changing": ("insert", "v"),
    SAME[0]: ("insert", None), SAME[1]: ("insert", None),
    ODD: ("insert", 'Va"l\'ue'), "foreign_far": ("insert", "v"),
}


class Statements(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.w = w = World()
        w.start(connect=False)
        try:
            w.pg.psql(ROLES)
            w.pg.psql("grant create on database postgres to saas")
            w.pg.psql(TABLES, w.pg.url(user="saas"))
            host, rest = w.pg.url().split("@")[1].split(":")
            port, name = rest.split("/")
            w.pg.psql(FOREIGN.format(host=host, port=port, name=name))
            w.pg.psql("grant all on all tables in schema public to app")
            w.pg.psql(f"insert into auth.users (id, email) values"
                      f" ('{USER}', 'aa@example.com')")
            made = w.server.api("POST", "/api/v1/integrations", {
                "url": w.pg.url(user="saas"), "name": "saas"})
            w.secret, w.integration = made["secret"], made["id"]
            w.feature("people", [track("people")])
            for i, (table, (op, column)) in enumerate(WATCHED.items()):
                plain = column and column.isidentifier()
                w.feature(
                    f"t{i}", [track(f"t{i}")], table=f"public.{table}", op=op,
                    subject={"table": "auth.users", "id": "user_id"},
                    conditions=[{"path": column, "op": "not_null"}]
                    if plain else [])
            w.feature("moved", [track("moved")], table="public.parts",
                      op="update",
                      trigger={"column": "v"},
                      subject={"table": "auth.users", "id": "user_id"})
            w.deploy()
        except BaseException:
            w.close()
            raise

    @classmethod
    def tearDownClass(cls):
        cls.w.close()

    def run_as(self, sql, user="saas"):
        self.w.pg.psql(sql, self.w.pg.url(user=user))

    def events(self, type_=None):
        return [e for e in self.w.pages("/api/v1/events")
                if type_ in (None, e["type"])]

    def comes(self, type_, n, sql, user="saas"):
        """The statement succeeds and so many events of the type come."""
        before = len(self.events(type_))
        self.run_as(sql, user)
        wait_for(f"{n} of {type_}",
                 lambda: len(self.events(type_)) >= before + n)
        wait_for("an empty outbox", lambda: self.w.outbox() == 0)
        found = self.events(type_)
        self.assertEqual(len(found), before + n)
        whole = self.w.server.api("GET", f"/api/v1/events/{found[0]['id']}")
        return whole

    def test_sign_up_as_the_auth_server(self):
        self.comes("auth.users.insert", 1, "insert into auth.users (email)"
                   " values ('new@example.com')", "supabase_auth_admin")

    def test_keys(self):
        e = self.comes("public.two_keys.insert", 1,
                       f"insert into two_keys values (1, 2, 'v', '{USER}')")
        self.assertEqual(e["key"], "[1, 2]")
        e = self.comes("public.no_key.insert", 2, "insert into no_key values"
                       f" ('a', '{USER}'), ('a', '{USER}')")
        self.assertIsNone(e["key"])
        e = self.comes("public.big.insert", 1, "insert into big values"
                       f" (9223372036854775807, 'v', '{USER}')")
        self.assertEqual(e["key"], "9223372036854775807")
        e = self.comes("public.texts.insert", 1, "insert into texts values"
                       f" ('it''s / \"odd\"', 'v', '{USER}')")
        self.assertEqual(e["key"], "it's / \"odd\"")

    def test_on_conflict(self):
        self.comes("public.big.insert", 1, f"""
            insert into big values (1, 'v', '{USER}')
            on conflict (id) do nothing;
            insert into big values (1, 'v', '{USER}')
            on conflict (id) do nothing;
            insert into big values (1, 'w', '{USER}')
            on conflict (id) do update set v = excluded.v""")

    def test_copy(self):
        self.comes("public.texts.insert", 3, "copy texts from stdin;\n"
                   + "".join(f"c{i}\tv\t{USER}\n" for i in range(3)) + "\\.\n")

    def test_cascade(self):
        self.comes("public.child.delete", 3, f"""
            insert into parent values (1, '{USER}');
            insert into child select i, '{USER}', 1
            from generate_series(1, 3) i;
            delete from parent""")

    def test_partitions(self):
        self.comes("public.parts.insert", 1,
                   f"insert into parts values (1, 'v', '{USER}')")
        self.comes("public.parts.insert", 1,
                   f"insert into parts_low values (2, 'v', '{USER}')")
        self.comes("public.parts.update", 1,
                   "update parts set v = 'w' where id = 1")
        # Across partitions it is a delete and an insert.
        self.comes("public.parts.insert", 1,
                   "update parts set id = 150 where id = 2")

    def test_generated_columns(self):
        e = self.comes("public.made.insert", 1,
                       f"insert into made (id, n, user_id)"
                       f" values (1, 21, '{USER}')")
        self.assertEqual(e["record"]["twice"], 42)

    def test_row_level_security(self):
        self.comes("public.guarded.insert", 1, "insert into guarded values"
                   f" (1, 'mine', '{USER}')", "app")

    def test_names(self):
        for table in SAME:
            self.comes(f"public.{table}.insert", 1,
                       f"insert into {table} values (1, '{USER}')")
        quoted = ODD.replace('"', '""')
        self.comes(f"public.{ODD}.insert", 1,
                   f'insert into "{quoted}" values (1, \'x\', \'{USER}\')')

    def test_foreign_table(self):
        self.comes("public.foreign_far.insert", 1,
                   f"insert into foreign_far values (1, 'v', '{USER}')")

    def test_a_nul_that_jsonb_does_not_take(self):
        """json takes the escape, jsonb does not: the keys are kept."""
        e = self.comes("public.docs.insert", 1, "insert into docs values"
                       f" (1, '\"\\u0000\"', '{USER}')")
        self.assertEqual(e["record"], {"id": 1})
        self.assertIn("docs", self.w.server.cli("failed-events",
                                                check=False).stdout)

    def test_columns_change_under_us(self):
        """Retyped: goes on. Renamed, dropped: the keys are kept, and the drift
        is told of."""
        insert = "insert into changing (id, user_id) values ({}, '" + USER \
            + "')"
        self.run_as("alter table changing alter v type jsonb"
                    " using to_jsonb(v)")
        self.comes("public.changing.insert", 1,
                   "insert into changing values (1, '{\"a\": 1}', '"
                   + USER + "')")
        self.run_as("alter table changing rename v to w")
        e = self.comes("public.changing.insert", 1, insert.format(2))
        self.assertEqual(e["record"], {"id": 2})
        self.run_as("alter table changing drop w")
        self.comes("public.changing.insert", 1, insert.format(3))
        drift = self.w.server.cli("deploy", "--plan", check=False)
        self.assertNotEqual(drift.returncode, 0)
        self.assertIn("changing", drift.stderr)
        self.assertIn("column", drift.stderr)
        self.run_as("alter table changing add v text")
        self.w.server.cli("deploy", "--yes")

    def test_revoked_rights(self):
        rights = "on skene_growth.event_log {} saas"
        self.run_as("revoke all " + rights.format("from"))
        try:
            self.run_as(f"insert into big values (77, 'v', '{USER}')", "app")
        finally:
            self.run_as("grant all " + rights.format("to"))
        self.assertIn("public.big.insert", self.w.server.cli(
            "failed-events", check=False).stdout)

    def test_dump_and_restore(self):
        """A clone neither rings nor sends; its own statements go on."""
        pg = self.w.pg
        pg.psql("create database restored")
        dump = subprocess.run([tool("pg_dump"), pg.url()], check=True,
                              capture_output=True, text=True).stdout
        pg.psql(dump, pg.url("restored"))
        before = len(self.events())
        listener = subprocess.run(
            [tool("psql"), "-X", "-q", pg.url("restored")], text=True,
            capture_output=True, check=True,
            input="listen skene_growth;"
                  f" insert into public.big values (99, 'v', '{USER}');"
                  " select 'x';\n")
        self.assertNotIn("notification", listener.stdout)
        self.assertEqual(pg.rows(
            "select event_type from skene_growth.event_log"
            " where entity_id = '99'", pg.url("restored")),
            [["public.big.insert"]])
        s = self.w.server
        s.api("POST", "/api/v1/integrations",
              {"url": pg.url("restored"), "name": "clone"})
        wait_for("the refusal", lambda: "copy of the database" in s.log())
        s.cli("disconnect", "clone")
        self.assertEqual(len(self.events()), before)


class Bytes(unittest.TestCase):
    def test_bytes_that_are_no_text(self):
        """A database without an encoding may hold anything."""
        with World() as w:
            w.pg.psql("create database raw encoding 'SQL_ASCII'"
                      " lc_collate 'C' lc_ctype 'C' template template0")
            url = w.pg.url("raw")
            w.pg.psql("create table t (id int primary key, v text)", url)
            w.server.cli("connect", url, "--name", "raw")
            doc = {"version": 1, "key": "raw", "stage": "onboarding",
                   "trigger": {"type": "row", "table": "public.t",
                               "op": "insert"},
                   "subject": {"table": "public.t", "id": "id"},
                   "entry": {"mode": "every", "conditions": [
                       {"path": "v", "op": "not_null"}]},
                   "machine": {"initial": "a", "states": {
                       "a": {"transitions": [
                           {"after": "PT0S", "effects": [track("raw")],
                            "target": "z"}]}, "z": {"final": True}}}}
            r = w.server.request("POST", "/api/v1/features?integration=raw",
                                 doc)
            self.assertEqual(r.status, 201, r.text)
            w.server.cli("feature", "activate", "raw")
            w.server.cli("deploy", "-i", "raw", "--yes")
            w.pg.psql("insert into t values (1, E'\\xff\\xfe'),"
                      " (2, 'fine')", url)
            wait_for("the good one", lambda: [
                e for e in w.pages("/api/v1/events") if e["key"] == "2"])
            wait_for("the other, set aside", lambda: w.pg.rows(
                "select count(*) from skene_growth.failed_events", url)
                == [["1"]])
            self.assertEqual(w.pg.rows(
                "select count(*) from skene_growth.event_log", url), [["0"]])
            listed = w.server.cli("failed-events", "-i", "raw", check=False)
            self.assertEqual(listed.returncode, 1)
            self.assertIn("22021", listed.stdout)


if __name__ == "__main__":
    unittest.main()
