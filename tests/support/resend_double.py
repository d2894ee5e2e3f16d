#!/usr/bin/env python3
"""A double of Resend's API: POST /emails, with its rules and its errors.

    with ResendDouble() as resend:        # any key but "re_bad"
        ... RESEND_API_KEY=re_test, base URL resend.url ...
        resend.wait_mails(1)[0]["to"]
        resend.fail_next(429, "rate_limit_exceeded", retry_after=1)

It remembers idempotency keys as the service does: the same key with the same
body gets the same answer and makes no second mail, with another body it is
refused. `mails` holds what a person would have got, so doubled mails show.
"""
import hashlib
import json
import sys
import threading
import uuid

from http_sink import HttpSink

STATUS = {
    "validation_error": 400, "invalid_idempotency_key": 400,
    "missing_api_key": 401, "restricted_api_key": 401,
    "invalid_api_key": 403, "not_found": 404, "method_not_allowed": 405,
    "invalid_idempotent_request": 409, "concurrent_idempotent_requests": 409,
    "missing_required_field": 422, "invalid_parameter": 422,
    "invalid_from_address": 422, "rate_limit_exceeded": 429,
    "daily_quota_exceeded": 429, "monthly_quota_exceeded": 429,
    "security_error": 451, "application_error": 500,
    "internal_server_error": 500,
}
FIELDS = {"from", "to", "subject", "html", "text", "cc", "bcc", "reply_to",
          "headers", "scheduled_at", "attachments", "tags", "template",
          "topic_id"}
TAG = set("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-")


def error(name, message="", status=None, retry_after=None):
    """An error answer in the service's form."""
    status = status or STATUS[name]
    headers = {"content-type": "application/json"}
    if retry_after is not None:
        headers["retry-after"] = str(retry_after)
    return (status, headers, {"statusCode": status, "name": name,
                              "message": message or name})


class ResendDouble(HttpSink):
    def __init__(self, port=0):
        super().__init__(default=self._emails, port=port)
        self.mails = []
        self._keys = {}
        self._lock = threading.Lock()

    def fail_next(self, status, name, retry_after=None, times=1):
        """The next requests fail before anything is sent."""
        self.answer(*[error(name, status=status, retry_after=retry_after)]
                    * times)

    def wait_mails(self, n, seconds=10.0):
        with self._changed:
            if not self._changed.wait_for(lambda: len(self.mails) >= n,
                                          seconds):
                raise AssertionError(
                    f"{len(self.mails)} mails in {seconds} s, not {n}")
            return list(self.mails)

    def _emails(self, request):
        token = request.headers.get("authorization", "")
        if not token.startswith("Bearer ") or len(token) < 8:
            return error("missing_api_key", "no API key in the request")
        if token == "Bearer re_bad":
            return error("invalid_api_key", "API key is invalid")
        if not request.headers.get("user-agent"):
            return error("validation_error", "no User-Agent", status=403)
        if request.path != "/emails":
            return error("not_found", request.path)
        if request.method != "POST":
            return error("method_not_allowed", request.method)
        key = request.headers.get("idempotency-key")
        if key is not None and not 1 <= len(key) <= 256:
            return error("invalid_idempotency_key", "1 to 256 characters")
        digest = hashlib.sha256(request.body).hexdigest()
        with self._lock:
            if key in self._keys:
                seen, answer = self._keys[key]
                if seen != digest:
                    return error("invalid_idempotent_request",
                                 "key was used with another body")
                return answer
            answer = self._send(request, key)
            if key is not None and answer[0] == 200:
                self._keys[key] = (digest, answer)
        return answer

    def _send(self, request, key):
        try:
            mail = request.json
        except ValueError:
            return error("validation_error", "body is not JSON")
        problem = _problem(mail)
        if problem:
            return problem
        mail = {**mail, "id": str(uuid.uuid4()), "idempotency_key": key}
        with self._changed:
            self.mails.append(mail)
            self._changed.notify_all()
        return (200, {"content-type": "application/json"},
                {"id": mail["id"]})


def _problem(mail):
    """The error answer of a malformed mail, or None."""
    for field in ("from", "to", "subject"):
        if not mail.get(field):
            return error("missing_required_field", f"missing `{field}`")
    unknown = set(mail) - FIELDS
    if unknown:
        return error("invalid_parameter", f"unknown {sorted(unknown)}")
    if "@" not in mail["from"]:
        return error("invalid_from_address", mail["from"])
    to = [mail["to"]] if isinstance(mail["to"], str) else mail["to"]
    if not 1 <= len(to) <= 50 or not all("@" in a for a in to):
        return error("validation_error", "`to`")
    if not (mail.get("html") or mail.get("text") or mail.get("template")):
        return error("missing_required_field", "missing `html` or `text`")
    for tag in mail.get("tags", []):
        for part in (tag["name"], tag["value"]):
            if not 1 <= len(part) <= 256 or set(part) - TAG:
                return error("validation_error", f"tag {part!r}")
    if any("\n" in v or "\r" in v for v in mail.get("headers", {}).values()):
        return error("validation_error", "line break in a header")
    return None


def main():
    port = int(sys.argv[1]) if len(sys.argv) > 1 else 0
    with ResendDouble(port) as double:
        print(double.url, flush=True)
        seen = 0
        while True:
            for mail in double.wait_mails(seen + 1, 1e9)[seen:]:
                seen += 1
                print(json.dumps(mail), flush=True)


if __name__ == "__main__":
    try:
        main()
    except KeyboardInterrupt:
        pass
