"""POST /api/v1/cloud/ingest/db-trigger."""
import concurrent.futures
import http.client
import json
import unittest

from app import App, record_body

PATH = "/api/v1/cloud/ingest/db-trigger"


class Ingest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.s = App().start()

    @classmethod
    def tearDownClass(cls):
        cls.s.close()

    next_id = 1000

    def fresh(self, n=1):
        Ingest.next_id += n
        return range(Ingest.next_id - n, Ingest.next_id)

    def post(self, body, secret=None, path=PATH, tcp=True):
        return self.s.request(
            "POST", path, body,
            {"x-skene-secret": secret or self.s.secret}, tcp)

    def accepted(self, reply, n, duplicates=0):
        self.assertEqual(reply.status, 202, reply.text)
        self.assertEqual(reply.json,
                         {"accepted": n, "duplicates": duplicates})

    def test_one_record_and_its_repeat(self):
        body = record_body(self.fresh()[0], "auth.users.insert")
        self.accepted(self.post(body), 1)
        self.accepted(self.post(body), 0, 1)
        self.accepted(self.post(body, tcp=False), 0, 1)

    def test_batch_with_repeats(self):
        ids = self.fresh(3)
        records = [record_body(i)["record"] for i in ids]
        batch = {"type": "BATCH", "records": records[:2]}
        self.accepted(self.post(batch), 2)
        batch["records"] = records
        self.accepted(self.post(batch), 1, 2)
        self.accepted(self.post({"type": "BATCH", "records": []}), 0)

    def test_the_event_is_in_the_log(self):
        source = self.fresh()[0]
        self.accepted(self.post(record_body(
            source, "auth.users.update", "user-7",
            occurred_at="2026-11-24T09:00:00Z", plan="pro",
            _old={"plan": "free"})), 1)
        events = self.s.api(
            "GET", "/api/v1/events?type=auth.users.update")["data"]
        self.assertEqual(len(events), 1)
        event = self.s.api("GET", f"/api/v1/events/{events[0]['id']}")
        self.assertEqual(event["key"], "user-7")
        self.assertEqual(event["record"]["plan"], "pro")
        self.assertEqual(event["old"], {"plan": "free"})
        self.assertEqual(event["occurred_at"], "2026-11-24T09:00:00.000000Z")

    def test_database_webhook_body(self):
        body = {"type": "UPDATE", "table": "orders", "schema": "public",
                "record": {"id": 7, "state": "paid", "n": self.fresh()[0]},
                "old_record": {"id": 7, "state": "open"}}
        self.accepted(self.post(body), 1)
        event = self.s.api(
            "GET", "/api/v1/events?type=public.orders.update")["data"][0]
        event = self.s.api("GET", f"/api/v1/events/{event['id']}")
        self.assertEqual(event["old"], {"id": 7, "state": "open"})

    def test_doorbell(self):
        self.accepted(self.post({"type": "WAKE"}), 0)

    def test_workspace_path(self):
        body = record_body(self.fresh()[0])
        self.accepted(self.post(body, path="/workspace/default" + PATH), 1)
        reply = self.post(body, path="/workspace/other" + PATH)
        self.assertEqual(reply.status, 401)

    def test_wrong_secret_stores_nothing(self):
        before = self.s.counts()["events"]
        body = record_body(self.fresh()[0])
        for secret in ("wrong", self.s.secret[:-1], self.s.secret + "x",
                       "x" * 4000):
            reply = self.post(body, secret)
            self.assertEqual(reply.status, 401, reply.text)
            self.assertEqual(reply.json["error"]["code"], "unauthorized")
        reply = self.s.request("POST", PATH, body, tcp=True)
        self.assertEqual(reply.status, 401)
        self.assertEqual(self.s.counts()["events"], before)

    def test_malformed_bodies_name_the_field(self):
        good = record_body(self.fresh()[0])

        def without(key, **more):
            record = {k: v for k, v in good["record"].items() if k != key}
            return {**good, "record": {**record, **more}}
        cases = (
            (without("id"), "record.id"),
            (without("id", id="7"), "record.id"),
            (without("id", id=0), "record.id"),
            (without("event_type"), "record.event_type"),
            (without("", event_type="users"), "record.event_type"),
            (without("", event_type="a.b.truncate"), "record.event_type"),
            (without("", occurred_at="soon"), "record.occurred_at"),
            (without("", metadata=[1]), "record.metadata"),
            (without("", entity_id={}), "record.entity_id"),
            ({"type": "BATCH"}, "records"),
            ({"type": "BATCH", "records": [good["record"], {"id": 1}]},
             "records[1].event_type"),
            ({"type": "BATCH", "records": [good["record"]] * 1001},
             "records"),
            ({"type": "TRUNCATE", "table": "t", "schema": "s"}, "type"),
            ({"type": "INSERT", "schema": "s", "record": {}}, "table"),
            ({}, "type"),
            ([], "type"),
        )
        before = self.s.counts()["events"]
        for body, field in cases:
            reply = self.post(body)
            with self.subTest(body=str(body)[:80]):
                self.assertEqual(reply.status, 422, reply.text)
                error = reply.json["error"]
                self.assertEqual(error["field"], field)
                self.assertTrue(error["message"])
                self.assertRegex(error["request_id"], r"^[0-9a-f-]{36}$")
        self.assertEqual(self.s.counts()["events"], before)

    def test_text_that_is_not_json(self):
        for body in (b"", b"{", b"null x", b'{"type":"\xff"}', b"[" * 1000,
                     b'{"type":"INSERT","type":"WAKE"}', b"NaN"):
            reply = self.post(body)
            with self.subTest(body=body[:20]):
                self.assertEqual(reply.status, 422, reply.text)

    def test_body_over_the_limit(self):
        body = record_body(self.fresh()[0], note="x" * (1024 * 1024))
        try:
            self.assertEqual(self.post(body).status, 413)
        except (BrokenPipeError, ConnectionResetError):
            pass  # refused before we had written it all
        self.assertEqual(self.s.request("GET", "/health").status, 200)

    def test_rotated_secret_ends_the_old_one_at_once(self):
        s = self.s
        path = f"/api/v1/integrations/{s.integration}/secret/rotate"
        old, s.secret = s.secret, s.api("POST", path, {})["secret"]
        body = record_body(self.fresh()[0])
        self.assertEqual(self.post(body, old).status, 401)
        self.accepted(self.post(body), 1)

    def test_many_at_once(self):
        ids = list(self.fresh(400))

        def send(part):
            c = http.client.HTTPConnection("127.0.0.1", self.s.port,
                                           timeout=30)
            seen = 0
            for i in part:
                c.request("POST", PATH, json.dumps(record_body(i)),
                          {"x-skene-secret": self.s.secret})
                r = c.getresponse()
                self.assertEqual(r.status, 202)
                seen += json.loads(r.read())["accepted"]
            c.close()
            return seen
        with concurrent.futures.ThreadPoolExecutor(16) as pool:
            parts = [ids[i::16] for i in range(16)]
            self.assertEqual(sum(pool.map(send, parts)), len(ids))


class Stopping(unittest.TestCase):
    def test_what_was_answered_survives_a_stop(self):
        s = App()
        try:
            s.start()
            sent = [s.sign_up(i).status for i in range(1, 51)]
            self.assertEqual(s.stop(), 0)
            start_again(s)
            self.assertEqual(s.counts()["events"], sent.count(202))
        finally:
            s.close()

    def test_disconnected_integration_is_refused(self):
        s = App()
        try:
            s.start()
            self.assertEqual(s.sign_up(1).status, 202)
            s.api("POST", f"/api/v1/integrations/{s.integration}/disconnect",
                  {})
            self.assertEqual(s.sign_up(2).status, 401)
        finally:
            s.close()


def start_again(s):
    """Starts the process again, without a second database."""
    super(App, s).start()


if __name__ == "__main__":
    unittest.main()
