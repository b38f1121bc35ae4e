"""A web server on this machine that can be told what goes wrong.

with serve() as server:
    server.files["/a.bz2"] = b"..."
    server.faults["/a.bz2"] = [cut(100), busy(retry_after="1")]     # the next two answers
    server.url + "/a.bz2"
"""

import email.utils
import hashlib
import re
import socket
import sys
import threading
from collections import defaultdict
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

_DATE = email.utils.formatdate(1_700_000_000, usegmt=True)


def tag_of(content):
    """Return the ETag of a file."""
    return f'"{hashlib.sha256(content).hexdigest()}"'


def cut(n_bytes):
    """Announce the whole file, send so many bytes of it, and hang up."""
    return ("cut", n_bytes)


def stall(n_bytes):
    """Send so many bytes and then nothing more, without hanging up."""
    return ("stall", n_bytes)


def busy(status=503, retry_after=None):
    """Answer with a status that is none of success."""
    return ("status", status, retry_after)


def become(content):
    """From now on, and before this answer, the file has other bytes."""
    return ("become", content)


@dataclass
class Server:
    """What there is, what goes wrong next, and what was asked."""

    url: str = ""
    files: dict = field(default_factory=dict)
    faults: dict = field(default_factory=lambda: defaultdict(list))
    asked: list = field(default_factory=list)
    ranges: bool = True
    ignores_if_range: bool = False
    validator: str = "etag"  # or "date", or "none"
    tells_size: bool = True
    released: threading.Event = field(default_factory=threading.Event)

    def asked_for(self, path):
        """Return the headers of the requests for a file, in order."""
        return [headers for method, asked, headers in self.asked if asked == path and method == "GET"]


def _handler(server):
    class Handler(BaseHTTPRequestHandler):
        def log_message(self, *args):
            pass

        def do_HEAD(self):
            self.do_GET()

        def do_GET(self):
            server.asked.append((self.command, self.path, dict(self.headers)))
            fault = server.faults[self.path].pop(0) if server.faults[self.path] else (None,)
            if fault[0] == "become":
                server.files[self.path] = fault[1]
            if fault[0] == "status":
                self.refuse(fault[1], fault[2])
            elif self.path not in server.files:
                self.refuse(404)
            else:
                self.answer(server.files[self.path], fault)

        def refuse(self, status, retry_after=None):
            self.send_response(status)
            self.send_header("Content-Length", "0")
            if retry_after is not None:
                self.send_header("Retry-After", retry_after)
            self.end_headers()

        def answer(self, content, fault):
            tag = tag_of(content)
            current = {"etag": tag, "date": _DATE, "none": None}[server.validator]
            asked = re.fullmatch(r"bytes=(\d+)-", self.headers.get("Range", ""))
            same = server.ignores_if_range or self.headers.get("If-Range", current) == current
            first = int(asked[1]) if asked and server.ranges and same else 0
            if first and first >= len(content):
                self.refuse(416)
                return
            self.send_response(206 if first else 200)
            if first:
                self.send_header("Content-Range", f"bytes {first}-{len(content) - 1}/{len(content)}")
            if server.tells_size:
                self.send_header("Content-Length", str(len(content) - first))
            if server.validator == "etag":
                self.send_header("ETag", tag)
            if server.validator == "date":
                self.send_header("Last-Modified", _DATE)
            self.end_headers()
            if self.command == "HEAD":
                return
            rest = content[first:]
            self.wfile.write(rest[: fault[1]] if fault[0] in {"cut", "stall"} else rest)
            if fault[0] == "cut":
                self.connection.shutdown(socket.SHUT_RDWR)
            elif fault[0] == "stall":
                self.wfile.flush()
                server.released.wait(30)

    return Handler


class _Quiet(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, request, client_address):
        if not isinstance(sys.exception(), ConnectionError):  # the client left a stalled answer, as it should
            super().handle_error(request, client_address)


@contextmanager
def serve():
    """Run a server while the block runs."""
    server = Server()
    with _Quiet(("127.0.0.1", 0), _handler(server)) as running:
        server.url = f"http://127.0.0.1:{running.server_port}"
        thread = threading.Thread(target=running.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
        thread.start()
        try:
            yield server
        finally:
            server.released.set()
            running.shutdown()
            thread.join()
