"""Short connections, one after the other, sixteen at a time: each asks for a page and is closed."""
import selectors
import socket
import time

AT_ONCE = 16


def short_connections(client, host, port, path, count):
    """The rate of each thousand, a second. A connection without an answer is an error."""
    request = f"GET {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n".encode()
    selector = selectors.DefaultSelector()
    rates, begun, ended, mark = [], 0, 0, time.perf_counter()

    def begin():
        s = socket.socket()
        s.setblocking(False)
        s.connect_ex((host, port))
        selector.register(s, selectors.EVENT_WRITE, bytearray())

    def go_on(key):
        """True when it is over."""
        s, got = key.fileobj, key.data
        if key.events == selectors.EVENT_WRITE:
            s.send(request)
            selector.modify(s, selectors.EVENT_READ, got)
            return False
        data = s.recv(65536)
        got += data
        if data:
            return False
        assert got.startswith(b"HTTP/1.1 200 "), bytes(got[:100])
        selector.unregister(s)
        s.close()
        return True

    with client.inside():
        while ended < count:
            while begun < count and begun - ended < AT_ONCE:
                begin()
                begun += 1
            ready = selector.select(10)
            assert ready, f"no answer for 10 s after {ended} connections"
            for key, _ in ready:
                if go_on(key):
                    ended += 1
                    if ended % 1000 == 0:
                        now = time.perf_counter()
                        rates.append(1000 / (now - mark))
                        mark = now
    return rates
