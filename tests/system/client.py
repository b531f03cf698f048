"""An HTTP/1.1 client that shows what was really sent: raw targets, raw bytes, no help."""
import socket


class Response:
    def __init__(self, status, reason, fields, body, head):
        self.status = status
        self.reason = reason
        self.fields = fields  # [(name, value)] as they came
        self.body = body
        self.head = head

    def field(self, name):
        """The value of a field, or None; several of one name are a fault where this is asked."""
        values = self.all(name)
        assert len(values) < 2, f"{name} is there {len(values)} times: {values}"
        return values[0] if values else None

    def all(self, name):
        return [value for key, value in self.fields if key.lower() == name.lower()]

    @property
    def text(self):
        return self.body.decode()

    def __repr__(self):
        return f"<{self.status} {self.fields} {self.body[:300]!r}>"


class Closed(Exception):
    """The server ended the connection before a whole response was there."""


class Connection:
    def __init__(self, port, host="127.0.0.1", timeout=30, context=None, name="localhost"):
        """context: of ssl, for HTTPS; the server has to be `name` then."""
        self.host = f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
        self.socket = socket.create_connection((host, port), timeout=timeout)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if context:
            self.host = f"{name}:{port}"
            self.socket = context.wrap_socket(self.socket, server_hostname=name)
        self.pending = b""

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def close(self):
        self.socket.close()

    def send(self, data):
        self.socket.sendall(data)

    def receive(self):
        """More bytes into pending; False at the end of the stream."""
        try:
            data = self.socket.recv(1 << 16)
        except ConnectionResetError:
            data = b""
        self.pending += data
        return bool(data)

    def encode(self, method, target, fields=None, body=b""):
        lines = [f"{method} {target} HTTP/1.1".encode(errors="surrogateescape")]
        given = dict(fields or {})
        lower = {name.lower() for name in given}
        if "host" not in lower:
            given["Host"] = self.host
        if (body or method in ("POST", "PUT")) and "content-length" not in lower:
            given["Content-Length"] = str(len(body))
        lines += [f"{name}: {value}".encode() for name, value in given.items()]
        return b"\r\n".join(lines) + b"\r\n\r\n" + body

    def response(self, method="GET"):
        while b"\r\n\r\n" not in self.pending:
            if not self.receive():
                raise Closed(self.pending)
        head, self.pending = self.pending.split(b"\r\n\r\n", 1)
        lines = head.decode("latin-1").split("\r\n")
        version, status, reason = (lines[0] + " ").split(" ", 2)
        assert version == "HTTP/1.1", lines[0]
        fields = []
        for line in lines[1:]:
            name, separator, value = line.partition(":")
            assert separator and name.strip() == name, line
            fields.append((name, value.strip()))
        answer = Response(int(status), reason.strip(), fields, b"", head + b"\r\n\r\n")
        if method != "HEAD" and answer.status not in (204, 304) and answer.status >= 200:
            answer.body = self._body(answer)
        return answer

    def _body(self, answer):
        assert answer.field("Transfer-Encoding") is None, "a length was expected"
        length = answer.field("Content-Length")
        if length is None:
            while self.receive():
                pass
            body, self.pending = self.pending, b""
            return body
        length = int(length)
        while len(self.pending) < length:
            if not self.receive():
                raise Closed(self.pending)
        body, self.pending = self.pending[:length], self.pending[length:]
        return body

    def request(self, method, target, fields=None, body=b""):
        self.send(self.encode(method, target, fields, body))
        return self.response(method)

    def ended(self):
        """Waits for the server's end of the stream; True if nothing more came before it."""
        while self.receive():
            pass
        return self.pending == b""


def request(port, method, target, fields=None, body=b"", **options):
    """One request on a connection of its own, which the server is asked to close."""
    with Connection(port, **options) as connection:
        return connection.request(method, target, {"Connection": "close", **(fields or {})}, body)
