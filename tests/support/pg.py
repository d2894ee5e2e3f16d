"""A private PostgreSQL cluster for Python tests; see pg_cluster.sh.

    with Cluster() as pg:
        pg.psql("create table t (id int)")
        rows = pg.rows("select id from t")
"""
import glob
import os
import shutil
import subprocess
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
SCRIPT = os.path.join(HERE, "pg_cluster.sh")


def tool(name):
    """Path of one of PostgreSQL's programs."""
    return shutil.which(name) or sorted(
        glob.glob(f"/usr/lib/postgresql/*/bin/{name}"))[-1]


class Cluster:
    def __init__(self, fsync=True, settings=None):
        self.fsync = fsync
        self.settings = settings or {}
        self.dir = None
        self.conninfo = None

    def start(self):
        self.dir = tempfile.mkdtemp(prefix="skene-cluster-")
        command = [SCRIPT, "start", self.dir,
                   "--fsync=" + ("on" if self.fsync else "off")]
        for name, value in self.settings.items():
            command += ["--set", f"{name}={value}"]
        done = subprocess.run(command, capture_output=True, text=True,
                              timeout=120)
        if done.returncode != 0:
            shutil.rmtree(self.dir, ignore_errors=True)
            raise RuntimeError(done.stderr)
        self.conninfo = done.stdout.strip()
        return self

    def stop(self):
        if self.dir:
            subprocess.run([SCRIPT, "stop", self.dir], check=True,
                           timeout=120)
            shutil.rmtree(self.dir, ignore_errors=True)
            self.dir = None

    def halt(self):
        """The server goes away, as in an outage; its data stays."""
        subprocess.run([SCRIPT, "halt", self.dir], check=True, timeout=120)

    def resume(self):
        """It is back, on the same port."""
        subprocess.run([SCRIPT, "resume", self.dir], check=True, timeout=120,
                       capture_output=True)

    def pid(self):
        with open(os.path.join(self.dir, "pid"), encoding="ascii") as f:
            return int(f.read())

    def url(self, database=None, user=None, password=None):
        """The connection URL, with other parts where given."""
        rest = self.conninfo.split("@", 1)[1]
        host, name = rest.split("/", 1)
        login = user or "postgres"
        if password:
            login += ":" + password
        return f"postgres://{login}@{host}/{database or name}"

    def psql(self, sql, url=None, check=True):
        """Runs a script; answers stdout, unaligned and without headers."""
        done = subprocess.run(
            [tool("psql"), "-X", "-q", "-A", "-t", "-v", "ON_ERROR_STOP=1", "-d",
             url or self.conninfo, "-f", "-"],
            input=sql, capture_output=True, text=True, timeout=120)
        if check and done.returncode != 0:
            raise RuntimeError(done.stderr)
        return done.stdout

    def rows(self, sql, url=None):
        """The rows of one query, as lists of text."""
        return [line.split("|")
                for line in self.psql(sql, url).splitlines()]

    def __enter__(self):
        return self.start()

    def __exit__(self, *exc):
        self.stop()
