"""Every statement of the store is one that PostgreSQL can prepare.

The store runs on SQLite today; its files must stay good for both.
"""
import pathlib
import re
import sys
import unittest

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parents[1]
sys.path.insert(0, str(HERE.parent / "support"))
from pg import Cluster  # noqa: E402

SQL = ROOT / "sql" / "store"
MESON = ROOT / "src" / "store" / "meson.build"


class Prepare(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.pg = Cluster(fsync=False).start()
        cls.addClassCleanup(cls.pg.stop)
        for path in sorted((SQL / "migrations").glob("*.sql")):
            cls.pg.psql(path.read_text())

    def prepare(self, text):
        """What PostgreSQL says against the statement, or None."""
        done = None
        try:
            self.pg.psql("prepare p as " + text)
        except RuntimeError as e:
            done = str(e)
        return done

    def test_statements(self):
        paths = sorted(SQL.glob("*.sql"))
        self.assertGreater(len(paths), 50)
        for path in paths:
            with self.subTest(file=path.name):
                self.assertIsNone(self.prepare(path.read_text()))

    def test_that_it_can_fail(self):
        self.assertIn("does not exist",
                      self.prepare("select nothing from events"))

    def test_parameters_named_in_the_head(self):
        """The comment names as many parameters as the statement has."""
        for path in sorted(SQL.glob("*.sql")):
            with self.subTest(file=path.name):
                text = path.read_text()
                head = "\n".join(line for line in text.splitlines()
                                 if line.startswith("--"))
                body = "\n".join(line for line in text.splitlines()
                                 if not line.startswith("--"))
                named, used = ({int(n) for n in re.findall(r"\$(\d+)", t)}
                               for t in (head, body))
                self.assertEqual(max(named, default=0), max(used, default=0))

    def test_every_file_is_built(self):
        text = MESON.read_text()
        for path in SQL.rglob("*.sql"):
            self.assertIn("/" + path.name, text)


if __name__ == "__main__":
    unittest.main()
