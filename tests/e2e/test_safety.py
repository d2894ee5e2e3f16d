#!/usr/bin/env python3
"""The customer's statement succeeds, whatever happens to us or to the server,
and what it committed is not lost.

More of the same against one database, statement by statement, is in
tests/unit/target: test_capture.c (kinds of tables, keys, names and damage),
test_deploy.c (drift), test_drain.c (late committers).
"""
import os
import pathlib
import signal
import subprocess
import sys
import unittest

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests" / "support"))

from pg import Cluster, tool                      # noqa: E402
from skene import wait_for                        # noqa: E402
from world import SIGN_UP, World, track           # noqa: E402

COLUMNS = 1600
TABLES = f"""
create table public.things (id int primary key, n int not null);
create table public.wide ({", ".join(
    f"c{n} smallint" for n in range(COLUMNS - 1))}, id int primary key);
"""


class Safety(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.w = World()
        cls.w.pg = Cluster(settings={"max_prepared_transactions": "4"})
        cls.w.start(connect=False)
        cls.w.pg.psql(TABLES)
        cls.w.connect()
        cls.w.feature("seen", [track("seen")])
        for table in ("things", "wide"):
            cls.w.feature(table, [track(table)], table=f"public.{table}",
                          subject={"table": f"public.{table}", "id": "id"})
        cls.w.deploy()

    @classmethod
    def tearDownClass(cls):
        cls.w.close()

    def events(self):
        return self.w.server.counts()["events"]

    def arrived(self, n):
        wait_for(f"{n} events", lambda: self.events() >= n, 60)
        wait_for("an empty outbox", lambda: self.w.outbox() == 0)
        self.assertEqual(self.events(), n)

    def test_merge(self):
        before = self.events()
        self.w.pg.psql("insert into things values (1, 1)")
        self.w.pg.psql("""
            merge into things t using (values (1, 5), (2, 5), (3, 5)) v (id, n)
                on t.id = v.id
            when matched then update set n = v.n
            when not matched then insert values (v.id, v.n)""")
        self.arrived(before + 3)

    def test_a_prepared_transaction_commits_late(self):
        before = self.events()
        self.w.pg.psql("""begin; insert into things values (10, 1);
                          prepare transaction 'late'""")
        self.w.pg.psql("insert into things values (11, 1)")
        self.arrived(before + 1)
        self.w.pg.psql("commit prepared 'late'")
        self.arrived(before + 2)
        self.w.pg.psql("""begin; insert into things values (12, 1);
                          prepare transaction 'never';""")
        self.w.pg.psql("rollback prepared 'never'")
        self.w.pg.psql("insert into things values (13, 1)")
        self.arrived(before + 3)

    def test_as_many_columns_as_a_table_can_have(self):
        before = self.events()
        self.w.pg.psql("insert into wide (id, c0, c1598) values (1, 1, 2)")
        self.arrived(before + 1)

    def test_replication_role_is_not_captured(self):
        """As documented: a replica applies, it does not report."""
        before = self.events()
        self.w.pg.psql("""set session_replication_role = replica;
                          insert into things values (20, 1);
                          set session_replication_role = origin;
                          insert into things values (21, 1)""")
        self.arrived(before + 1)

    def test_truncate_and_savepoints(self):
        before = self.events()
        self.w.pg.psql("""begin; insert into wide (id) values (50);
                          savepoint s; insert into wide (id) values (51);
                          rollback to s; commit; truncate wide""")
        self.arrived(before + 1)

    def test_schema_dropped_under_traffic(self):
        pg, s = self.w.pg, self.w.server
        load = subprocess.Popen(
            [tool("pgbench"), "-n", "-c", "4", "-j", "2", "-T", "4", "-f",
             str(SIGN_UP), pg.url()], stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT, text=True)
        people = self.w.one("select count(*) from auth.users")
        wait_for("traffic", lambda: self.w.one(
            "select count(*) from auth.users") != people)

        def dropped():
            # a plain DROP may be the victim of a deadlock: it is tried again
            pg.psql("set lock_timeout = '1s';"
                    " drop schema if exists skene_growth cascade",
                    check=False)
            return self.w.one("select to_regnamespace('skene_growth')"
                              " is null") == "t"
        wait_for("the schema to be gone", dropped, 30)
        out, _ = load.communicate(timeout=60)
        self.assertEqual(load.returncode, 0, out)
        self.assertIn("number of failed transactions: 0", out)
        self.assertEqual(s.cli("drift", check=False).returncode, 1)
        self.w.deploy()
        self.assertEqual(s.cli("drift").returncode, 0)
        before = self.events()
        self.w.sign_up("after@example.com")
        wait_for("capture again", lambda: self.events() > before)

    def test_postgres_is_killed_with_events_queued(self):
        pg = self.w.pg
        self.arrived(self.events())
        before = self.events()
        pg.psql("insert into things select g, 1 from"
                " generate_series(1000, 3999) g")
        os.kill(pg.pid(), signal.SIGKILL)

        def back():
            try:
                pg.resume()
                return True
            except subprocess.CalledProcessError:
                return False  # its children have not gone yet
        wait_for("PostgreSQL", back, 60)
        self.assertEqual(self.w.one("select count(*) from things"
                                    " where id >= 1000"), "3000")
        self.arrived(before + 3000)


if __name__ == "__main__":
    unittest.main(verbosity=2)
