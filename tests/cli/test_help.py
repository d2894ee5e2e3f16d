"""Help, usage errors, the man page, completions: all from the table."""
import json
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]
                       / "support"))
from skene import clean_env, run_cli  # noqa: E402


class Help(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.home = tempfile.mkdtemp(prefix="skene-")
        cls.env = clean_env(cls.home)

    @classmethod
    def tearDownClass(cls):
        shutil.rmtree(cls.home)

    def run_cli(self, *args, **kw):
        return run_cli(*args, env=self.env, cwd=self.home, **kw)

    def commands(self):
        listed = self.run_cli("help").stdout
        return [m.group(1).strip() for m in
                re.finditer(r"^  (\S.{17}) \S", listed, re.M)]

    def test_overview_lists_the_commands(self):
        names = self.commands()
        for name in ("serve", "feature new", "logs", "explain", "deploy",
                     "config"):
            self.assertIn(name, names)

    def test_every_command_has_help(self):
        for name in self.commands():
            for args in (["help", *name.split()], [*name.split(), "--help"],
                         [*name.split(), "-h"]):
                done = self.run_cli(*args)
                with self.subTest(args=args):
                    self.assertEqual(done.returncode, 0, done.stderr)
                    self.assertTrue(
                        done.stdout.startswith(f"usage: skene {name}"))
                    self.assertIn("--json", done.stdout)
                    self.assertEqual(done.stderr, "")

    def test_help_fits_eighty_columns_but_for_long_summaries(self):
        for name in self.commands():
            for line in self.run_cli("help", *name.split()).stdout.split("\n"):
                self.assertLessEqual(len(line), 100, line)

    def test_no_command_is_a_usage_error(self):
        done = self.run_cli()
        self.assertEqual(done.returncode, 2)
        self.assertEqual(done.stdout, "")
        self.assertIn("usage: skene COMMAND", done.stderr)

    def test_unknown_command_suggests_the_nearest(self):
        for typed, meant in (("deply", "skene deploy"),
                             ("explian", "skene explain"),
                             ("logz", "skene logs")):
            done = self.run_cli(typed)
            self.assertEqual(done.returncode, 2)
            self.assertIn(f"there is no command '{typed}'", done.stderr)
            self.assertIn(f"did you mean: {meant}", done.stderr)
        done = self.run_cli("feature", "lst")
        self.assertEqual(done.returncode, 2)
        self.assertIn("did you mean: skene feature list", done.stderr)
        done = self.run_cli("feature")
        self.assertEqual(done.returncode, 2)
        self.assertIn("one of: new", done.stderr)

    def test_bad_options_and_arguments(self):
        cases = (
            (["logs", "--nope"], "unknown option --nope"),
            (["logs", "--limit", "0"], "--limit must be 1..500"),
            (["logs", "--limit", "7x"], "--limit must be 1..500"),
            (["logs", "--limit"], "--limit needs a value"),
            (["serve", "--workers", "65"], "--workers must be 1..64"),
            (["explain"], "explain needs EVENT"),
            (["status", "extra"], "takes no arguments"),
            (["feature", "new"], "--template NAME or --file FILE"),
            (["help", "--completions", "tcsh"], "bash, zsh or fish"),
            (["serve", "--clock-offset", "soon"], "--clock-offset must be"),
        )
        for args, says in cases:
            done = self.run_cli(*args)
            with self.subTest(args=args):
                self.assertEqual(done.returncode, 2, done.stderr)
                self.assertEqual(done.stdout, "")
                self.assertTrue(done.stderr.startswith("skene: "))
                self.assertIn(says, done.stderr)

    def test_version(self):
        self.assertRegex(self.run_cli("version").stdout, r"^skene \d+\.\d+")
        self.assertEqual(self.run_cli("--version").stdout,
                         self.run_cli("version").stdout)
        out = json.loads(self.run_cli("version", "--json").stdout)
        self.assertRegex(out["version"], r"^\d+\.\d+")

    def test_no_server_says_so(self):
        for command in ("status", "logs", "integrations", "doctor"):
            done = self.run_cli(command)
            self.assertEqual(done.returncode, 69, done.stderr)
            self.assertIn("no server answers at", done.stderr)
            self.assertIn("hint: start it with: skene serve", done.stderr)

    def test_man_page_is_clean(self):
        mandoc = shutil.which("mandoc")
        page = self.run_cli("help", "--man").stdout
        for name in self.commands():
            self.assertIn(f".Ss {name}\n", page)
        self.assertIn(".It Ev SKENE_STORE", page)
        self.assertIsNotNone(mandoc, "mandoc is a build dependency")
        done = subprocess.run([mandoc, "-Tlint", "-Wwarning"], input=page,
                              text=True, capture_output=True, timeout=30)
        self.assertEqual(done.stdout, "")
        self.assertEqual(done.returncode, 0)

    def test_completions_parse(self):
        bash = self.run_cli("help", "--completions", "bash").stdout
        script = bash + """
try() { COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); COMPREPLY=(); _skene
        echo "${COMPREPLY[*]}"; }
try skene expl
try skene feature act
try skene logs --fol
try skene feature new --temp
"""
        done = subprocess.run(["bash", "-c", script], text=True,
                              capture_output=True, timeout=30)
        self.assertEqual(done.stderr, "")
        self.assertEqual(done.stdout.split("\n")[:4],
                         ["explain", "activate", "--follow", "--template"])
        for shell in ("zsh", "fish"):
            text = self.run_cli("help", "--completions", shell).stdout
            self.assertIn("explain", text)
            if shutil.which(shell):
                check = subprocess.run([shell, "-n"], input=text, text=True,
                                       capture_output=True, timeout=30)
                self.assertEqual(check.stderr, "")

    def test_validate_needs_no_server(self):
        good = self.run_cli("validate", "-", stdin=FEATURE)
        self.assertEqual(good.returncode, 0, good.stderr)
        self.assertIn("hello: valid", good.stdout)
        bad = self.run_cli("validate", "-", "--json",
                           stdin=FEATURE.replace("mode: once",
                                                 "mode: sometimes"))
        self.assertEqual(bad.returncode, 1)
        answer = json.loads(bad.stdout)
        self.assertFalse(answer["valid"])
        self.assertIn("entry.mode", answer["field"])
        missing = self.run_cli("validate", "nothing.yaml")
        self.assertEqual(missing.returncode, 66)
        self.assertIn("cannot read nothing.yaml", missing.stderr)

    def test_validate_against_a_catalogue(self):
        catalogue = pathlib.Path(self.home) / "catalogue.json"
        catalogue.write_text(json.dumps({"tables": [{
            "schema": "public", "name": "users", "kind": "r", "rows": 10,
            "columns": [
                {"name": "id", "type": "uuid", "not_null": True},
                {"name": "email", "type": "text", "not_null": True}],
            "key": ["id"], "foreign_keys": []}]}))
        good = self.run_cli("validate", "-", "--schema", catalogue,
                            stdin=FEATURE)
        self.assertEqual(good.returncode, 0, good.stdout + good.stderr)
        bad = self.run_cli("validate", "-", "--schema", catalogue,
                           stdin=FEATURE.replace("email: email",
                                                 "email: emial"))
        self.assertEqual(bad.returncode, 1)
        self.assertIn("emial", bad.stdout)
        self.assertIn("email", bad.stdout)

    def test_diagram_of_a_file_needs_no_server(self):
        path = pathlib.Path(self.home) / "hello.yaml"
        path.write_text(FEATURE)
        for option, begins in (("--svg", "<svg"), ("--mermaid", ""),
                               ("--ascii", "")):
            done = self.run_cli("feature", "diagram", "./hello.yaml", option)
            self.assertEqual(done.returncode, 0, done.stderr)
            self.assertIn("start", done.stdout)
            self.assertTrue(done.stdout.startswith(begins))

    def test_templates_are_listed(self):
        names = {t["template"] for t in json.loads(
            self.run_cli("feature", "templates", "--json").stdout)}
        self.assertIn("welcome-email-drip", names)


FEATURE = """\
version: 1
key: hello
name: Hello
stage: onboarding
trigger: {type: row, table: public.users, op: insert}
subject: {table: public.users, id: id, email: email}
entry: {mode: once, conditions: []}
machine:
  initial: start
  states:
    start:
      transitions:
        - {after: PT0S, guard: [], effects: [{type: track, event: hi}],
           target: done}
    done: {final: true}
"""

if __name__ == "__main__":
    unittest.main()
