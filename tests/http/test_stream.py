"""GET /api/v1/stream: the live log over server-sent events."""
import itertools
import json
import subprocess
import threading
import unittest

from app import App, TRACK, wait_for
from skene import binary


class Stream(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.s = App().start()
        cls.s.feature(TRACK)

    @classmethod
    def tearDownClass(cls):
        cls.s.close()

    next_user = itertools.count(1)

    def decide(self):
        """One sign-up; returns its decision from the log."""
        known = {d["id"] for d in self.decisions()}
        self.assertEqual(self.s.sign_up(next(self.next_user)).status, 202)

        def new():
            return [d for d in self.decisions() if d["id"] not in known]
        return wait_for("its decision", new)[0]

    def decisions(self):
        return self.s.api("GET", "/api/v1/decisions?limit=500")["data"]

    @staticmethod
    def only_decisions(stream):
        return (e for e in stream if e["event"] == "decision")

    def test_tail(self):
        stream = self.s.stream()
        got = []

        def read():
            got.append(next(self.only_decisions(stream)))
        reader = threading.Thread(target=read)
        reader.start()
        while reader.is_alive():  # the reader may not have begun yet
            made = self.decide()
            reader.join(0.5)
        self.assertTrue(made["id"])
        event = got[0]
        data = json.loads(event["data"])
        self.assertEqual(event["id"], data["id"])
        stored = {d["id"]: d for d in self.decisions()}[data["id"]]
        self.assertEqual(data, stored)

    def test_last_event_id_fills_in_what_was_missed(self):
        first = self.decide()
        missed = [self.decide()["id"] for _ in range(3)]
        for headers, path in (
                ({"Last-Event-ID": first["id"]}, "/api/v1/stream"),
                ({}, f"/api/v1/stream?after={first['id']}")):
            stream = self.only_decisions(self.s.stream(path, headers))
            seen = [next(stream) for _ in missed]
            self.assertEqual([e["id"] for e in seen], missed)
            stream.close()

    def test_over_tcp_with_the_token(self):
        first = self.decide()
        second = self.decide()
        stream = self.only_decisions(self.s.stream(
            headers={"Authorization": f"Bearer {self.s.token}",
                     "Last-Event-ID": first["id"]}, tcp=True))
        self.assertEqual(next(stream)["id"], second["id"])
        stream.close()

    def test_bad_last_event_id(self):
        reply = self.s.request("GET", "/api/v1/stream",
                               headers={"Last-Event-ID": "1"})
        self.assertEqual(reply.status, 422)
        self.assertEqual(reply.json["error"]["field"], "Last-Event-ID")

    def test_logs_follow(self):
        first = self.decide()
        process = subprocess.Popen(
            [binary(), "--socket", str(self.s.socket), "logs", "-f",
             "--json", "--feature", "signed-up"],
            stdout=subprocess.PIPE, text=True, env=self.s.env)
        try:
            seen = []
            while first["id"] not in seen:
                seen.append(json.loads(process.stdout.readline())["id"])
            later = self.decide()
            while later["id"] not in seen:
                seen.append(json.loads(process.stdout.readline())["id"])
            self.assertEqual(len(set(seen)), len(seen))
        finally:
            process.terminate()
            process.wait(10)
            process.stdout.close()

    def test_open_streams_do_not_hold_up_a_stop(self):
        s = App()
        try:
            s.start()
            c = s.connection()
            c.request("GET", "/api/v1/stream")
            self.assertEqual(c.getresponse().status, 200)
            self.assertEqual(s.stop(), 0)
            c.close()
        finally:
            s.close()


if __name__ == "__main__":
    unittest.main()
