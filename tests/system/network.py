"""Bad networks and bad remotes, as threads of the test."""
import socket
import threading
import time

from support import free_port


class Server:
    """Accepts on loopback and gives each connection to handle(), in a thread of its own."""

    def __init__(self):
        self.port = free_port()
        self.connections = 0
        self.open = set()
        self.lock = threading.Lock()
        self.listener = socket.create_server(("127.0.0.1", self.port), backlog=64)
        self.stopped = False
        threading.Thread(target=self._accept, daemon=True).start()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.stop()

    def stop(self):
        self.stopped = True
        try:
            self.listener.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass
        self.listener.close()
        with self.lock:
            for s in list(self.open):
                shut(s)

    def url(self, name):
        return f"git://127.0.0.1:{self.port}/{name}"

    def _accept(self):
        while not self.stopped:
            try:
                peer, _ = self.listener.accept()
            except OSError:
                return
            with self.lock:
                self.connections += 1
                self.open.add(peer)
            threading.Thread(target=self._serve, args=(peer,), daemon=True).start()

    def _serve(self, peer):
        try:
            self.handle(peer)
        except OSError:
            pass
        with self.lock:
            self.open.discard(peer)
        shut(peer)

    def handle(self, peer):
        raise NotImplementedError


def shut(s):
    try:
        s.shutdown(socket.SHUT_RDWR)
    except OSError:
        pass
    s.close()


class Proxy(Server):
    """Between a program and a remote. `cut`: after so many bytes of the remote the connection ends
    (None: never); `held`: nothing is passed on until release(); `pace`: bytes a second."""

    def __init__(self, remote_port, cut=None, held=False, pace=None):
        self.remote_port = remote_port
        self.cut = cut
        self.pace = pace
        self.passed = 0  # bytes of the remote, of the latest connection
        self.free = threading.Event()
        if not held:
            self.free.set()
        super().__init__()

    def hold(self):
        self.free.clear()

    def release(self):
        self.free.set()

    def handle(self, peer):
        self.free.wait(120)
        remote = socket.create_connection(("127.0.0.1", self.remote_port))
        threading.Thread(target=self._up, args=(peer, remote), daemon=True).start()
        try:
            self._down(remote, peer)
        finally:
            shut(remote)

    def _up(self, peer, remote):
        try:
            while data := peer.recv(1 << 16):
                remote.sendall(data)
            remote.shutdown(socket.SHUT_WR)
        except OSError:
            pass

    def _down(self, remote, peer):
        self.passed = 0
        while data := remote.recv(1 << (12 if self.pace else 16)):
            if self.pace:
                time.sleep(len(data) / self.pace)
            if self.cut is not None:
                data = data[:self.cut - self.passed]
            peer.sendall(data)
            self.passed += len(data)
            if self.cut is not None and self.passed >= self.cut:
                return


class Remote(Server):
    """Answers every connection with what script(send, receive) does."""

    def __init__(self, script):
        self.script = script
        super().__init__()

    def handle(self, peer):
        self.script(peer)


def pkt(data):
    """A pkt-line (gitprotocol-common)."""
    if isinstance(data, str):
        data = data.encode()
    return b"%04x" % (len(data) + 4) + data


FLUSH = b"0000"


def slowly(peer, data, piece=1, pause=0.0):
    for i in range(0, len(data), piece):
        peer.sendall(data[i:i + piece])
        if pause:
            time.sleep(pause)
