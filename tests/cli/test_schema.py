"""skene schema --from: the catalogue of SQL files, without a server."""
import json
import pathlib
import shutil
import sys
import tempfile
import unittest

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests" / "support"))
from skene import clean_env, run_cli  # noqa: E402
from test_help import FEATURE  # noqa: E402


class Schema(unittest.TestCase):
    def setUp(self):
        self.home = pathlib.Path(tempfile.mkdtemp(prefix="skene-"))
        self.addCleanup(shutil.rmtree, self.home)
        self.env = clean_env(str(self.home))

    def schema(self, *args):
        return run_cli("schema", *args, env=self.env, cwd=self.home)

    def write(self, name, text):
        path = self.home / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        return name

    def test_text_of_a_file(self):
        done = self.schema("--from", ROOT / "demo" / "schema.sql")
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertEqual(done.stderr, "")
        self.assertIn("auth.users\n", done.stdout)
        self.assertIn("  id  bigint not null\n", done.stdout)
        self.assertIn("  status  public.subscription_status not null\n",
                      done.stdout)

    def test_json_of_a_directory_in_name_order(self):
        self.write("m/2_more.sql", "alter table users add email text not null;"
                                   "create type k as enum ('a', 'b');"
                                   "alter table users add kind k;")
        self.write("m/1_init.sql", "create table users (id uuid primary key);")
        self.write("m/notes.txt", "not SQL")
        done = self.schema("-f", "m", "--json")
        self.assertEqual(done.returncode, 0, done.stderr)
        answer = json.loads(done.stdout)
        (table,) = answer["tables"]
        self.assertEqual(table["schema"], "public")
        self.assertEqual(table["key"], ["id"])
        self.assertEqual([c["name"] for c in table["columns"]],
                         ["id", "email", "kind"])
        self.assertEqual(table["columns"][2]["type"], "public.k")
        self.assertEqual(table["columns"][2]["enum"], ["a", "b"])
        self.assertNotIn("notes", answer)
        self.assertNotIn("rights", table)

    def test_several_paths_in_the_order_given(self):
        self.write("b.sql", "create table b (a_id int references a);")
        self.write("a.sql", "create table a (id int primary key);")
        done = self.schema("--from", "a.sql,b.sql", "--json")
        tables = json.loads(done.stdout)["tables"]
        self.assertEqual(tables[1]["foreign_keys"],
                         [{"column": "a_id", "table": "public.a",
                           "key": "id"}])

    def test_notes_go_to_stderr_and_into_json(self):
        self.write("a.sql", "\ncreate table a (u uuid references auth.users);")
        done = self.schema("--from", "a.sql")
        self.assertEqual(done.returncode, 0)
        self.assertIn("a.sql:2: public.a refers to auth.users", done.stderr)
        self.assertNotIn("refers", done.stdout)
        done = self.schema("--from", "a.sql", "--json")
        self.assertIn("a.sql:2:", json.loads(done.stdout)["notes"][0])

    def test_errors(self):
        self.write("bad.sql", "create table a (id int);\ncreate table (;\n")
        done = self.schema("--from", "bad.sql")
        self.assertEqual(done.returncode, 65)
        self.assertEqual(done.stdout, "")
        self.assertIn("bad.sql:2: syntax error", done.stderr)
        self.assertEqual(self.schema("--from", "none.sql").returncode, 66)
        (self.home / "empty").mkdir()
        done = self.schema("--from", "empty")
        self.assertEqual(done.returncode, 65)
        self.assertIn("no *.sql file", done.stderr)
        for args in (["--from", ","], ["--from", "a", "--refresh"],
                     ["--from", "a", "--integration", "x"]):
            self.assertEqual(self.schema(*args).returncode, 2, args)

    def test_validate_takes_what_it_prints(self):
        self.write("a.sql", "create table users (id uuid primary key,"
                            " email text);")
        done = self.schema("--from", "a.sql", "--json")
        self.write("catalogue.json", done.stdout)
        for text, code in ((FEATURE, 0),
                           (FEATURE.replace("email: email",
                                            "email: emial"), 1)):
            done = run_cli("validate", "-", "--schema", "catalogue.json",
                           env=self.env, cwd=self.home, stdin=text)
            self.assertEqual(done.returncode, code, done.stdout)


if __name__ == "__main__":
    unittest.main()
