"""A customer's database, a server and features, for the tests of the whole.

    with World(env={...}) as w:
        w.feature("welcome", [mail("welcome")])
        w.message("welcome")
        w.deploy()
        w.sign_up("ann@example.com")
        w.settled(events=1)

The database is a private PostgreSQL cluster with the demo's schema.
"""
import pathlib
import sqlite3
import subprocess

from pg import Cluster, tool
from skene import ROOT, Server, wait_for

SCHEMA = ROOT / "demo" / "schema.sql"
SIGN_UP = ROOT / "demo" / "signup.sql"


def pgbench(url, count, rate):
    """Starts another process that signs `count` people up."""
    return subprocess.Popen(
        [tool("pgbench"), "-n", "-c", "1", "-t", str(count), "-R", str(rate), "-f",
         str(SIGN_UP), url],
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


def document(key, effects, table="auth.users", op="insert", subject=None,
             mode="every", conditions=None, machine=None, **more):
    """A feature that runs `effects` at once, or the given machine."""
    trigger = {"type": "row", "table": table, "op": op}
    trigger.update(more.pop("trigger", {}))
    return {
        "version": 1, "key": key, "name": key.capitalize(),
        "stage": more.pop("stage", "onboarding"), "trigger": trigger,
        "subject": subject or {"table": "auth.users", "id": "id",
                               "email": "email"},
        "entry": {"mode": mode, "conditions": conditions or []},
        "machine": machine or {
            "initial": "act",
            "states": {
                "act": {"transitions": [
                    {"after": "PT0S", "effects": effects,
                     "target": "done"}]},
                "done": {"final": True}}},
        **more}


def mail(template):
    return {"type": "email", "template": template}


def hook(url):
    return {"type": "webhook", "url": url}


def track(event):
    return {"type": "track", "event": event}


class World:
    def __init__(self, args=("--allow-private-egress",), env=None,
                 transport="drain"):
        self.pg = Cluster(fsync=False)
        self.server = Server(args=args, env=env)
        self.transport = transport
        self.secret = None
        self.integration = None

    # ---- life ----
    def start(self, connect=True):
        try:
            self.pg.start()
            self.pg.psql(SCHEMA.read_text())
            self.server.start()
            if connect:
                self.connect()
        except BaseException:
            self.server.kill()
            self.close()
            raise
        return self

    def connect(self, **more):
        made = self.server.api("POST", "/api/v1/integrations", {
            "url": self.pg.url(), "name": "saas",
            "transport": self.transport, **more})
        self.secret, self.integration = made["secret"], made["id"]

    def close(self):
        try:
            self.server.close()
        finally:
            self.pg.stop()

    def restart(self, args=None):
        """SIGTERM, then the same store again, with other arguments."""
        self.server.stop()
        if args is not None:
            self.server.args = list(args)
        self.server.start()

    __enter__ = start

    def __exit__(self, *exc):
        self.close()

    # ---- definitions ----
    def feature(self, key, effects, activate=True, **more):
        """Stores (and activates) document(key, effects, …)."""
        self.put(document(key, effects, **more))
        if activate:
            self.server.api("POST", f"/api/v1/features/{key}/activate", {})

    def put(self, doc):
        return self.server.api("POST", "/api/v1/features", doc)

    def message(self, key, subject="Hello"):
        text = f"---\nsubject: {subject}\n---\nHello {{{{ subject.id }}}}.\n"
        r = self.server.request("PUT", f"/api/v1/messages/templates/{key}",
                                text.encode())
        assert r.status == 200, r.text

    def deploy(self, drain=True):
        offset = len(self.server.log().encode())
        self.server.cli("deploy", "--yes")
        if drain:
            wait_for("the drain", lambda: self.drain_state() == "draining"
                     or "drain_started" in self.server.log(offset), 20)

    def drain_state(self):
        status = self.server.api(
            "GET", f"/api/v1/integrations/{self.integration}/status")
        return status["drain"]["state"]

    # ---- what happens ----
    def sign_up(self, *emails):
        """Ids of new people."""
        values = ",".join(f"('{e}')" for e in emails)
        return [row[0] for row in self.pg.rows(f"""
            with p as (insert into auth.users (email) values {values}
                       returning id),
                 q as (insert into public.profiles (id) select id from p)
            select id from p""")]

    def one(self, sql):
        """The only value of a query in the customer's database."""
        return self.pg.psql(sql).strip()

    def outbox(self):
        return int(self.one("select count(*) from skene_growth.event_log"))

    def settled(self, events=0, seconds=30):
        """Waits until so many events are there and all is done."""
        def idle():
            c = self.server.counts()
            return c if (c["events"] >= events and c["queued"] == 0
                         and c["actions_pending"] == 0) else None
        return wait_for(f"{events} events and an idle server", idle, seconds)

    # ---- what came of it ----
    def pages(self, path):
        """All rows of a paged list."""
        rows, cursor = [], ""
        while True:
            mark = "&" if "?" in path else "?"
            page = self.server.api("GET", f"{path}{mark}limit=500{cursor}")
            rows += page["data"]
            if not page.get("next_cursor"):
                return rows
            cursor = f"&cursor={page['next_cursor']}"

    def verdicts(self, feature=None):
        """Verdicts of all decisions, oldest first."""
        path = "/api/v1/decisions"
        if feature:
            path += f"?feature={feature}"
        return [d["verdict"] for d in reversed(self.pages(path))]

    def inbox(self):
        return self.pages("/api/v1/inbox")

    def actions(self, **fields):
        """Actions whose fields are as given, oldest first."""
        return [a for a in reversed(self.pages("/api/v1/actions"))
                if all(a[k] == v for k, v in fields.items())]

    def store_rows(self, sql):
        """Rows of the store; the server must have been stopped."""
        db = sqlite3.connect(pathlib.Path(self.server.store))
        try:
            return db.execute(sql).fetchall()
        finally:
            db.close()
