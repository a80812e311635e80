# SPDX-License-Identifier: Apache-2.0
"""A Kafka Connect worker as it answers on good days and on bad ones: the first part of the path
says which. Prints its port; ends with its standard input. /seen tells how often each was asked."""
import json, sys, threading, time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

def connector(kind, states, config):
    return {"status": {"connector": {"state": "RUNNING", "worker_id": "w:8083"}, "type": kind,
                       "tasks": [{"id": i, "state": s, "worker_id": "w:8083",
                                  **({"trace": "E: broken, password=hunter2\n\tat x"} if s == "FAILED" else {})}
                                 for i, s in enumerate(states)]},
            "info": {"config": config, "tasks": [], "type": kind}}

GOOD = {"s3": connector("sink", ["RUNNING", "FAILED"], {"topics": "a", "aws.secret.access.key": "hunter2"}),
        "pg": connector("source", ["RUNNING"], {"database.password": "hunter2"})}
seen = {}

class Worker(BaseHTTPRequestHandler):
    def log_message(self, *_):
        pass

    def reply(self, status, body, headers=()):
        self.send_response(status)
        for name, value in headers:
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def do_GET(self):
        mode = self.path.split("/")[1]
        seen[mode] = seen.get(mode, 0) + 1
        good = json.dumps(GOOD).encode()
        try:
            if mode == "seen":
                self.reply(200, json.dumps(seen).encode())
            elif not self.path.endswith("/connectors?expand=status&expand=info"):
                self.reply(404, b"")
            elif mode == "good":
                self.reply(200, good)
            elif mode == "fewer":
                self.reply(200, json.dumps({"pg": GOOD["pg"]}).encode())
            elif mode == "locked":
                known = ("Basic dXNlcjpodW50ZXIy", "Bearer hunter2")
                ok = self.headers.get("Authorization") in known
                self.reply(200 if ok else 401, good if ok else b"")
            elif mode == "silent":
                time.sleep(30)
            elif mode == "drip":
                self.send_response(200)
                self.end_headers()
                for byte in good:
                    self.wfile.write(bytes([byte]))
                    self.wfile.flush()
                    time.sleep(0.2)
            elif mode == "huge":
                self.send_response(200)
                self.end_headers()
                self.wfile.write(b'{"a":"')
                for _ in range(64):
                    self.wfile.write(b"x" * (1 << 20))
            elif mode == "cut":
                self.send_response(200)
                self.send_header("Content-Length", str(len(good) + 100))
                self.end_headers()
                self.wfile.write(good)
            elif mode == "half":  # no length is told: only the JSON says that it is cut
                self.send_response(200)
                self.end_headers()
                self.wfile.write(good[: len(good) // 2])
            elif mode == "garbage":
                self.wfile.write(bytes(range(256)) * 16)
            elif mode == "page":
                self.reply(200, b"<html>sign in</html>")
            elif mode == "moved":
                self.reply(302, b"", [("Location", "/good/connectors?expand=status&expand=info")])
            elif mode.isdigit():
                self.reply(int(mode), json.dumps({"message": "worker says no"}).encode())
            else:
                self.reply(404, b"")
        except OSError:
            pass
        self.close_connection = True

server = ThreadingHTTPServer(("127.0.0.1", 0), Worker)
server.daemon_threads = True
threading.Thread(target=server.serve_forever, daemon=True).start()
print(server.server_port, flush=True)
sys.stdin.read()
