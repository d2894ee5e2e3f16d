"""How fast the outbox is emptied into the durable store: an ordinary queue, a
long one, and one whose dead rows a long transaction keeps."""
import pathlib
import statistics
import subprocess
import sys
import time

ROOT = pathlib.Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "tests" / "support"))

from pg import tool                               # noqa: E402
from skene import wait_for                        # noqa: E402

BATCH = 30_000
BACKLOG = 300_000
HELD_SECONDS = 60
ROUNDS = 3
COMPARED = 12
FILL = ("insert into skene_growth.event_log (event_type, entity_id, metadata)"
        " select 'public.tasks.insert', i::text, jsonb_build_object('id', i,"
        " 'name', 'Write the report', 'state', 'open')"
        " from generate_series(1, {0}) i")


def emptied(pg, s, n):
    """Events per second: n are in the outbox before the drain may begin."""
    have = s.counts()["events"]
    # One statement: it commits at once, so the drain finds all of them.
    pg.psql(FILL.format(n))
    began = time.monotonic()
    wait_for("an empty outbox",
             lambda: s.counts()["events"] >= have + n, 300, 0.02)
    rate = n / (time.monotonic() - began)
    wait_for("decided", lambda: s.counts()["queued"] == 0, 300, 0.05)
    return rate


def drain(bench, world):
    pg, s = world([("bench-a", "@nobody.example")])
    try:
        emptied(pg, s, BATCH)  # the first is a warm-up
        short = [emptied(pg, s, BATCH) for _ in range(ROUNDS)]
        bench.add("drain.rate", statistics.median(short), "events/s",
                  rounds=ROUNDS)
        long = emptied(pg, s, BACKLOG)
        short += [emptied(pg, s, BATCH) for _ in range(ROUNDS)]
        bench.add("drain.backlog", long, "events/s",
                  f"a queue of {BATCH:,}", statistics.median(short))
        holder = subprocess.Popen(
            [tool("psql"), "-X", "-q", pg.conninfo], text=True,
            stdin=subprocess.PIPE, stdout=subprocess.DEVNULL)
        held = []
        try:
            holder.stdin.write("begin isolation level repeatable read;"
                               " select count(*) from auth.users;\n")
            holder.stdin.flush()
            wait_for("the transaction", lambda: pg.rows(
                "select 1 from pg_stat_activity where backend_xmin is not null"
                " and state = 'idle in transaction'"))
            began = time.monotonic()
            while time.monotonic() - began < HELD_SECONDS:
                held.append(emptied(pg, s, BATCH))
        finally:
            holder.stdin.close()
            holder.wait()
        # Our own store has grown by all of that, so the comparison comes
        # right after: the end of the hold beside the time after it.
        pg.psql("vacuum skene_growth.event_log")
        free = [emptied(pg, s, BATCH) for _ in range(COMPARED)]
        bench.add("drain.held_xmin", statistics.median(held[-COMPARED:]),
                  "events/s", "after the transaction", statistics.median(free),
                  COMPARED)
    finally:
        s.close()
        pg.stop()
