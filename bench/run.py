#!/usr/bin/env python3
"""The figures of the README, as medians of alternating rounds in one run.

    make bench [ONLY=name]

Prints a table and writes build/bench/results.json. Everything runs on this
machine: PostgreSQL, skene, the load and the baseline share its cores, so
ratios mean more than absolute figures.
"""
import argparse
import json
import pathlib
import re
import shutil
import statistics
import subprocess
import sys
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "tests" / "support"))

from capture import capture                       # noqa: E402
from drain import drain                           # noqa: E402
from machine import decide, isolation, timers      # noqa: E402
from pg import Cluster, tool                      # noqa: E402
from skene import Server, binary, wait_for        # noqa: E402

ROUNDS = 3
WRK_SECONDS = 5
CONNECTIONS = 64
PIPELINE_EVENTS = 40000
LATENCY_SECONDS = 8


def stamp_us(text):
    """Microseconds of an ISO time as our API writes it."""
    day, clock = text.rstrip("Z").split("T")
    whole, _, part = clock.partition(".")
    seconds = time.mktime(time.strptime(f"{day} {whole}",
                                        "%Y-%m-%d %H:%M:%S"))
    return int(seconds) * 1_000_000 + int((part + "000000")[:6])


def percentile(values, p):
    values = sorted(values)
    return values[min(len(values) - 1, int(len(values) * p / 100))]


class Bench:
    def __init__(self):
        self.results = []

    def add(self, name, value, unit, baseline=None, baseline_value=None,
            rounds=1):
        ratio = value / baseline_value if baseline_value else None
        self.results.append({
            "name": name, "value": round(value, 2), "unit": unit,
            "baseline": baseline,
            "baseline_value": baseline_value and round(baseline_value, 2),
            "ratio": ratio and round(ratio, 3), "rounds": rounds})
        print(f"{name:<18} {value:>12,.2f} {unit:<10} "
              + (f"{ratio:.3f} of {baseline} ({baseline_value:,.0f})"
                 if ratio else ""), flush=True)


def world(features=()):
    """A cluster with the demo's tables, and a server connected to it."""
    pg = Cluster().start()
    pg.psql((ROOT / "demo" / "schema.sql").read_text())
    s = Server(args=["--allow-private-egress"])
    s.start()
    s.cli("connect", pg.conninfo, "--name", "bench")
    for key, ending in features:
        path = s.dir / f"{key}.json"
        path.write_text(json.dumps(feature(key, ending)))
        s.cli("feature", "new", "--file", str(path))
        s.cli("feature", "activate", key)
    if features:
        s.cli("deploy", "--yes")
        wait_for("the drain", lambda: "drain_started" in s.log(), 20)
    return pg, s


def feature(key, ending):
    """Enters when the address ends so; its one effect is an event."""
    return {
        "version": 1, "key": key, "stage": "engagement",
        "trigger": {"type": "row", "table": "auth.users", "op": "insert"},
        "subject": {"table": "auth.users", "id": "id", "email": "email"},
        "entry": {"mode": "every", "conditions": [
            {"path": "email", "op": "ends_with", "value": ending}]},
        "machine": {"initial": "s0", "states": {
            "s0": {"transitions": [{"after": "PT0S", "target": "done",
                                    "effects": [{"type": "track",
                                                 "event": key}]}]},
            "done": {"final": True}}}}


# ---- start, size, memory ----

def start_and_size(bench):
    starts, memory = [], []
    for _ in range(5):
        s = Server()
        began = time.monotonic()
        s.start()
        starts.append((time.monotonic() - began) * 1000)
        time.sleep(1)  # let it come to rest; not a wait for a condition
        status = pathlib.Path(f"/proc/{s.pid}/status").read_text()
        memory.append(int(re.search(r"VmRSS:\s+(\d+)", status)[1]) / 1024)
        s.close()
    bench.add("start.ms", statistics.median(starts), "ms", rounds=5)
    bench.add("idle.rss_mib", statistics.median(memory), "MiB", rounds=5)
    with tempfile.TemporaryDirectory() as folder:
        stripped = pathlib.Path(folder) / "skene"
        shutil.copy(binary(), stripped)
        subprocess.run(["strip", str(stripped)], check=True)
        bench.add("binary.mib", stripped.stat().st_size / 2 ** 20, "MiB")


# ---- durable ingest against nginx answering a constant ----

NGINX = """
worker_processes 2; pid {dir}/nginx.pid; error_log {dir}/error.log;
events {{ worker_connections 1024; }}
http {{ access_log off; keepalive_requests 10000000;
  client_body_temp_path {dir}/body; proxy_temp_path {dir}/proxy;
  fastcgi_temp_path {dir}/fastcgi; uwsgi_temp_path {dir}/uwsgi;
  scgi_temp_path {dir}/scgi;
  server {{ listen 127.0.0.1:{port};
    location / {{ default_type application/json;
      return 202 '{{"accepted":1,"duplicates":0}}'; }} }} }}
"""


def wrk(url, secret, base):
    """Requests per second; fails when an answer was not 2xx."""
    out = subprocess.run(
        ["wrk", "-t2", f"-c{CONNECTIONS}", f"-d{WRK_SECONDS}s", "-s",
         str(ROOT / "bench" / "ids.lua"), url, "--", secret, str(base)],
        check=True, capture_output=True, text=True).stdout
    if "Non-2xx" in out:
        raise RuntimeError(out)
    return float(re.search(r"Requests/sec:\s+([\d.]+)", out)[1])


def ingest(bench):
    pg, s = world([("bench-a", "0@example.com")])
    folder = tempfile.mkdtemp(prefix="skene-nginx-")
    port = 18000 + s.pid % 1000
    conf = pathlib.Path(folder) / "nginx.conf"
    conf.write_text(NGINX.format(dir=folder, port=port))
    pathlib.Path(folder).chmod(0o755)
    nginx = subprocess.Popen(["/usr/sbin/nginx", "-c", str(conf), "-g",
                              "daemon off;"])
    try:
        secret = s.api("POST", f"/api/v1/integrations/bench/secret/rotate"
                       )["secret"]
        ours, theirs = [], []
        for i in range(ROUNDS):
            ours.append(wrk(s.url, secret, (i + 1) * 10 ** 9))
            theirs.append(wrk(f"http://127.0.0.1:{port}", secret, 1))
            wait_for("the queue", lambda: s.counts()["queued"] == 0, 120)
        bench.add("ingest.durable", statistics.median(ours), "req/s",
                  "nginx constant", statistics.median(theirs), ROUNDS)
    finally:
        nginx.terminate()
        nginx.wait()
        shutil.rmtree(folder, ignore_errors=True)
        s.close()
        pg.stop()


# ---- drained, decided, committed ----

def one_pipeline(features):
    """Events per second from the outbox to the decided, committed state."""
    pg, s = world(features)
    try:
        s.stop()
        pg.psql("insert into auth.users (email) select 'u' || n || "
                f"'@example.com' from generate_series(1, {PIPELINE_EVENTS}) n")
        s.start()
        began = time.monotonic()

        def done():
            c = s.counts()
            return c["events"] >= PIPELINE_EVENTS and c["queued"] == 0
        wait_for("all events decided", done, 120, 0.05)
        return PIPELINE_EVENTS / (time.monotonic() - began)
    finally:
        s.close()
        pg.stop()


def pipeline(bench):
    three = [("bench-a", "0@example.com"), ("bench-b", "x@example.com"),
             ("bench-c", "y@example.com")]
    quiet = [("bench-z", "@nobody.example")]
    with_three, with_one = [], []
    for _ in range(ROUNDS):
        with_three.append(one_pipeline(three))
        with_one.append(one_pipeline(quiet))
    bench.add("pipeline.rate", statistics.median(with_three), "events/s",
              "one feature that never enters", statistics.median(with_one),
              ROUNDS)


# ---- latency ----

def latency(bench, rate):
    pg, s = world([("bench-a", "@example.com")])
    try:
        subprocess.run(
            [tool("pgbench"), "-n", "-c", "1", "-t",
             str(rate * LATENCY_SECONDS), "-R", str(rate), "-f",
             str(ROOT / "demo" / "signup.sql"), pg.conninfo],
            check=True, capture_output=True)
        total = rate * LATENCY_SECONDS
        wait_for("all events decided", lambda: (
            s.counts()["events"] >= total and s.counts()["queued"] == 0 and
            s.counts()["actions_pending"] == 0), 60)
        events = page_all(s, "/api/v1/events")
        received = [(stamp_us(e["received_at"]) - stamp_us(e["occurred_at"]))
                    / 1000 for e in events]
        began = {e["id"]: stamp_us(e["occurred_at"]) for e in events}
        acted = [(stamp_us(a["done_at"]) - began[a["event_id"]]) / 1000
                 for a in page_all(s, "/api/v1/actions?status=succeeded")
                 if a["event_id"] in began]
        for p in (50, 99):
            bench.add(f"latency.{rate}.p{p}", percentile(received, p), "ms")
            bench.add(f"action.{rate}.p{p}", percentile(acted, p), "ms")
    finally:
        s.close()
        pg.stop()


def page_all(s, path):
    rows, cursor = [], ""
    while True:
        mark = "&" if "?" in path else "?"
        page = s.api("GET", f"{path}{mark}limit=500{cursor}")
        rows += page["data"]
        if not page.get("next_cursor"):
            return rows
        cursor = f"&cursor={page['next_cursor']}"


GROUPS = {
    "capture.": capture,
    "drain.": lambda b: drain(b, world),
    "start.ms idle.rss_mib binary.mib": start_and_size,
    "ingest.durable": ingest,
    "pipeline.rate": pipeline,
    "decide.": lambda b: decide(b, world),
    "timers.": lambda b: timers(b, world, feature),
    "isolation.": lambda b: isolation(b, world, feature),
    "latency.20": lambda b: latency(b, 20),
    "latency.400": lambda b: latency(b, 400),
}


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--only", help="a name, or the beginning of one")
    only = parser.parse_args().only
    bench = Bench()
    for names, run in GROUPS.items():
        if not only or any(n.startswith(only) or only.startswith(n)
                           for n in names.split()):
            run(bench)
    if not bench.results:
        print(f"no figure is called {only}: there are "
              f"{' '.join(GROUPS)}", file=sys.stderr)
        return 2
    out = ROOT / "build" / "bench"
    out.mkdir(parents=True, exist_ok=True)
    (out / "results.json").write_text(json.dumps(bench.results, indent=1))
    return 0


if __name__ == "__main__":
    sys.exit(main())
