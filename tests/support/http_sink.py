#!/usr/bin/env python3
"""An HTTP receiver for tests: takes webhooks and analytics events.

    with HttpSink() as sink:              # answers 204
        sink.url                          # http://127.0.0.1:PORT
        sink.answer(500, 500, 204)        # the next answers, then 204 again
        sink.wait(1)[0].json              # the first request

An answer is a status, or (status, headers, body), or a function of the request
that returns one. `hang` answers only when the sink stops. As a program it
prints its URL, then one JSON line a request.
"""
import base64
import hashlib
import hmac
import json
import sys
import threading
import time
import traceback
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


class Request:
    """One request as it arrived. Header names are lower case."""

    def __init__(self, method, path, headers, body):
        self.method, self.path, self.body = method, path, body
        self.headers = {k.lower(): v for k, v in headers.items()}
        self.at = time.time()

    @property
    def json(self):
        return json.loads(self.body)

    def signed_by(self, secret, tolerance_s=300):
        """Is there a valid Standard Webhooks v1 signature?"""
        return signature_fits(secret, self.headers, self.body, tolerance_s)


def signature_fits(secret, headers, body, tolerance_s=300, now=None):
    """Checks webhook-id, -timestamp and -signature of a request."""
    key = base64.b64decode(secret.removeprefix("whsec_"))
    stamp = headers.get("webhook-timestamp", "")
    if not stamp.isdigit():
        return False
    if abs((now or time.time()) - int(stamp)) > tolerance_s:
        return False
    text = f"{headers.get('webhook-id', '')}.{stamp}.".encode() + body
    want = base64.b64encode(hmac.new(key, text, hashlib.sha256).digest())
    given = [s.removeprefix("v1,").encode()
             for s in headers.get("webhook-signature", "").split()
             if s.startswith("v1,")]
    return any(hmac.compare_digest(want, s) for s in given)


def hang(_request):
    """An answer that does not come."""
    return hang


def _say_error(_request, _address):
    """A client that was killed is no error of ours."""
    if not isinstance(sys.exc_info()[1], ConnectionError):
        traceback.print_exc()


class HttpSink:
    """Server on a loopback port of its own, in threads."""

    def __init__(self, default=204, port=0):
        self.default = default
        self.requests = []
        self._answers = []
        self._changed = threading.Condition()
        self._stopped = threading.Event()
        self._http = ThreadingHTTPServer(("127.0.0.1", port), self._handler())
        self._http.daemon_threads = True
        self._http.handle_error = _say_error
        self._thread = threading.Thread(target=self._http.serve_forever,
                                        args=(0.05,), daemon=True)

    @property
    def url(self):
        return f"http://127.0.0.1:{self._http.server_port}"

    def start(self):
        self._thread.start()
        return self

    def stop(self):
        self._stopped.set()
        self._http.shutdown()
        self._http.server_close()
        self._thread.join(5)

    __enter__ = start

    def __exit__(self, *exc):
        self.stop()

    def answer(self, *answers):
        """What the next requests get, one each; afterwards the default."""
        with self._changed:
            self._answers.extend(answers)

    def wait(self, n, seconds=10.0):
        """Returns the requests once there are n; fails after `seconds`."""
        with self._changed:
            if not self._changed.wait_for(lambda: len(self.requests) >= n,
                                          seconds):
                raise AssertionError(
                    f"{len(self.requests)} requests in {seconds} s, not {n}")
            return list(self.requests)

    # To be changed by doubles of a certain provider.
    def reply(self, request):
        """The answer of one request: status, headers, body."""
        with self._changed:
            answer = self._answers.pop(0) if self._answers else self.default
        if callable(answer):
            answer = answer(request)
        if answer is hang:
            self._stopped.wait()
            return None
        return (answer, {}, b"") if isinstance(answer, int) else answer

    def _handler(self):
        sink = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def serve(self):
                n = int(self.headers.get("content-length") or 0)
                request = Request(self.command, self.path, self.headers,
                                  self.rfile.read(n))
                with sink._changed:
                    sink.requests.append(request)
                    sink._changed.notify_all()
                answer = sink.reply(request)
                if answer is None:
                    self.close_connection = True
                    return
                status, headers, body = answer
                if not isinstance(body, bytes):
                    body = json.dumps(body).encode()
                self.send_response(status)
                for name, value in headers.items():
                    self.send_header(name, value)
                if status >= 200 and status != 204:
                    self.send_header("content-length", str(len(body)))
                self.end_headers()
                if status != 204:
                    self.wfile.write(body)

            do_GET = do_POST = do_PUT = do_DELETE = serve

            def log_message(self, *args):
                pass

        return Handler


def main():
    port = int(sys.argv[1]) if len(sys.argv) > 1 else 0
    with HttpSink(port=port) as sink:
        print(sink.url, flush=True)
        seen = 0
        while True:
            for r in sink.wait(seen + 1, 1e9)[seen:]:
                seen += 1
                print(json.dumps({"method": r.method, "path": r.path,
                                  "headers": r.headers,
                                  "body": r.body.decode(errors="replace")}),
                      flush=True)


if __name__ == "__main__":
    try:
        main()
    except KeyboardInterrupt:
        pass
