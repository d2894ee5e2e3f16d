"""Mails in the dev inbox, suppressions, the one-click unsubscribe link."""
import itertools
import re
import unittest

from app import App, MAIL, MESSAGE, wait_for


class Messages(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.s = App(args=["--public-url", "http://skene.example"])
        cls.s.start()
        reply = cls.s.request("PUT", "/api/v1/messages/templates/hello",
                              MESSAGE)
        assert reply.status == 200, reply.text
        cls.s.feature(MAIL)

    @classmethod
    def tearDownClass(cls):
        cls.s.close()

    next_user = itertools.count(1)

    def mail_to(self, n):
        """Signs user n up and returns the mail."""
        self.assertEqual(self.s.sign_up(n).status, 202)
        to = f"u{n}@example.com"

        def arrived():
            mails = self.s.api("GET", "/api/v1/inbox")["data"]
            return [m for m in mails if to in m["to"]]
        found = wait_for(f"a mail to {to}", arrived)
        return self.s.api("GET", f"/api/v1/inbox/{found[0]['id']}")

    def suppressed(self):
        rows = self.s.api("GET", "/api/v1/suppressions")["data"]
        return {row["address"]: row["reason"] for row in rows}

    def test_template_round_trip(self):
        got = self.s.api("GET", "/api/v1/messages/templates/hello")
        self.assertEqual(got["subject"], "Hi there")
        for body, status in (("no front matter {{", 422),
                             ("---\nsubject: x\n---\n{{ a", 422)):
            reply = self.s.request(
                "PUT", "/api/v1/messages/templates/broken", body)
            self.assertEqual(reply.status, status, reply.text)
        reply = self.s.request("PUT", "/api/v1/messages/templates/Big",
                               MESSAGE)
        self.assertEqual(reply.json["error"]["field"], "key")

    def test_one_click_unsubscribe(self):
        n = next(self.next_user)
        mail = self.mail_to(n)
        headers = mail["headers"]
        self.assertEqual(headers["List-Unsubscribe-Post"],
                         "List-Unsubscribe=One-Click")
        link = re.match(r"<http://skene\.example(/[^>]+)>",
                        headers["List-Unsubscribe"]).group(1)
        address = f"u{n}@example.com"

        form = self.s.request("GET", link, tcp=True)
        self.assertEqual(form.status, 200)
        self.assertIn(address, form.text)
        self.assertIn("<form method=\"post\">", form.text)
        self.assertNotIn(address, self.suppressed())

        for _ in range(2):  # a second click changes nothing
            done = self.s.request(
                "POST", link, "List-Unsubscribe=One-Click",
                {"content-type": "application/x-www-form-urlencoded",
                 "host": "skene.example"}, tcp=True)
            self.assertEqual(done.status, 200)
            self.assertEqual(self.suppressed()[address], "unsubscribed")

        self.s.post_events(self.s.secret, {
            "type": "BATCH", "records": [{
                "id": 90000 + n, "event_type": "auth.users.insert",
                "occurred_at": "2026-11-24T10:00:00Z", "entity_id": str(n),
                "metadata": {
                    "id": f"00000000-0000-4000-8000-{n:012d}",
                    "email": address,
                    "created_at": "2026-11-24T10:00:00Z"}}]})

        def skipped():
            rows = self.s.api("GET",
                              "/api/v1/actions?status=skipped")["data"]
            return [r for r in rows if r["address"] == address]
        self.assertEqual(wait_for("a skipped action", skipped)[0]["verdict"],
                         "suppressed")

    def test_forged_links_do_nothing(self):
        mail = self.mail_to(next(self.next_user))
        link = re.search(r"http://skene\.example(/[^>]+)",
                         mail["headers"]["List-Unsubscribe"]).group(1)
        before = self.suppressed()
        middle = len(link) - 12
        forged = link[:middle] + ("A" if link[middle] != "A" else "B") \
            + link[middle + 1:]
        for path in (forged, link[:-6], "/api/v1/unsubscribe/x"):
            for method in ("GET", "POST"):
                reply = self.s.request(method, path, tcp=True)
                self.assertEqual(reply.status, 404, path)
                self.assertIn("not valid", reply.text)
        self.assertEqual(self.suppressed(), before)

    def test_suppressions_by_hand(self):
        path = "/api/v1/suppressions"
        made = self.s.request("POST", path, {"address": "a@example.com"})
        self.assertEqual(made.status, 201)
        self.assertEqual(self.suppressed()["a@example.com"], "manual")
        gone = self.s.request("DELETE", f"{path}/a%40example.com")
        self.assertEqual(gone.status, 200)
        self.assertNotIn("a@example.com", self.suppressed())
        gone = self.s.request("DELETE", f"{path}/a%40example.com")
        self.assertEqual(gone.status, 404)
        for address in ("", "nobody", "@x", "a@b\r\nBcc: c@d", None):
            reply = self.s.request("POST", path, {"address": address})
            self.assertEqual(reply.status, 422, address)
            self.assertEqual(reply.json["error"]["field"], "address")

    def test_inbox_of_the_command_line(self):
        n = next(self.next_user)
        mail = self.mail_to(n)
        self.assertIn(f"u{n}@example.com", self.s.cli("inbox").stdout)
        text = self.s.cli("inbox", mail["id"]).stdout
        self.assertIn("subject: Hi", text)
        self.assertIn("Hello.", text)


if __name__ == "__main__":
    unittest.main()
