"""What capture costs the customer's statements, beside no trigger at all and
beside the triggers of others (rivals.sql)."""
import json
import pathlib
import re
import statistics
import subprocess
import sys
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT / "tests" / "support"),
                str(ROOT / "tests" / "support" / "pg_net_double")]

from pg import Cluster, tool                      # noqa: E402
from skene import Server                          # noqa: E402
from worker import Worker                         # noqa: E402

ROUNDS = 5
SECONDS = 4
BULK_ROWS = 100_000
RIVALS = ("skene_published", "supabase_webhook", "hasura_style")
OURS = ("ours", "ours_10pct", "ours_features_10")
TABLES = ("plain", *OURS, *RIVALS)
TABLE = """
create table public.{0} (
    id uuid primary key default gen_random_uuid(), email text, full_name text,
    plan text not null default 'free', amount numeric, active boolean,
    created_at timestamptz not null default now());
"""
INSERT = ("insert into public.{0} (email, full_name, plan, amount, active)"
          " values ('ann@example.com', 'Ann Example', 'free', 12.50, true);\n")
UPDATE = ("\\set n random(1, 10000)\n"
          "update public.{0} set amount = amount + 1 where email ="
          " 'u' || :n;\n")
BULK = ("insert into public.{0} (email, full_name, plan, amount, active)"
        " select 'u' || i, 'Ann Example', case when i % 10 = 0 then 'pro' else"
        " 'free' end, 12.50, true from generate_series(1, {1}) i")


def document(table, key, conditions=(), op="insert"):
    trigger = {"type": "row", "table": f"public.{table}", "op": op}
    if op == "update":
        trigger["column"] = "plan"
    return {
        "version": 1, "key": key, "stage": "engagement", "trigger": trigger,
        "subject": {"table": f"public.{table}", "id": "id", "email": "email"},
        "entry": {"mode": "every", "conditions": list(conditions)},
        "machine": {"initial": "s0", "states": {
            "s0": {"transitions": [{"after": "PT0S", "target": "done",
                                    "effects": [{"type": "track",
                                                 "event": key}]}]},
            "done": {"final": True}}}}


def features():
    yield document("ours", "one")
    yield document("ours", "changed", op="update")
    yield document("ours_10pct", "tenth", [
        {"path": "plan", "op": "eq", "value": "pro"}])
    for i in range(10):
        yield document("ours_features_10", f"of-ten-{i}")


class Lab:
    """The tables, with our triggers deployed by skene, which is then stopped:
    what is measured is the database alone."""

    def __init__(self):
        self.pg = Cluster().start()
        try:
            for table in TABLES:
                self.pg.psql(TABLE.format(table))
            Worker.install(self.pg)
            self.pg.psql((ROOT / "bench" / "rivals.sql").read_text())
            self._deploy()
            for table in ("plain", "ours"):
                self.pg.psql(f"create index on public.{table} (email)")
        except BaseException:
            self.pg.stop()
            raise

    def _deploy(self):
        with Server() as s:
            s.cli("connect", self.pg.conninfo, "--name", "bench")
            for doc in features():
                path = s.dir / "feature.json"
                path.write_text(json.dumps(doc))
                s.cli("feature", "new", "--file", str(path))
                s.cli("feature", "activate", doc["key"])
            s.cli("deploy", "--yes")

    def close(self):
        self.pg.stop()

    def clear(self):
        """Empty tables and logs, and nothing left for a checkpoint to do."""
        self.pg.psql(
            "truncate skene_growth.event_log, published.event_log,"
            " hdb_catalog.event_log, supabase_functions.hooks,"
            " net.http_request_queue, "
            + ", ".join(f"public.{t}" for t in TABLES) + ";checkpoint")

    def tps(self, script, clients):
        with tempfile.NamedTemporaryFile("w", suffix=".sql") as f:
            f.write(script)
            f.flush()
            out = subprocess.run(
                [tool("pgbench"), "-n", "-M", "prepared", "-c", str(clients),
                 "-j", str(min(clients, 2)), "-T", str(SECONDS), "-f", f.name,
                 self.pg.conninfo],
                check=True, capture_output=True, text=True).stdout
        return float(re.search(r"tps = ([\d.]+)", out)[1])

    def bulk(self, table):
        """Seconds of one statement, by the database's own clock."""
        out = self.pg.psql("\\timing on\n" + BULK.format(table, BULK_ROWS)
                           + ";\n")
        return float(re.search(r"Time: ([\d.]+) ms", out)[1]) / 1000


def rounds_of(measure, names, lab):
    """Medians by name; each round measures every name once."""
    values = {name: [] for name in names}
    for i in range(ROUNDS):
        for name in names if i % 2 == 0 else reversed(names):
            lab.clear()
            values[name].append(measure(name))
    return {name: statistics.median(v) for name, v in values.items()}


def capture(bench):
    lab = Lab()
    picture = {}
    try:
        for clients in (1, 4, 16):
            names = ["plain", "ours"]
            if clients == 1:
                names += RIVALS
            found = rounds_of(
                lambda t, c=clients: lab.tps(INSERT.format(t), c), names, lab)
            bench.add(f"capture.insert.c{clients}", found["ours"], "inserts/s",
                      "no trigger", found["plain"], ROUNDS)
            for rival in RIVALS if clients == 1 else ():
                bench.add(f"capture.rival.{rival}.c1", found[rival],
                          "inserts/s", "no trigger", found["plain"], ROUNDS)
            if clients == 1:
                picture["one row"] = found

        def update(table):
            lab.pg.psql(BULK.format(table, 10_000)
                        + "; truncate skene_growth.event_log; vacuum analyze"
                          f" public.{table}; checkpoint")
            return lab.tps(UPDATE.format(table), 1)
        found = rounds_of(update, ["plain", "ours"], lab)
        bench.add("capture.update_unmatched", found["ours"], "updates/s",
                  "no trigger", found["plain"], ROUNDS)

        for table in ("plain", "ours"):
            lab.pg.psql(f"drop index if exists public.{table}_email_idx")
        found = rounds_of(lab.bulk, list(TABLES), lab)
        bench.add("capture.bulk", found["ours"], "s", "no trigger",
                  found["plain"], ROUNDS)
        bench.add("capture.bulk_10pct", found["ours_10pct"], "s", "no trigger",
                  found["plain"], ROUNDS)
        bench.add("capture.features_10", found["ours_features_10"], "s",
                  "one feature", found["ours"], ROUNDS)
        for rival in RIVALS:
            bench.add(f"capture.rival.{rival}.bulk", found[rival], "s",
                      "no trigger", found["plain"], ROUNDS)
        picture["bulk"] = {k: BULK_ROWS / v for k, v in found.items()}
    finally:
        lab.close()
    draw(picture, ROOT / "docs" / "capture.svg")


LABELS = {"plain": "no trigger", "ours": "skene",
          "hasura_style": "Hasura style",
          "supabase_webhook": "Supabase webhook style",
          "skene_published": "published Skene SQL"}


def draw(picture, path):
    """Rows per second by variant, as part of what no trigger allows."""
    lines, y = [], 44
    for title, key in (("One row a statement, one client", "one row"),
                       (f"{BULK_ROWS:,} rows in one statement", "bulk")):
        values = picture[key]
        lines.append(f'<text class="t" x="16" y="{y}">{title}</text>')
        y += 14
        for name, label in LABELS.items():
            share = values[name] / values["plain"]
            width = max(2, 380 * share)
            kind = "us" if name == "ours" else "other"
            lines += [
                f'<text x="176" y="{y + 14}" text-anchor="end">{label}</text>',
                f'<rect class="{kind}" x="184" y="{y + 3}"'
                f' width="{width:.0f}" height="14" rx="2"/>',
                f'<text x="{190 + width:.0f}" y="{y + 14}">{share:.2f}'
                f' &#160;<tspan class="n">{values[name]:,.0f} rows/s</tspan>'
                '</text>']
            y += 22
        y += 28
    path.write_text(f'''<svg xmlns="http://www.w3.org/2000/svg" width="720"
 height="{y - 20}" viewBox="0 0 720 {y - 20}" role="img"
 aria-label="Insert throughput by kind of trigger, from make bench">
<style>
text {{ font: 12px system-ui, sans-serif; fill: #1f2933 }}
.h {{ font-size: 14px; font-weight: 600 }} .t {{ font-weight: 600 }}
.n {{ fill: #66727f }} .us {{ fill: #0f7b5c }} .other {{ fill: #b4bec9 }}
@media (prefers-color-scheme: dark) {{
text {{ fill: #e6eaee }} .n {{ fill: #98a4b0 }} .us {{ fill: #3ecf9a }}
.other {{ fill: #55616d }} }}
</style>
<text class="h" x="16" y="20">Insert throughput, as part of a table without a trigger</text>
{chr(10).join(lines)}
</svg>
''')
