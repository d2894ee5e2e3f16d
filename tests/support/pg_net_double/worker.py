"""What pg_net's background worker does, as its documentation tells: once a
second it takes at most 200 requests off the queue and commits, then sends them
at the same time. A request is sent at most once: what fails is written down
and forgotten.

    with Worker(pg) as net:
        …
        net.sent()        # how many requests it has taken
"""
import concurrent.futures
import json
import pathlib
import threading
import urllib.error
import urllib.request

SQL = pathlib.Path(__file__).with_name("pg_net.sql")
BATCH = 200
TAKE = f"""
with taken as (
    delete from net.http_request_queue q
    where q.id in (select id from net.http_request_queue
                   order by id limit {BATCH})
    returning *)
select json_build_object('id', id, 'method', method, 'url', url,
    'headers', headers, 'body', convert_from(body, 'UTF8'),
    'timeout', timeout_milliseconds)
from taken order by id"""


class Worker:
    def __init__(self, pg, seconds=1.0):
        self.pg = pg
        self.seconds = seconds
        self.requests = []
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)

    @staticmethod
    def install(pg):
        pg.psql(SQL.read_text())

    def start(self):
        self._thread.start()
        return self

    def stop(self):
        self._stop.set()
        self._thread.join()

    __enter__ = start

    def __exit__(self, *exc):
        self.stop()

    def sent(self):
        return len(self.requests)

    def _run(self):
        with concurrent.futures.ThreadPoolExecutor(16) as pool:
            while not self._stop.wait(self.seconds):
                try:
                    lines = self.pg.psql(TAKE).splitlines()
                except RuntimeError:
                    continue  # the database is away
                batch = [json.loads(line) for line in lines]
                self.requests += batch
                for answer in pool.map(_send, batch):
                    self._keep(*answer)

    def _keep(self, request_id, status, error):
        text = "null" if error is None else "'" + error.replace("'", "") + "'"
        try:
            self.pg.psql("insert into net._http_response (id, status_code,"
                         f" error_msg) values ({request_id},"
                         f" {'null' if status is None else status}, {text})")
        except RuntimeError:
            pass  # the table is unlogged: nobody counts on it


def _send(request):
    made = urllib.request.Request(
        request["url"], request["body"].encode(), request["headers"],
        method=request["method"])
    try:
        with urllib.request.urlopen(made,
                                    timeout=request["timeout"] / 1000) as r:
            return request["id"], r.status, None
    except urllib.error.HTTPError as e:
        return request["id"], e.code, None
    except OSError as e:
        return request["id"], None, str(e)
