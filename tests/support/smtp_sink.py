#!/usr/bin/env python3
"""An SMTP server for tests: takes mail, or refuses it as it is told.

    with SmtpSink() as smtp:              # smtp.url = smtp://127.0.0.1:PORT
        smtp.wait(1)[0].subject
        smtp.refuse("RCPT", "450 4.2.0 busy")     # the next RCPT only

Each Mail holds the envelope (sender, recipient), the raw bytes and the parsed
message. No TLS and no authentication are offered unless `auth` is set to
(user, password).
"""
import base64
import email
import email.policy
import json
import socketserver
import sys
import threading


class Mail:
    def __init__(self, sender, recipients, raw):
        self.sender, self.recipients, self.raw = sender, recipients, raw
        self.message = email.message_from_bytes(raw,
                                                policy=email.policy.default)

    @property
    def subject(self):
        return self.message["subject"]

    def part(self, kind):
        """Text of the "plain" or "html" part."""
        return self.message.get_body((kind,)).get_content()


class SmtpSink:
    def __init__(self, port=0, auth=None):
        self.auth = auth
        self.mails = []
        self._refusals = []
        self._changed = threading.Condition()
        self._server = socketserver.ThreadingTCPServer(
            ("127.0.0.1", port), self._handler(), bind_and_activate=False)
        self._server.allow_reuse_address = True
        self._server.daemon_threads = True
        self._server.server_bind()
        self._server.server_activate()
        self._thread = threading.Thread(target=self._server.serve_forever,
                                        args=(0.05,), daemon=True)

    @property
    def port(self):
        return self._server.server_address[1]

    @property
    def url(self):
        who = f"{self.auth[0]}:{self.auth[1]}@" if self.auth else ""
        return f"smtp://{who}127.0.0.1:{self.port}"

    def start(self):
        self._thread.start()
        return self

    def stop(self):
        self._server.shutdown()
        self._server.server_close()
        self._thread.join(5)

    __enter__ = start

    def __exit__(self, *exc):
        self.stop()

    def refuse(self, verb, reply):
        """The next `verb` (MAIL, RCPT, DATA, END: after the text, AUTH) gets
        this reply."""
        with self._changed:
            self._refusals.append((verb, reply))

    def wait(self, n, seconds=10.0):
        with self._changed:
            if not self._changed.wait_for(lambda: len(self.mails) >= n,
                                          seconds):
                raise AssertionError(
                    f"{len(self.mails)} mails in {seconds} s, not {n}")
            return list(self.mails)

    def _refusal(self, verb):
        with self._changed:
            for i, (which, reply) in enumerate(self._refusals):
                if which == verb:
                    del self._refusals[i]
                    return reply
        return None

    def _take(self, mail):
        with self._changed:
            self.mails.append(mail)
            self._changed.notify_all()

    def _handler(self):
        sink = self

        class Handler(socketserver.StreamRequestHandler):
            def say(self, line):
                self.wfile.write(line.encode() + b"\r\n")

            def handle(self):
                self.sender, self.recipients = None, []
                self.known = sink.auth is None
                self.say("220 sink ESMTP")
                while True:
                    line = self.rfile.readline(4096)
                    if not line:
                        return
                    text = line.decode(errors="replace").rstrip("\r\n")
                    verb = text.split(" ")[0].upper()
                    if verb == "QUIT":
                        self.say("221 bye")
                        return
                    refusal = sink._refusal(verb)
                    if refusal:
                        self.say(refusal)
                    else:
                        getattr(self, "do_" + verb, self.unknown)(text)

            def unknown(self, text):
                self.say(f"502 not known: {text[:20]}")

            def do_EHLO(self, _text):
                self.say("250-sink")
                if sink.auth:
                    self.say("250-AUTH PLAIN")
                self.say("250 8BITMIME")

            def do_HELO(self, _text):
                self.say("250 sink")

            def do_AUTH(self, text):
                given = text.split(" ")[2:]
                if not given:
                    self.say("334 ")
                    given = [self.rfile.readline(4096).decode().strip()]
                parts = base64.b64decode(given[0]).decode().split("\0")
                self.known = tuple(parts[-2:]) == tuple(sink.auth or ())
                self.say("235 welcome" if self.known
                         else "535 5.7.8 wrong user or password")

            def do_MAIL(self, text):
                if not self.known:
                    self.say("530 5.7.0 authenticate first")
                    return
                self.sender, self.recipients = _address(text), []
                self.say("250 ok")

            def do_RCPT(self, text):
                self.recipients.append(_address(text))
                self.say("250 ok")

            def do_DATA(self, _text):
                if not self.recipients:
                    self.say("503 no recipient")
                    return
                self.say("354 go on")
                lines = []
                while True:
                    line = self.rfile.readline(65536)
                    if not line:
                        return
                    if line == b".\r\n":
                        break
                    lines.append(line[1:] if line.startswith(b".") else line)
                refusal = sink._refusal("END")
                if not refusal:
                    sink._take(Mail(self.sender, self.recipients,
                                    b"".join(lines)))
                self.say(refusal or "250 2.0.0 taken")

            def do_RSET(self, _text):
                self.sender, self.recipients = None, []
                self.say("250 ok")

            def do_NOOP(self, _text):
                self.say("250 ok")

        return Handler


def _address(text):
    """MAIL FROM:<a@b> -> a@b"""
    return text[text.index("<") + 1:text.index(">")]


def main():
    port = int(sys.argv[1]) if len(sys.argv) > 1 else 0
    with SmtpSink(port) as sink:
        print(sink.url, flush=True)
        seen = 0
        while True:
            for m in sink.wait(seen + 1, 1e9)[seen:]:
                seen += 1
                print(json.dumps({"from": m.sender, "to": m.recipients,
                                  "subject": str(m.subject),
                                  "raw": m.raw.decode(errors="replace")}),
                      flush=True)


if __name__ == "__main__":
    try:
        main()
    except KeyboardInterrupt:
        pass
