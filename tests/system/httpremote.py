"""Stock `git http-backend` behind a small HTTP server: smart HTTP in all its framings."""
import base64
import subprocess
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import unquote

from gitremote import Repository, environment


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *_):
        pass

    def do_GET(self):
        self.answer(b"")

    def do_POST(self):
        self.answer(self.rfile.read(int(self.headers["Content-Length"])))

    def answer(self, body):
        remote = self.server.remote
        remote.requests.append((self.command, self.path, dict(self.headers), body))
        if remote.password and self.headers.get("Authorization") != "Basic " + base64.b64encode(
                remote.password.encode()).decode():
            return self.plain(401, [("WWW-Authenticate", "Basic realm=x")])
        for start, target in remote.moved.items():
            if self.path.startswith(start):
                return self.plain(302, [("Location", target + self.path[len(start):])])
        if remote.dumb:
            return self.plain(200, [("Content-Type", "text/plain")], b"0123 refs/heads/main\n")
        self.backend(remote, body)

    def plain(self, status, fields, body=b""):
        self.send_response(status)
        for name, value in [*fields, ("Content-Length", str(len(body)))]:
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    def backend(self, remote, body):
        path, _, query = self.path.partition("?")
        variables = {
            **environment(remote.base), "GIT_PROJECT_ROOT": str(remote.base),
            "GIT_HTTP_EXPORT_ALL": "1", "PATH_INFO": unquote(path), "QUERY_STRING": query,
            "REQUEST_METHOD": self.command, "REMOTE_ADDR": "127.0.0.1",
            "CONTENT_TYPE": self.headers.get("Content-Type", ""),
            "CONTENT_LENGTH": str(len(body)), "SERVER_PROTOCOL": "HTTP/1.1"}
        if remote.protocol and "Git-Protocol" in self.headers:
            variables["GIT_PROTOCOL"] = remote.protocol
        done = subprocess.run(["git", "http-backend"], input=body, env=variables,
                              capture_output=True, timeout=60)
        head, _, content = done.stdout.partition(b"\r\n\r\n")
        fields = [line.split(": ", 1) for line in head.decode().split("\r\n")]
        status = int(dict(fields).get("Status", "200").split()[0])
        self.send_response(status)
        for name, value in fields:
            if name not in ("Status", "Content-Length"):
                self.send_header(name, value)
        self.body(remote.framing, content)

    def body(self, framing, content):
        if framing == "chunked":
            self.send_header("Transfer-Encoding", "chunked")
            self.end_headers()
            for i in range(0, len(content), 7777):
                piece = content[i:i + 7777]
                self.wfile.write(b"%x\r\n%s\r\n" % (len(piece), piece))
            self.wfile.write(b"0\r\n\r\n")
            return
        if framing == "close":
            self.send_header("Connection", "close")
        else:
            self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)
        # "lost": the connection is closed although it was to be kept.
        self.close_connection = framing in ("close", "lost")


class HttpRemote:
    """protocol: what the backend is told of the client's Git-Protocol (None: it is dropped)."""

    def __init__(self, base, framing="length", protocol="version=2"):
        self.base = Path(base)
        self.framing = framing
        self.protocol = protocol
        self.moved = {}
        self.password = None
        self.dumb = False
        self.requests = []

    def __enter__(self):
        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        self.server.remote = self
        self.port = self.server.server_address[1]
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        return self

    def __exit__(self, *_):
        self.server.shutdown()
        self.server.server_close()

    def url(self, name, person=""):
        return f"http://{person}127.0.0.1:{self.port}/{name}"

    def create(self, name, files=None, **options):
        repository = Repository(self.base, name, self.url(name), **options).create()
        if files is not None:
            repository.publish(files, message="First")
        return repository
