"""Settings: files, environment, flags; where each value came from."""
import json
import os
import pathlib
import sys
import tempfile
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]
                       / "support"))
from skene import clean_env, run_cli  # noqa: E402


class Config(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.TemporaryDirectory(prefix="skene-")
        self.home = pathlib.Path(self.folder.name)
        self.env = clean_env(self.home)

    def tearDown(self):
        self.folder.cleanup()

    def project(self, text, mode=0o600):
        path = self.home / ".skene.config"
        path.write_text(text)
        os.chmod(path, mode)

    def show(self, *args, env=None):
        done = run_cli("config", "--show", "--json", *args,
                       env={**self.env, **(env or {})}, cwd=self.home)
        self.assertEqual(done.returncode, 0, done.stderr)
        return {row["name"]: row for row in json.loads(done.stdout)}

    def refused(self, says):
        done = run_cli("config", env=self.env, cwd=self.home)
        self.assertEqual(done.returncode, 65)
        self.assertIn(says, done.stderr)

    def test_order_of_sources(self):
        user = self.home / ".config" / "skene"
        user.mkdir(parents=True)
        (user / "config").write_text('model = "user"\nprovider = "user"\n'
                                     'base_url = "http://user"\n')
        self.project('model = "project"\nprovider = "project"\n')
        rows = self.show("--store", "/tmp/x.db",
                         env={"SKENE_MODEL": "variable"})
        got = {name: (rows[name]["value"], rows[name]["origin"]) for name in
               ("listen", "base_url", "provider", "model", "store")}
        self.assertEqual(got, {
            "listen": ("127.0.0.1:8787", "default"),
            "base_url": ("http://user", "user file"),
            "provider": ("project", "project file"),
            "model": ("variable", "environment"),
            "store": ("/tmp/x.db", "flag")})

    def test_published_keys_keep_their_meaning(self):
        self.project('# as written by the published client\n'
                     'api_key = "sk_1"\nprovider = "openai"\n'
                     'model = "m"\nbase_url = "http://x"\n'
                     'output_dir = "./out"\n'
                     'exclude_folders = ["a", # why\n  "b",\n]\n'
                     'debug = false\nupstream = "http://u"\n'
                     'workspace = "acme"\nupstream_api_key = "k"\n')
        rows = self.show()
        self.assertEqual(rows["exclude_folders"]["value"], "a,b")
        self.assertEqual(rows["workspace"]["value"], "acme")

    def test_secrets_are_masked(self):
        done = run_cli("config", "--json", cwd=self.home, env={
            **self.env, "RESEND_API_KEY": "re_verysecret",
            "SKENE_SMTP_URL": "smtp://me:verysecret@mail:587",
            "SKENE_ENCRYPTION_KEY": "verysecret"})
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertNotIn("verysecret", done.stdout)
        self.assertIn("mail:587", done.stdout)

    def test_a_secret_others_may_read_is_told(self):
        self.project('api_key = "x"\n', 0o644)
        done = run_cli("config", env=self.env, cwd=self.home)
        self.assertEqual(done.returncode, 0)
        self.assertIn("chmod 600", done.stderr)

    def test_mistakes_name_file_and_line(self):
        for text, says in (
                ('model = "a"\nmodle = "b"\n', "did you mean model?"),
                ('\n\nmodel = "open\n', "line 3: a string is not closed"),
                ("model = soon\n", "line 1: 'soon' is not a string"),
                ('model = "a" "b"\n', "line 1: text after the value"),
                ('model = "a"\nmodel = "b"\n', "line 2: 'model' is set"),
                ("[server]\n", "line 1: tables are not supported"),
                ("model\n", "line 1: expected = after 'model'"),
                ("exclude_folders = [1]\n", "may hold strings only"),
                ("debug = 1\n", "debug must not be"),
                ("workers = 1000\n", "workers must be 1..64"),
                ('model = "\\q"\n', "escape")):
            with self.subTest(text=text):
                self.project(text)
                self.refused(says)
                self.refused(".skene.config")

    def test_bad_variable_is_named(self):
        self.env["SKENE_WORKERS"] = "many"
        self.refused("SKENE_WORKERS: workers must be 1..64")

    def test_table_for_people(self):
        done = run_cli("config", env=self.env, cwd=self.home)
        lines = done.stdout.split("\n")
        self.assertTrue(lines[0].startswith("SETTING"))
        at = lines[0].index("FROM")
        for line in lines[1:5]:
            self.assertTrue(line[at:].startswith("default"), line)


if __name__ == "__main__":
    unittest.main()
