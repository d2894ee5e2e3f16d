"""The route table as the world sees it: OpenAPI, errors, who may do what."""
import re
import unittest

from app import App, TRACK

ID = "01234567-89ab-7def-8123-456789abcdef"


class Routes(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.s = App().start()
        cls.s.feature(TRACK)
        cls.s.sign_up(1)
        cls.s.settled()
        cls.openapi = cls.s.request(
            "GET", "/api/v1/openapi.json", tcp=True).json

    @classmethod
    def tearDownClass(cls):
        cls.s.close()

    def operations(self):
        for path, methods in self.openapi["paths"].items():
            for method, op in methods.items():
                yield method.upper(), path, op

    def filled(self, path):
        values = {"key": "signed-up", "subject": "auth.users%2F1",
                  "name": "log.css", "address": "a@example.com",
                  "token": "nothing"}
        if path.startswith("/api/v1/integrations/"):
            values["id"] = self.s.integration
        return re.sub(r"\{(\w+)\}",
                      lambda m: values.get(m.group(1), ID), path)

    def test_openapi_is_whole(self):
        self.assertEqual(self.openapi["openapi"], "3.1.0")
        schemas = self.openapi["components"]["schemas"]
        for ref in re.findall(r"#/components/schemas/(\w+)",
                              str(self.openapi)):
            self.assertIn(ref, schemas)
        for method, path, op in self.operations():
            self.assertTrue(op["summary"], path)
            names = re.findall(r"\{(\w+)\}", path)
            inside = [p["name"] for p in op["parameters"]
                      if p["in"] == "path"]
            self.assertEqual(inside, names, path)
            self.assertIn(op["x-role"], ("public", "ingest", "viewer",
                                         "editor", "admin"))

    def test_every_route_answers(self):
        skip = {"/api/v1/stream"}  # never ends: test_stream
        changes = {("POST", "/api/v1/integrations/{id}/disconnect"),
                   ("POST", "/api/v1/integrations/{id}/secret/rotate"),
                   ("POST", "/api/v1/integrations/{id}/adopt"),
                   ("POST", "/api/v1/features/{key}/archive")}
        for method, path, op in self.operations():
            if path in skip or (method, path) in changes:
                continue
            body = {} if method in ("POST", "PUT") else None
            reply = self.s.request(method, self.filled(path), body)
            with self.subTest(method=method, path=path):
                self.assertLess(reply.status, 500, reply.text)
                self.assertFalse(300 <= reply.status < 400)
                self.assertNotEqual(reply.status, 405)
                success = [c for c in op["responses"] if c != "default"]
                if reply.status < 400:
                    self.assertEqual([str(reply.status)], success)
                if reply.status == 404:
                    self.assertNotIn("there is no /", reply.text)

    def test_lists_have_their_form(self):
        for path in ("integrations", "features", "deployments", "events",
                     "decisions", "actions", "inbox", "tracks",
                     "suppressions"):
            body = self.s.api("GET", f"/api/v1/{path}")
            self.assertIsInstance(body["data"], list, path)

    def test_pages(self):
        for i in range(10, 15):
            self.s.sign_up(i)
        self.s.settled()
        seen, cursor = [], None
        for _ in range(20):
            page = self.s.api("GET", "/api/v1/decisions?limit=2" +
                              (f"&cursor={cursor}" if cursor else ""))
            seen += [d["id"] for d in page["data"]]
            cursor = page["next_cursor"]
            if not cursor:
                break
        everything = [d["id"] for d in
                      self.s.api("GET", "/api/v1/decisions")["data"]]
        self.assertEqual(seen, everything)
        self.assertEqual(len(set(seen)), len(seen))
        self.assertEqual(seen, sorted(seen, reverse=True))

    def test_filters(self):
        get = self.s.api
        all_of = get("GET", "/api/v1/decisions?feature=signed-up")["data"]
        self.assertTrue(all_of)
        self.assertEqual(
            get("GET", "/api/v1/decisions?feature=nothing")["data"], [])
        subject = all_of[0]["subject"]
        some = get("GET", f"/api/v1/decisions?subject={subject}")["data"]
        self.assertEqual({d["subject"] for d in some}, {subject})
        self.assertEqual(
            get("GET", "/api/v1/events?since=2099-01-01T00:00:00Z")["data"],
            [])
        self.assertTrue(get("GET", "/api/v1/events?since=PT1H")["data"])

    def test_explain_and_timeline(self):
        event = self.s.api("GET", "/api/v1/events?limit=1")["data"][0]
        why = self.s.api("GET", f"/api/v1/events/{event['id']}/explain")
        self.assertEqual(why["event"]["id"], event["id"])
        self.assertEqual(why["decisions"][0]["feature"], "signed-up")
        subject = event["decisions"][0]["subject"].replace("/", "%2F")
        line = self.s.api("GET", f"/api/v1/subjects/{subject}/timeline")
        self.assertEqual(line["runs"][0]["feature"], "signed-up")
        self.assertEqual(line["actions"][0]["kind"], "track")
        text = self.s.cli("explain", event["id"]).stdout
        self.assertIn("signed-up", text)

    def test_bad_queries(self):
        for query, field in (("limit=0", "limit"), ("limit=501", "limit"),
                             ("limit=x", "limit"), ("cursor=1", "cursor"),
                             ("since=soon", "since"),
                             ("verdict=great", "verdict"),
                             ("after=1", "after")):
            reply = self.s.request("GET", f"/api/v1/events?{query}")
            self.assertEqual(reply.status, 422, query)
            self.assertEqual(reply.json["error"]["field"], field)

    def test_errors_have_one_form(self):
        reply = self.s.request("GET", "/api/v1/event")
        self.assertEqual(reply.status, 404)
        error = reply.json["error"]
        self.assertEqual(error["code"], "not_found")
        self.assertIn("/api/v1/events", error["hint"])
        self.assertEqual(error["request_id"],
                         reply.headers["X-Request-Id"])
        reply = self.s.request("DELETE", "/api/v1/features")
        self.assertEqual(reply.status, 405)
        self.assertEqual(reply.headers["Allow"], "GET, POST")
        self.assertEqual(reply.json["error"]["code"], "method_not_allowed")

    def test_feature_documents_are_checked(self):
        for change, field in ((("op: insert", "op: upsert"), "trigger.op"),
                              (("email: email", "email: emial"),
                               "subject.email")):
            reply = self.s.request("POST", "/api/v1/features",
                                   TRACK.replace(*change))
            self.assertEqual(reply.status, 422, reply.text)
            self.assertEqual(reply.json["error"]["field"], field)
        reply = self.s.request("POST", "/api/v1/features", "a: [")
        self.assertIn(reply.status, (400, 422))

    def test_metrics_are_prometheus_text(self):
        reply = self.s.request("GET", "/metrics", tcp=True)
        self.assertEqual(reply.status, 200)
        self.assertTrue(reply.headers["Content-Type"].startswith(
            "text/plain; version=0.0.4"))
        lines = reply.text.split("\n")
        self.assertEqual(lines[-1], "")
        names = [line.split()[2] for line in lines
                 if line.startswith("# TYPE")]
        self.assertEqual(len(names), len(set(names)))
        self.assertIn("skene_http_requests_total", names)
        for line in lines[:-1]:
            if not line.startswith("#"):
                self.assertRegex(line, r"^[a-z_]+ \d+$")

    def test_head(self):
        reply = self.s.request("HEAD", "/health")
        self.assertEqual((reply.status, reply.body), (200, b""))


class Security(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.s = App(args=["--public-url", "http://skene.example:8080"])
        cls.s.start()
        cls.openapi = cls.s.request(
            "GET", "/api/v1/openapi.json", tcp=True).json

    @classmethod
    def tearDownClass(cls):
        cls.s.close()

    def operations(self):
        for path, methods in self.openapi["paths"].items():
            for method, op in methods.items():
                yield method.upper(), re.sub(r"\{\w+\}", ID, path), \
                    op["x-role"]

    def ask(self, method, path, headers=None):
        body = {} if method in ("POST", "PUT") else None
        return self.s.request(method, path, body, headers, tcp=True)

    def bearer(self):
        return {"Authorization": f"Bearer {self.s.token}"}

    def test_tcp_without_a_token_is_denied(self):
        counted = 0
        for method, path, role in self.operations():
            if role == "public":
                continue
            with self.subTest(method=method, path=path):
                self.assertEqual(self.ask(method, path).status, 401)
                wrong = {"Authorization": "Bearer " + "x" * 40}
                self.assertEqual(self.ask(method, path, wrong).status, 401)
                counted += 1
        self.assertGreater(counted, 30)

    def test_the_token_reads_and_does_not_write(self):
        for method, path, role in self.operations():
            if role == "viewer" and path != "/api/v1/stream":
                status = self.ask(method, path, self.bearer()).status
                self.assertNotIn(status, (401, 403), path)
            if role in ("editor", "admin"):
                reply = self.ask(method, path, self.bearer())
                self.assertEqual(reply.status, 403, path)
                self.assertIn(role, reply.json["error"]["message"])

    def test_other_places_of_the_token(self):
        path = "/api/v1/counts"
        for headers in ({"X-API-Key": self.s.token},
                        {"X-Skene-Token": self.s.token},
                        {"Cookie": f"a=b; skene_token={self.s.token}"}):
            self.assertEqual(self.ask("GET", path, headers).status, 200)
        self.assertEqual(
            self.ask("GET", f"{path}?token={self.s.token}").status, 401)

    def test_foreign_host_names_are_refused(self):
        for host, status in (("evil.example", 403),
                             ("127.0.0.1.evil.example", 403),
                             ("localhost", 200), ("127.0.0.1:1", 200),
                             ("[::1]:80", 200), ("skene.example", 200),
                             ("SKENE.EXAMPLE:8080", 200)):
            reply = self.ask("GET", "/api/v1/counts",
                             {**self.bearer(), "Host": host})
            self.assertEqual(reply.status, status, host)
        self.assertEqual(
            self.ask("GET", "/health", {"Host": "evil.example"}).status, 200)

    def test_page_sets_the_cookie_and_is_locked_down(self):
        self.assertEqual(self.ask("GET", "/").status, 401)
        reply = self.ask("GET", f"/?token={self.s.token}")
        self.assertEqual(reply.status, 200)
        cookie = reply.headers["Set-Cookie"]
        self.assertIn("HttpOnly", cookie)
        self.assertIn("SameSite=Strict", cookie)
        policy = reply.headers["Content-Security-Policy"]
        self.assertIn("default-src 'none'", policy)
        self.assertNotIn("unsafe", policy)
        self.assertNotIn("<script>", reply.text)
        self.assertNotIn("style=", reply.text)
        self.assertNotIn("https://", reply.text)
        again = self.ask("GET", "/", {"Cookie": cookie.split(";")[0]})
        self.assertEqual(again.status, 200)
        self.assertIsNone(again.headers["Set-Cookie"])
        for name in ("log.js", "log.css"):
            asset = self.ask("GET", f"/assets/{name}")
            self.assertEqual(asset.status, 200)
            self.assertEqual(asset.headers["X-Content-Type-Options"],
                             "nosniff")
        self.assertEqual(self.ask("GET", "/assets/../key").status, 404)

    def test_other_workspaces_are_not_there(self):
        self.assertEqual(self.s.request(
            "GET", "/workspace/default/api/v1/counts").status, 200)
        self.assertEqual(self.s.request(
            "GET", "/workspace/other/api/v1/counts").status, 404)
        self.assertEqual(self.s.request(
            "GET", "/workspace/default/metrics").status, 404)


if __name__ == "__main__":
    unittest.main()
