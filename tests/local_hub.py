"""A hub of datasets on this machine: as much of Hugging Face's as its library asks for.

with serve_hub({"me/mine": {"README.md": b"...", "data/train.parquet": b"..."}}) as url:
    subprocess.run(..., env={"HF_ENDPOINT": url})
"""

import hashlib
import json
import re
import threading
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, unquote, urlsplit

COMMIT, TAG = "a" * 40, "v1"
_NAME = r"([\w.-]+/[\w.-]+)"
_KNOWN = (None, "main", TAG, COMMIT)


def _handler(datasets, gated):
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def log_message(self, *args):
            pass

        def send(self, status, body=b"", **headers):
            self.send_response(status)
            for name, value in headers.items():
                self.send_header(name.replace("_", "-"), value)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            if self.command != "HEAD":
                self.wfile.write(body)

        def send_json(self, content):
            self.send(200, json.dumps(content).encode(), Content_Type="application/json")

        def do_HEAD(self):
            self.do_GET()

        def do_POST(self):
            self.do_GET(self.rfile.read(int(self.headers.get("Content-Length", 0))))

        def do_GET(self, body=b""):
            parts = urlsplit(self.path)
            for pattern, answer in (
                (rf"/api/datasets/{_NAME}(?:/revision/([^/]+))?", self.info),
                (rf"/api/datasets/{_NAME}/tree/([^/]+)/?(.*)", self.tree),
                (rf"/api/datasets/{_NAME}/paths-info/([^/]+)", lambda *asked: self.paths_info(*asked, body)),
                (rf"/datasets/{_NAME}/resolve/([^/]+)/(.*)", self.file),
            ):
                if found := re.fullmatch(pattern, unquote(parts.path)):
                    name, revision = found[1], found[2]
                    if name not in datasets:
                        self.send(401, X_Error_Code="RepoNotFound")
                    elif revision not in _KNOWN:
                        self.send(404, X_Error_Code="RevisionNotFound")
                    else:
                        answer(*found.groups())
                    return
            self.send(404, b"{}")

        def info(self, name, revision):
            card = {"license": ["cc-by-sa-3.0", "gfdl"]} if "README.md" in datasets[name] else None
            self.send_json({"id": name, "sha": COMMIT, "lastModified": "2026-01-02T03:04:05.000Z", "cardData": card,
                            "tags": [], "siblings": []})  # fmt: skip

        def tree(self, name, revision, folder):
            start = f"{folder.rstrip('/')}/" if folder else ""
            files = {file: content for file, content in datasets[name].items() if file.startswith(start)}
            here = [_file(file, content) for file, content in files.items() if "/" not in file.removeprefix(start)]
            below = {start + file.removeprefix(start).split("/")[0] for file in files} - set(files)
            if not files:
                self.send(404, X_Error_Code="EntryNotFound")
            else:
                self.send_json(here + [_folder(each) for each in sorted(below)])

        def paths_info(self, name, revision, body):
            asked = json.loads(body)["paths"] if body.startswith(b"{") else parse_qs(body.decode()).get("paths", [])
            files = datasets[name]
            self.send_json([_file(each, files[each]) for each in asked if each in files])

        def file(self, name, revision, path):
            commit = {"X_Repo_Commit": COMMIT}
            if name in gated:
                self.send(401, X_Error_Code="GatedRepo", **commit)
            elif path not in datasets[name]:
                self.send(404, X_Error_Code="EntryNotFound", **commit)
            else:
                content = datasets[name][path]
                tag = f'"{hashlib.sha256(content).hexdigest()}"'
                asked = re.fullmatch(r"bytes=(\d+)-(\d*)", self.headers.get("Range", ""))
                first, last = (int(asked[1]), int(asked[2] or len(content))) if asked else (0, len(content))
                piece = content[first : last + 1]
                where = {"Content_Range": f"bytes {first}-{first + len(piece) - 1}/{len(content)}"} if asked else {}
                self.send(206 if asked else 200, piece, ETag=tag, **where, **commit)

    return Handler


def _file(path, content):
    return {"type": "file", "oid": hashlib.sha256(content).hexdigest(), "size": len(content), "path": path}


def _folder(path):
    return {"type": "directory", "oid": "0" * 40, "size": 0, "path": path}


@contextmanager
def serve_hub(datasets, gated=()):
    """Run a hub while the block runs; give its address."""
    with ThreadingHTTPServer(("127.0.0.1", 0), _handler(datasets, gated)) as running:
        running.daemon_threads = True
        thread = threading.Thread(target=running.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
        thread.start()
        try:
            yield f"http://127.0.0.1:{running.server_port}"
        finally:
            running.shutdown()
            thread.join()
