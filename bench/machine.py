"""What features, waiting runs and bad receivers cost: many active features of
which three match, a million runs that wait, and a dead and a slow endpoint
among healthy ones."""
import json
import os
import pathlib
import shutil
import socket
import sqlite3
import statistics
import subprocess
import sys
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "tests" / "support"))

from http_sink import HttpSink                    # noqa: E402
from skene import wait_for                        # noqa: E402

ROUNDS = 3
EVENTS = 30_000
FEATURE_COUNTS = (10, 100, 1_000, 10_000)
WAITING = 1_000_000
IDLE_SECONDS = 20
DUE = 20_000
DUE_RATE = 2_000
ENDPOINTS = 98
SIGN_UPS = 60
HOOKS_PER_FEATURE = 20


def percentile(values, p):
    values = sorted(values)
    return values[min(len(values) - 1, int(len(values) * p / 100))]


def rows_like(db, table, row, n, change):
    """n copies of a row, each changed by change(row, i)."""
    names = list(row)
    marks = ",".join("?" * len(names))

    def copies():
        for i in range(n):
            one = dict(row)
            change(one, i)
            yield [one[name] for name in names]
    db.executemany(
        f"insert into {table} ({','.join(names)}) values ({marks})", copies())


def first_row(db, table, where="1=1"):
    db.row_factory = sqlite3.Row
    return dict(db.execute(
        f"select * from {table} where {where} limit 1").fetchone())


# ---- decide ----

def add_features(store, n):
    """n more active features, ten to a table, of tables nobody writes to."""
    db = sqlite3.connect(store)
    row = first_row(db, "features")
    version = first_row(db, "feature_versions", f"feature_id = '{row['id']}'")
    document = json.loads(version["document"])

    def feature(one, i):
        one.update(id=f"00000000-0000-7000-8000-{i:012x}", key=f"more-{i}",
                   name=f"More {i}")

    def document_of(one, i):
        document["key"] = f"more-{i}"
        document["trigger"]["table"] = f"public.t{i // 10}"
        one.update(feature_id=f"00000000-0000-7000-8000-{i:012x}",
                   document=json.dumps(document))
    rows_like(db, "features", row, n, feature)
    rows_like(db, "feature_versions", version, n, document_of)
    db.commit()
    db.close()


def decide_rate(world, features):
    pg, s = world([("bench-a", "0@example.com"), ("bench-b", "@example.com"),
                   ("bench-c", "y@example.com")])
    try:
        s.stop()
        add_features(s.store, features - 3)
        s.start()
        fill = ("insert into auth.users (email) select '{0}' || n ||"
                " '@example.com' from generate_series(1, {1}) n")

        def done(n):
            c = s.counts()
            return c["events"] >= n and c["queued"] == 0
        pg.psql(fill.format("warm", 1000))
        wait_for("the warm-up", lambda: done(1000), 120, 0.05)
        pg.psql(fill.format("u", EVENTS))
        began = time.monotonic()
        wait_for("all decided", lambda: done(EVENTS + 1000), 120, 0.02)
        return EVENTS / (time.monotonic() - began)
    finally:
        s.close()
        pg.stop()


def decide(bench, world):
    rates = {n: [] for n in FEATURE_COUNTS}
    for _ in range(ROUNDS):
        for n in FEATURE_COUNTS:
            rates[n].append(decide_rate(world, n))
    middle = {n: statistics.median(r) for n, r in rates.items()}
    for n in FEATURE_COUNTS:
        bench.add(f"decide.{n}", middle[n], "events/s", rounds=ROUNDS)
    # Cost per event: the inverse of the rate.
    bench.add("decide.10000_vs_10", 1e6 / middle[10_000], "us/event",
              "10 features", 1e6 / middle[10], ROUNDS)


# ---- timers ----

WAITS = {"initial": "s0", "states": {
    "s0": {"transitions": [{"after": "P30D", "target": "done",
                            "effects": [{"type": "track", "event": "x"}]}]},
    "done": {"final": True}}}


def cpu_seconds(pid):
    fields = pathlib.Path(f"/proc/{pid}/stat").read_text().split()
    return (int(fields[13]) + int(fields[14])) / os.sysconf("SC_CLK_TCK")


def resident_mib(pid):
    status = pathlib.Path(f"/proc/{pid}/status").read_text()
    return int(status.split("VmRSS:")[1].split()[0]) / 1024


def waiting_server(world, feature):
    """A server of whose feature one run waits, stopped."""
    pg, s = world([])
    document = feature("waits", "@example.com")
    document["machine"] = WAITS
    s.api("POST", "/api/v1/features", document)
    s.api("POST", "/api/v1/features/waits/activate", {})
    s.cli("deploy", "--yes")
    pg.psql("insert into auth.users (email) values ('a@example.com')")
    wait_for("the run", lambda: s.counts()["runs_active"] == 1, 30)
    s.stop()
    return pg, s


def timers(bench, world, feature):
    pg, s = waiting_server(world, feature)
    try:
        before = os.path.getsize(s.store)
        db = sqlite3.connect(s.store)
        row = first_row(db, "runs")
        due = {}

        def waits(one, i):
            one.update(id=f"{i:08x}-0000-7000-8000-000000000001", shard=i % 256,
                       subject_id=f"u{i}", subject_key=f"auth.users/u{i}",
                       row_key=f"u{i}", event_id=None,
                       due_us=row["due_us"] + i)
        rows_like(db, "runs", row, WAITING, waits)
        db.commit()
        bench.add("timers.bytes_per_run",
                  (os.path.getsize(s.store) - before) / WAITING, "bytes")
        began = time.monotonic()
        s.start()
        bench.add("timers.start_ms", (time.monotonic() - began) * 1000, "ms")
        time.sleep(3)  # let it come to rest; not a wait for a condition
        used = cpu_seconds(s.pid)
        time.sleep(IDLE_SECONDS)
        bench.add("timers.idle_cpu_percent",
                  100 * (cpu_seconds(s.pid) - used) / IDLE_SECONDS, "%")
        bench.add("timers.rss_mib", resident_mib(s.pid), "MiB")
        s.stop()
        start_us = int((time.time() + 12) * 1e6)

        def falls_due(one, i):
            waits(one, WAITING + i)
            at = start_us + i * 1_000_000 // DUE_RATE
            due[one["id"]] = at
            one.update(due_us=at, state_entered_us=at - 30 * 86400 * 10 ** 6)
        rows_like(db, "runs", row, DUE, falls_due)
        db.commit()
        db.close()
        s.start()
        wait_for("the timers", lambda: s.counts()["actions_succeeded"] >= DUE,
                 120, 0.2)
        s.stop()
        db = sqlite3.connect(s.store)
        late = [(at - due[run]) / 1000 for run, at in db.execute(
            "select run_id, at_us from decisions where verdict = 'completed'")]
        db.close()
        assert len(late) == DUE, len(late)
        for p in (50, 99):
            bench.add(f"timers.lateness_p{p}_ms", percentile(late, p), "ms")
    finally:
        s.close()
        pg.stop()


# ---- isolation ----

NGINX = """
worker_processes 1; pid {dir}/nginx.pid; error_log {dir}/error.log;
events {{ worker_connections 4096; }}
http {{ access_log off; client_body_temp_path {dir}/body;
  proxy_temp_path {dir}/proxy; fastcgi_temp_path {dir}/fastcgi;
  uwsgi_temp_path {dir}/uwsgi; scgi_temp_path {dir}/scgi;
  server {{ {listen} location / {{ return 204; }} }} }}
"""


def free_ports(n):
    sockets = [socket.create_server(("127.0.0.1", 0)) for _ in range(n)]
    ports = [x.getsockname()[1] for x in sockets]
    for x in sockets:
        x.close()
    return ports


def slow(_request):
    time.sleep(5)
    return 204


def healthy_p99(world, feature, ports, bad):
    """p99 of decided to done, in ms, over the healthy endpoints."""
    pg, s = world([])
    urls = [f"http://127.0.0.1:{p}/" for p in ports] + bad
    try:
        for i in range(0, len(urls), HOOKS_PER_FEATURE):
            document = feature(f"hooks-{i}", "@example.com")
            document["machine"]["states"]["s0"]["transitions"][0]["effects"] = [
                {"type": "webhook", "url": u}
                for u in urls[i:i + HOOKS_PER_FEATURE]]
            s.api("POST", "/api/v1/features", document)
            s.api("POST", f"/api/v1/features/hooks-{i}/activate", {})
        s.cli("deploy", "--yes")
        for i in range(SIGN_UPS):
            pg.psql("insert into auth.users (email) values"
                    f" ('{i}@example.com')")
            time.sleep(0.1)
        wait_for("the healthy ones", lambda: s.counts()["actions_succeeded"]
                 >= SIGN_UPS * len(ports), 120, 0.2)
        s.stop()
        db = sqlite3.connect(s.store)
        took = [(done - created) / 1000 for address, created, done in
                db.execute("select address, created_us, done_us from actions"
                           " where status = 'succeeded'")
                if address not in bad]
        db.close()
        return percentile(took, 99)
    finally:
        s.close()
        pg.stop()


def isolation(bench, world, feature):
    ports = free_ports(ENDPOINTS + 1)
    dead = f"http://127.0.0.1:{ports.pop()}/"
    folder = tempfile.mkdtemp(prefix="skene-nginx-")
    pathlib.Path(folder).chmod(0o755)
    conf = pathlib.Path(folder) / "nginx.conf"
    conf.write_text(NGINX.format(dir=folder, listen=" ".join(
        f"listen 127.0.0.1:{p};" for p in ports)))
    nginx = subprocess.Popen(["/usr/sbin/nginx", "-c", str(conf), "-g",
                              "daemon off;"])
    alone, beside = [], []
    try:
        with HttpSink(default=slow) as tired:
            for _ in range(ROUNDS):
                alone.append(healthy_p99(world, feature, ports, []))
                beside.append(healthy_p99(world, feature, ports,
                                          [dead, tired.url + "/"]))
        bench.add("isolation.p99", statistics.median(beside), "ms",
                  "healthy endpoints alone", statistics.median(alone), ROUNDS)
    finally:
        nginx.terminate()
        nginx.wait()
        shutil.rmtree(folder, ignore_errors=True)
