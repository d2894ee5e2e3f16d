"""A server with a connected database, shared by the tests of one module."""
import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]
                       / "support"))
from pg import Cluster  # noqa: E402
from skene import Server, now, record_body, wait_for  # noqa: E402,F401

TABLES = """
create schema auth;
create table auth.users (
    id uuid primary key default gen_random_uuid(),
    email text, plan text default 'free',
    created_at timestamptz not null default now());
"""

TRACK = """\
version: 1
key: signed-up
name: Signed up
stage: onboarding
trigger: {type: row, table: auth.users, op: insert}
subject: {table: auth.users, id: id, email: email}
entry: {mode: once, conditions: []}
machine:
  initial: start
  states:
    start:
      transitions:
        - {after: PT0S, effects: [{type: track, event: hi}], target: done}
    done: {final: true}
"""

MAIL = TRACK.replace("signed-up", "hello").replace("Signed up", "Hello") \
    .replace("mode: once", "mode: every") \
    .replace("{type: track, event: hi}",
             "{type: email, to: email, template: hello, subject: Hi}")

MESSAGE = """\
---
subject: Hi there
---
Hello.
"""


class App(Server):
    """serve, a throwaway cluster, one integration."""

    def __init__(self, **kw):
        super().__init__(**kw)
        self.pg = Cluster(fsync=False)
        self.secret = None
        self.integration = None

    def start(self, *args, **kw):
        try:
            self.pg.start()
            self.pg.psql(TABLES)
            super().start(*args, **kw)
            made = self.api("POST", "/api/v1/integrations",
                            {"url": self.pg.url(), "name": "app"})
        except BaseException:
            self.close()
            raise
        self.secret, self.integration = made["secret"], made["id"]
        return self

    def close(self):
        try:
            super().close()
        finally:
            self.pg.stop()

    def feature(self, document):
        """Stores and activates a document (its trigger is not deployed: the
        tests send events over HTTP)."""
        made = self.request("POST", "/api/v1/features", document)
        assert made.status == 201, made.text
        key = made.json["key"]
        return self.api("POST", f"/api/v1/features/{key}/activate", {})

    def sign_up(self, n, **columns):
        """Posts the insert of user number n; returns the answer."""
        user = f"00000000-0000-4000-8000-{n:012d}"
        columns = {"id": user, "email": f"u{n}@example.com", "plan": "free",
                   "created_at": now(), **columns}
        return self.post_events(self.secret, record_body(
            n, "auth.users.insert", user, **columns))

    def settled(self, seconds=15):
        """Waits until nothing is queued or due."""
        def idle():
            c = self.counts()
            return c if c["queued"] == 0 and c["actions_pending"] == 0 \
                else None
        return wait_for("an idle server", idle, seconds)
