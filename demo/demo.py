#!/usr/bin/env python3
"""The main job, on real parts: `make demo`, or `make demo ONCE=1`.

A throwaway PostgreSQL cluster with a small SaaS schema; `skene serve` on
SQLite; the three premade features, planned and deployed as triggers; real
sign-ups by a second process (pgbench at 200 a second); mails in the dev
inbox. Then the server is started again two days and eight days later (its
clock is a parameter), and the waits of the drip and the inactivity scan are
seen to fire.

Every figure of the last line is counted from the two databases.
"""
import argparse
import json
import os
import pathlib
import signal
import subprocess
import sys
import tempfile
import time

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "tests" / "support"))

from pg import Cluster                # noqa: E402
from skene import Server, wait_for    # noqa: E402

SIGNUPS = 500
RATE = 200
FEATURES = ["heartbeat", "welcome-email-drip", "inactivity-re-engagement"]
DAY = 86400


def say(text):
    """Progress for people; stdout ends with the JSON line alone."""
    print(text, flush=True)


def noon_offset():
    """Seconds that put the server's clock at 10:00 UTC, outside the drip's
    quiet hours, whatever the time of day."""
    return int((10 * 3600 - time.time() % DAY) % DAY)


def server(folder, offset):
    """A server whose clock is ahead by `offset` seconds."""
    s = Server(folder=folder, args=["--clock-offset", f"PT{offset}S"])
    s.start()
    return s


def counts(s):
    """Totals of the store."""
    return s.api("GET", "/api/v1/counts")


def page_all(s, path):
    """All rows of a paged list."""
    rows, cursor = [], ""
    while True:
        mark = "&" if "?" in path else "?"
        page = s.api("GET", f"{path}{mark}limit=500{cursor}")
        rows += page["data"]
        if not page.get("next_cursor"):
            return rows
        cursor = f"&cursor={page['next_cursor']}"


def settled(s, events):
    """True once everything received is decided and sent."""
    c = counts(s)
    return (c["events"] >= events and c["queued"] == 0 and
            c["actions_pending"] == 0)


def sign_up(pg, count):
    """Starts the other process that signs people up."""
    pgbench = subprocess.run(["pg_config", "--bindir"], check=True,
                             capture_output=True, text=True).stdout.strip()
    tool = pathlib.Path(pgbench) / "pgbench"
    if not tool.exists():
        tool = sorted(pathlib.Path("/usr/lib/postgresql").glob(
            "*/bin/pgbench"))[-1]
    return subprocess.Popen(
        [str(tool), "-n", "-c", "1", "-t", str(count), "-R", str(RATE), "-f",
         str(HERE / "signup.sql"), pg.conninfo],
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


def deploy(s, pg):
    """Connect, take the premade features, look at the plan, deploy."""
    s.cli("connect", pg.conninfo, "--name", "saas")
    for name in FEATURES:
        s.cli("feature", "new", "--template", name)
        s.cli("feature", "activate", name)
    plan = s.cli("deploy", "--plan", check=False).stdout
    say("\n".join(line for line in plan.splitlines()
                  if line.startswith(("+ create  trigger", "    lock:",
                                      "    used by:"))))
    s.cli("deploy", "--yes")
    wait_for("the drain", lambda: "drain_started" in s.log(), 20)


def stamp(text):
    """Microseconds of an ISO time."""
    day, clock = text.rstrip("Z").split("T")
    whole, _, part = clock.partition(".")
    seconds = time.mktime(time.strptime(f"{day} {whole}",
                                        "%Y-%m-%d %H:%M:%S"))
    return int(seconds) * 1_000_000 + int((part + "000000")[:6])


def latencies(s, offset):
    """Milliseconds from the commit in PostgreSQL to the action done, for each
    welcome mail. The two clocks differ by the offset we set."""
    began = {e["id"]: stamp(e["occurred_at"])
             for e in page_all(s, "/api/v1/events?type=auth.users.insert")}
    return sorted(
        (stamp(a["done_at"]) - offset * 1_000_000 - began[a["event_id"]])
        / 1000
        for a in page_all(s, "/api/v1/actions?status=succeeded")
        if a["kind"] == "email" and a.get("event_id") in began)


def percentile(values, p):
    """Nearest-rank percentile; None of nothing."""
    if not values:
        return None
    return round(values[min(len(values) - 1, int(len(values) * p / 100))], 1)


def mails(s):
    """Recipients of the dev inbox by subject line."""
    by = {}
    for m in page_all(s, "/api/v1/inbox"):
        by.setdefault(m["subject"], []).append(m["to"])
    return by


def make_progress(pg):
    """Of ten people three make a project, and one of those a task."""
    pg.psql("""
        insert into public.projects (owner_id, name)
        select id, 'First project' from public.profiles
         where abs(hashtext(id::text)) % 10 < 3;
        insert into public.tasks (project_id, creator_id, title)
        select p.id, p.owner_id, 'First task' from public.projects p
         where abs(hashtext(p.owner_id::text)) % 10 = 0;
    """)


def ask(pg, sql):
    """One integer from the customer's database."""
    return int(pg.rows(sql)[0][0])


def phase_signups(s, pg, offset, once):
    """500 sign-ups at 200 a second, followed to their welcome mail."""
    child = sign_up(pg, SIGNUPS)
    try:
        while child.poll() is None:
            c = counts(s)
            if not once or sys.stdout.isatty():
                say(f"  events {c['events']:>4}  decisions "
                    f"{c['decisions']:>4}  mails {c['mails']:>4}")
            time.sleep(0.5)
    finally:
        if child.poll() is None:
            child.terminate()
        child.wait()
    wait_for("all sign-ups decided and mailed",
             lambda: settled(s, SIGNUPS), 60)
    return latencies(s, offset)


def count_result(s, pg):
    """Lost and doubled, by comparing the two databases."""
    people = {row[0] for row in pg.rows("select email from auth.users")}
    welcome = max(mails(s).values(), key=len, default=[])
    lost = len(people - set(welcome))
    doubled = len(welcome) - len(set(welcome))
    left = ask(pg, "select count(*) from skene_growth.event_log")
    return len(people), lost + left, doubled


def later(s, offset, days):
    """The same server, some days later."""
    s.stop()
    say(f"… {days} days later (serve --clock-offset)")
    return server(s.dir, offset + days * DAY)


def wait_mails(s, more_than):
    """Waits until due runs have been stepped and their mails are there."""
    wait_for("the mails that were due",
             lambda: counts(s)["mails"] > more_than and settled(s, 0), 60)
    return counts(s)["mails"] - more_than


def run(once):
    """The demo; returns the figures."""
    offset = noon_offset()
    with Cluster() as pg, tempfile.TemporaryDirectory(
            prefix="skene-demo-") as folder:
        pg.psql((HERE / "schema.sql").read_text())
        s = server(folder, offset)
        try:
            say(f"server {s.url}   database {pg.conninfo}")
            deploy(s, pg)
            times = phase_signups(s, pg, offset, once)
            people, lost, doubled = count_result(s, pg)
            first = counts(s)
            make_progress(pg)
            wait_for("tasks tracked and drips ended",
                     lambda: counts(s)["tracks"] == ask(
                         pg, "select count(*) from public.tasks"), 30)
            s = later(s, offset, 2)
            tips = wait_mails(s, first["mails"])
            say(f"  {tips} getting-started mails: those without a project")
            s = later(s, offset, 8)
            more = wait_mails(s, first["mails"] + tips)
            say(f"  {more} feedback and re-engagement mails")
            total = counts(s)
            result = {
                "signups": people,
                "events": first["events"],
                "decisions": total["decisions"],
                "actions_succeeded": total["actions_succeeded"],
                "mails": total["mails"],
                "tracks": total["tracks"],
                "lost": lost,
                "duplicated": doubled,
                "commit_to_action_p50_ms": percentile(times, 50),
                "commit_to_action_p99_ms": percentile(times, 99),
            }
            if not once:
                stay(s)
        finally:
            s.stop()
    return result


def stay(s):
    """Keeps the system for a look until Ctrl-C."""
    say(f"\nlive log: {s.url}/?token={s.token}\n"
        f"commands: build/skene --socket {s.socket} logs\nCtrl-C ends it.")
    try:
        signal.pause()
    except KeyboardInterrupt:
        say("")


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--once", action="store_true",
                        help="end by itself, with one JSON line")
    once = parser.parse_args().once
    os.environ["TZ"] = "UTC"
    time.tzset()
    result = run(once)
    print(json.dumps(result), flush=True)
    good = (result["lost"] == 0 and result["duplicated"] == 0 and
            result["signups"] == SIGNUPS)
    return 0 if good else 1


def stop(_number, _frame):
    """SIGTERM cleans up as Ctrl-C does."""
    raise KeyboardInterrupt


if __name__ == "__main__":
    signal.signal(signal.SIGTERM, stop)
    try:
        sys.exit(main())
    except KeyboardInterrupt:
        sys.exit(130)
