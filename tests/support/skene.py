"""Drives a real `skene serve` for tests, the demo and the benchmarks.

    with Server() as s:                      # temp folder, temp store
        code, body = s.api("GET", "/api/v1/counts")
        s.cli("feature", "list")

Everything runs on a temporary folder, loopback and a unix socket; what is
started is stopped by its pid. The binary is $SKENE_BIN or build/skene.
"""
import datetime
import http.client
import json
import os
import pathlib
import re
import shutil
import signal
import socket
import subprocess
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]


def binary():
    """Path of the program under test."""
    return os.environ.get("SKENE_BIN", str(ROOT / "build" / "skene"))


def wait_for(what, condition, seconds=10.0, step=0.01):
    """Polls until condition() is truthy and returns it; fails with `what`."""
    end = time.monotonic() + seconds
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > end:
            raise AssertionError(f"not within {seconds} s: {what}")
        time.sleep(step)


class UnixConnection(http.client.HTTPConnection):
    """HTTP over a unix socket."""

    def __init__(self, path, timeout=30):
        super().__init__("localhost", timeout=timeout)
        self._path = str(path)

    def connect(self):
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.settimeout(self.timeout)
        self.sock.connect(self._path)


class Reply:
    """Status, headers and body of an answer; .json parses the body."""

    def __init__(self, response):
        self.status = response.status
        self.headers = response.headers
        self.body = response.read()

    @property
    def json(self):
        return json.loads(self.body)

    @property
    def text(self):
        return self.body.decode()


def clean_env(home, extra=None):
    """Environment without anything of the caller's skene settings."""
    env = {k: v for k, v in os.environ.items()
           if not k.startswith(("SKENE_", "RESEND_", "OTEL_", "XDG_"))}
    env.update(HOME=str(home), XDG_CONFIG_HOME=f"{home}/.config",
               XDG_DATA_HOME=f"{home}/.local/share", NO_COLOR="1")
    env.update(extra or {})
    return env


class Server:
    """One `skene serve` process on a store of its own."""

    def __init__(self, folder=None, args=(), env=None, listen="127.0.0.1:0",
                 prefix=()):
        self._own = folder is None
        self.dir = pathlib.Path(folder or tempfile.mkdtemp(prefix="skene-"))
        self.dir.mkdir(parents=True, exist_ok=True)
        self.store = self.dir / "skene.db"
        self.socket = self.dir / "skene.db.sock"
        self.log_path = self.dir / "serve.log"
        self.listen = listen
        self.args = list(args)
        self.prefix = list(prefix)  # e.g. valgrind, taskset
        self.env = clean_env(self.dir, env)
        self.process = None
        self.url = None
        self.port = None

    # ---- life ----
    def start(self, ready=True, seconds=20.0):
        """Starts the process; returns once it listens (and is ready)."""
        command = self.prefix + [
            binary(), "serve", "--store", str(self.store), "--socket",
            str(self.socket), "--listen", self.listen] + self.args
        with open(self.log_path, "ab") as log:
            offset = log.tell()
            self.process = subprocess.Popen(
                command, stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                env=self.env, cwd=self.dir)

        def listening():
            if self.process.poll() is not None:
                raise AssertionError(
                    f"serve ended with {self.process.returncode}:\n"
                    + self.log()[-4000:])
            found = re.search(r'listening"?[ ,].*?\burl"?[=:]"?(\S+?)["\s,]',
                              self.log(offset))
            return found and found.group(1)

        self.url = wait_for("the start line", listening, seconds)
        self.port = int(self.url.rsplit(":", 1)[1])
        if ready:
            self.wait_ready(seconds)
        return self

    def wait_ready(self, seconds=20.0):
        wait_for("/ready answers 200",
                 lambda: self.request("GET", "/ready").status == 200, seconds)

    def stop(self, seconds=15.0):
        """SIGTERM and wait; returns the exit status (None: not running)."""
        if not self.process:
            return None
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            try:
                self.process.wait(seconds)
            except subprocess.TimeoutExpired:
                self.kill()
                raise AssertionError("serve did not stop on SIGTERM:\n"
                                     + self.log()[-4000:]) from None
        code, self.process = self.process.returncode, None
        return code

    def kill(self):
        """kill -9, as a crash."""
        if self.process and self.process.poll() is None:
            self.process.kill()
            self.process.wait()

    def close(self):
        """Stops, and removes the folder if it was made here. Fails when a
        sanitizer complained."""
        try:
            self.stop()
            for word in ("Sanitizer:", "runtime error:"):
                if word in self.log():
                    raise AssertionError(self.log()[-8000:])
        finally:
            if self._own:
                shutil.rmtree(self.dir, ignore_errors=True)

    def __enter__(self):
        try:
            return self.start()
        except BaseException:
            self.kill()
            raise

    def __exit__(self, *exc):
        self.close()

    @property
    def pid(self):
        return self.process.pid

    def log(self, offset=0):
        """What serve printed so far."""
        if not self.log_path.exists():
            return ""
        with open(self.log_path, "rb") as f:
            f.seek(offset)
            return f.read().decode(errors="replace")

    @property
    def token(self):
        """The local token that lets a browser read the log over TCP."""
        return (self.dir / "token").read_text().strip()

    # ---- requests ----
    def connection(self, tcp=False, timeout=30):
        if tcp:
            return http.client.HTTPConnection("127.0.0.1", self.port,
                                              timeout=timeout)
        return UnixConnection(self.socket, timeout)

    def request(self, method, path, body=None, headers=None, tcp=False):
        """One request; body may be bytes, text or anything JSON can hold."""
        headers = dict(headers or {})
        if body is not None and not isinstance(body, (bytes, str)):
            body = json.dumps(body)
            headers.setdefault("content-type", "application/json")
        c = self.connection(tcp)
        try:
            c.request(method, path, body, headers)
            return Reply(c.getresponse())
        finally:
            c.close()

    def api(self, method, path, body=None, headers=None):
        """JSON over the unix socket; raises on an error answer."""
        r = self.request(method, path, body, headers)
        if r.status >= 400:
            raise AssertionError(f"{method} {path}: {r.status} {r.text}")
        return r.json

    def post_events(self, secret, body, tcp=True):
        """One POST to the ingest endpoint."""
        return self.request("POST", "/api/v1/cloud/ingest/db-trigger", body,
                            {"x-skene-secret": secret}, tcp)

    def counts(self):
        return self.api("GET", "/api/v1/counts")

    def stream(self, path="/api/v1/stream", headers=None, tcp=False,
               timeout=30):
        """Generator of server-sent events as {"event","id","data"}."""
        c = self.connection(tcp, timeout)
        c.request("GET", path, headers=headers or {})
        r = c.getresponse()
        if r.status != 200:
            raise AssertionError(f"{path}: {r.status} {r.read()!r}")
        return _sse(c, r)

    # ---- command line ----
    def cli(self, *args, check=True, stdin=None, env=None, timeout=60):
        """Runs a command against this server; returns CompletedProcess."""
        done = run_cli("--socket", str(self.socket), *args, stdin=stdin,
                       env={**self.env, **(env or {})}, cwd=self.dir,
                       timeout=timeout)
        if check and done.returncode != 0:
            raise AssertionError(f"skene {' '.join(map(str, args))}: exit "
                                 f"{done.returncode}\n{done.stderr}")
        return done

    def cli_json(self, *args, **kw):
        return json.loads(self.cli(*args, "--json", **kw).stdout)


def _sse(connection, response):
    event = {"event": "message", "id": None, "data": ""}
    try:
        while True:
            line = response.readline()
            if not line:
                return
            line = line.decode().rstrip("\r\n")
            if not line:
                if event["data"]:
                    event["data"] = event["data"][:-1]
                    yield event
                event = {"event": "message", "id": None, "data": ""}
                continue
            field, _, value = line.partition(":")
            value = value.removeprefix(" ")
            if field == "data":
                event["data"] += value + "\n"
            elif field in ("event", "id"):
                event[field] = value
    finally:
        connection.close()


def run_cli(*args, stdin=None, env=None, cwd=None, timeout=60):
    """Runs the program without a server of ours; returns CompletedProcess."""
    return subprocess.run([binary(), *map(str, args)], input=stdin, text=True,
                          capture_output=True, timeout=timeout, cwd=cwd,
                          env=env)


def now():
    """The time as PostgreSQL and our API write it."""
    return datetime.datetime.now(datetime.timezone.utc).strftime(
        "%Y-%m-%dT%H:%M:%SZ")


def record_body(source_id, event_type="public.users.insert", entity_id="u1",
                occurred_at=None, **columns):
    """The published one-record body of a captured row change."""
    return {"type": "INSERT", "table": "event_log", "schema": "skene_growth",
            "record": {"id": source_id, "entity_id": entity_id,
                       "event_type": event_type, "metadata": columns,
                       "occurred_at": occurred_at or now()}}
