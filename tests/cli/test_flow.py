"""A whole session on the command line against a real database."""
import json
import pathlib
import sys
import unittest

HERE = pathlib.Path(__file__).resolve().parent
sys.path[:0] = [str(HERE.parent / "support"), str(HERE.parent / "http")]
from app import MESSAGE, TABLES, TRACK  # noqa: E402
from pg import Cluster  # noqa: E402
from skene import Server, wait_for  # noqa: E402

MORE = """
create table public.profiles (id uuid primary key references auth.users (id));
create table public.projects (id bigserial primary key,
    owner_id uuid references public.profiles (id),
    created_at timestamptz not null default now());
create table public.tasks (id bigserial primary key,
    creator_id uuid references public.profiles (id),
    created_at timestamptz not null default now());
"""


class Flow(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.pg = Cluster(fsync=False)
        cls.s = Server()
        try:
            cls.pg.start()
            cls.pg.psql(TABLES + MORE)
            cls.s.start()
        except BaseException:
            cls.tearDownClass()
            raise

    @classmethod
    def tearDownClass(cls):
        try:
            cls.s.close()
        finally:
            cls.pg.stop()

    def feature_from_file(self):
        path = self.s.dir / "signed-up.yaml"
        (self.s.dir / "messages").mkdir(exist_ok=True)
        (self.s.dir / "messages" / "hello.md").write_text(MESSAGE)
        path.write_text(TRACK.replace(
            "{type: track, event: hi}",
            "{type: track, event: hi}, {type: email, template: hello}"))
        return path

    def deploy(self):
        s = self.s
        done = s.cli("deploy", check=False)
        self.assertEqual(done.returncode, 2)
        self.assertIn("add --yes", done.stderr)
        plan = s.cli_json("deploy", "--plan")
        self.assertGreater(plan["changes"], 0)
        text = s.cli("deploy", "--plan").stdout
        self.assertIn("used by: signed-up", text)
        self.assertIn("create or replace trigger", text)
        self.assertEqual(s.cli("drift", check=False).returncode, 1)
        s.cli("deploy", "--out", "plan.sql")
        sql = (s.dir / "plan.sql").read_text()
        self.assertIn("\nbegin read write;\n", sql)
        self.assertTrue(sql.endswith("commit;\n"))
        again = s.cli("deploy", "--out", "plan.sql", check=False)
        self.assertNotEqual(again.returncode, 0)
        self.assertIn("File exists", again.stderr)
        (s.dir / "migrations").mkdir()
        s.cli("deploy", "--out", "migrations")
        names = sorted(p.name for p in (s.dir / "migrations").iterdir())
        self.assertEqual(names[0], "20260201000000_skene_growth_schema.sql")
        self.assertRegex(names[1], r"^\d{14}_skene_triggers\.sql$")
        self.assertEqual(len(names), 2)
        missing = s.cli("deploy", "--out", "nowhere/", check=False)
        self.assertIn("no directory nowhere/", missing.stderr)
        self.assertIn("skene_growth", sql)
        self.assertEqual(self.pg.psql(
            "select count(*) from pg_namespace "
            "where nspname = 'skene_growth'").strip(), "0")
        s.cli("deploy", "--yes")
        self.assertEqual(s.cli_json("deploy", "--plan")["changes"], 0)
        self.assertEqual(s.cli("drift").returncode, 0)

    def watch(self):
        s = self.s
        self.pg.psql("insert into auth.users (email) "
                     "values ('ann@example.com')")
        mail = wait_for("the mail", lambda: s.cli_json("inbox")["data"])[0]
        self.assertEqual(mail["to"], "ann@example.com")
        event = s.cli_json("logs")["data"][0]
        line = s.cli("logs", "--feature", "signed-up").stdout
        self.assertIn(event["id"], line)
        self.assertIn("auth.users.insert", line)
        self.assertIn("signed-up entered", line)
        self.assertEqual(s.cli("logs", "--feature", "other").stdout, "")
        text = s.cli("explain", event["id"], "signed-up").stdout
        self.assertIn("signed-up", text)
        self.assertIn("ann@example.com", text)
        self.assertNotIn("\033", text)
        subject = event["decisions"][0]["subject"]
        self.assertIn("completed", s.cli("journey", subject).stdout)
        self.assertIn("succeeded", s.cli("actions").stdout)
        self.assertEqual(s.cli("actions", "failed").returncode, 0)
        done = s.cli("actions", "retry", mail["id"], check=False)
        self.assertEqual(done.returncode, 73, done.stderr)

    def features(self):
        s = self.s
        made = s.cli_json("feature", "new", "--file",
                          self.feature_from_file())
        self.assertEqual((made["key"], made["status"], made["version"]),
                         ("signed-up", "draft", 1))
        self.assertIn("draft", s.cli("feature", "list").stdout)
        shown = s.cli("feature", "show", "signed-up").stdout
        self.assertIn("table: auth.users", shown)
        for option in ("--svg", "--mermaid", "--ascii"):
            self.assertIn("start", s.cli("feature", "diagram", "signed-up",
                                         option).stdout)
        done = s.cli("feature", "activate", "signed-up")
        self.assertIn("skene deploy", done.stderr)

    def templates(self):
        s = self.s
        for t in s.cli_json("feature", "templates"):
            if t["source"] == "schedule":
                continue  # its tables are not those of this database
            done = s.cli("feature", "new", "--template", t["template"])
            self.assertIn("draft", done.stdout)
        plan = s.cli_json("deploy", "--plan", "--also", "heartbeat")
        self.assertIn("public.tasks", json.dumps(plan))

    def test_session(self):
        s = self.s
        done = s.cli("connect", "-", "--name", "app", stdin=self.pg.url()
                     + "\n")
        self.assertIn("ingest secret (shown once): ", done.stdout)
        again = s.cli("connect", self.pg.url(), "--name", "app", check=False)
        self.assertEqual(again.returncode, 73, again.stderr)
        self.assertIn("app", s.cli("integrations").stdout)
        self.assertIn("auth.users", s.cli("schema").stdout)
        self.pg.psql("alter table auth.users add column nick text")
        self.assertNotIn("nick", s.cli("schema").stdout)
        self.assertIn("nick", s.cli("schema", "--refresh").stdout)
        catalogue = s.dir / "catalogue.json"
        catalogue.write_text(s.cli("schema", "--json").stdout)
        path = self.feature_from_file()
        done = s.cli("validate", path, "--schema", catalogue)
        self.assertIn("signed-up: valid", done.stdout)
        self.features()
        self.deploy()
        self.watch()
        self.templates()
        s.cli("feature", "pause", "signed-up")
        self.assertIn("paused", s.cli("feature", "list").stdout)
        self.assertEqual(len(s.cli("rotate").stdout.split()), 1)
        done = s.cli("disconnect", "--drop", check=False)
        self.assertEqual(done.returncode, 2)
        s.cli("disconnect", "--drop", "--yes")
        self.assertEqual(self.pg.psql(
            "select count(*) from pg_namespace "
            "where nspname = 'skene_growth'").strip(), "0")
        done = s.cli("schema", check=False)
        self.assertEqual(done.returncode, 66)


if __name__ == "__main__":
    unittest.main()
