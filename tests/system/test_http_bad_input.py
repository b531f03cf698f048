"""Requests that no client should send: a proper status or a closed connection, never a wrong page."""
import random
import socket
import struct
import time

import pytest

from client import Closed
from sites import small
from support import SLOWER

HOST = b"Host: a\r\n"
GET = b"GET /About HTTP/1.1\r\n"
POST = b"POST /About HTTP/1.1\r\n" + HOST
CHUNKED = POST + b"Transfer-Encoding: chunked\r\n\r\n"
BEHIND = b"GET /Posts HTTP/1.1\r\n" + HOST + b"\r\n"  # what a smuggler wants to be answered


@pytest.fixture(scope="module")
def site(module_remote, module_canopy):
    remote = module_remote.create("bad-input", small())
    return module_canopy("-r", remote.url)


@pytest.fixture(scope="module")
def page(site):
    return site.get("/About").body


@pytest.fixture(autouse=True)
def still_well(site, page):
    """Whatever a test did: the next visitor gets the right page."""
    yield
    assert site.get("/About").body == page


def answers(connection):
    """All responses until the server closes the connection."""
    got = []
    try:
        while True:
            got.append(connection.response())
    except Closed as end:
        assert end.args[0] == b"", "half a response"
    return got


MALFORMED = {
    "bare LF": (400, b"GET /About HTTP/1.1\nHost: a\n\n"),
    "bare LF behind a field": (400, GET + HOST + b"X: a\n\r\n"),
    "bare LF as the empty line": (400, GET + HOST + b"\n"),
    "bare CR": (400, GET + b"Host: a\rX: b\r\n\r\n"),
    "two empty lines before": (400, b"\r\n\r\n" + GET + HOST + b"\r\n"),
    "NUL in the target": (400, b"GET /Ab\0out HTTP/1.1\r\n" + HOST + b"\r\n"),
    "NUL in a field": (400, GET + HOST + b"X: a\0b\r\n\r\n"),
    "NUL in Host": (400, GET + b"Host: a\0b\r\n\r\n"),
    "two spaces": (400, b"GET  /About HTTP/1.1\r\n" + HOST + b"\r\n"),
    "a space in the target": (400, b"GET /A bout HTTP/1.1\r\n" + HOST + b"\r\n"),
    "raw UTF-8 in the target": (400, "GET /\u00e4 HTTP/1.1\r\n".encode() + HOST + b"\r\n"),
    "a fragment": (400, b"GET /About#x HTTP/1.1\r\n" + HOST + b"\r\n"),
    "no version": (400, b"GET /About\r\n" + HOST + b"\r\n"),
    "a wrong version": (400, b"GET /About HTTP/x.1\r\n" + HOST + b"\r\n"),
    "HTTP/0.9 by name": (505, b"GET /About HTTP/0.9\r\n" + HOST + b"\r\n"),
    "HTTP/2 by prior knowledge": (505, b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"),
    "TLS": (400, b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03"),
    "folded lines": (400, GET + HOST + b"X: a\r\n b\r\n\r\n"),
    "a folded first line": (400, GET + b" Host: a\r\n\r\n"),
    "space before the colon": (400, GET + b"Host : a\r\n\r\n"),
    "no name": (400, GET + HOST + b": a\r\n\r\n"),
    "no colon": (400, GET + HOST + b"X\r\n\r\n"),
    "no Host": (400, GET + b"\r\n"),
    "two Hosts": (400, GET + HOST + HOST + b"\r\n"),
    "a bad Host": (400, GET + b"Host: a/b\r\n\r\n"),
    "user information": (400, b"GET http://u:p@a/About HTTP/1.1\r\n" + HOST + b"\r\n"),
    "another scheme": (400, b"GET ftp://a/About HTTP/1.1\r\n" + HOST + b"\r\n"),
    "a bare name": (400, b"GET About HTTP/1.1\r\n" + HOST + b"\r\n"),
    "GET *": (400, b"GET * HTTP/1.1\r\n" + HOST + b"\r\n"),
    "CONNECT": (501, b"CONNECT a:443 HTTP/1.1\r\n" + HOST + b"\r\n"),
    "two lengths": (400, POST + b"Content-Length: 0\r\nContent-Length: 44\r\n\r\n"),
    "one length twice": (400, POST + b"Content-Length: 0\r\nContent-Length: 0\r\n\r\n"),
    "a list of lengths": (400, POST + b"Content-Length: 0, 0\r\n\r\n"),
    "a signed length": (400, POST + b"Content-Length: +0\r\n\r\n"),
    "a length that overflows": (413, POST + b"Content-Length: 18446744073709551616\r\n\r\n"),
    "length and coding": (400, POST + b"Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n"
                          b"0\r\n\r\n"),
    "coding and length": (400, POST + b"Transfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n"
                          b"0\r\n\r\n"),
    "chunked twice": (400, POST + b"Transfer-Encoding: chunked, chunked\r\n\r\n0\r\n\r\n"),
    "chunked not last": (400, POST + b"Transfer-Encoding: chunked, identity\r\n\r\n0\r\n\r\n"),
    "an unknown coding": (501, POST + b"Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n"),
    "a hidden coding": (400, POST + b"Transfer-Encoding:\x0bchunked\r\n\r\n0\r\n\r\n"),
    "a coding in HTTP/1.0": (400, b"POST /About HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n"
                             b"0\r\n\r\n"),
    "a signed chunk": (400, CHUNKED + b"+0\r\n\r\n"),
    "a chunk in C's way": (400, CHUNKED + b"0x0\r\n\r\n"),
    "a chunk behind a space": (400, CHUNKED + b" 0\r\n\r\n"),
    "a chunk's size ended by LF": (400, CHUNKED + b"0\n\r\n"),
    "a chunk that overflows": (400, CHUNKED + b"10000000000000000\r\n\r\n"),
    "LF in a chunk's extension": (400, CHUNKED + b"0;a\nb\r\n\r\n"),
    "a malformed trailer": (400, CHUNKED + b"0\r\nX : a\r\n\r\n"),
    "an unknown expectation": (417, POST + b"Expect: a miracle\r\nContent-Length: 0\r\n\r\n"),
}


@pytest.mark.parametrize("name", MALFORMED)
def test_malformed(site, name):
    status, bad = MALFORMED[name]
    with site.connect() as connection:
        connection.send(bad + BEHIND)
        got = answers(connection)
    assert [answer.status for answer in got] == [status]
    assert got[0].field("Connection") == "close"
    assert got[0].field("Content-Type").startswith("text/")


def test_what_came_before_is_answered(site, page):
    with site.connect() as connection:
        connection.send(GET + HOST + b"\r\n" + GET + HOST + b"X : a\r\n\r\n" + BEHIND)
        got = answers(connection)
    assert [answer.status for answer in got] == [200, 400]
    assert got[0].body == page


LIMITS = {
    "target": (414, b"GET /" + b"a" * 9000 + b" HTTP/1.1\r\n" + HOST + b"\r\n"),
    "endless target": (414, b"GET /" + b"a" * 100000),
    "method": (501, b"A" * 100 + b" / HTTP/1.1\r\n" + HOST + b"\r\n"),
    "field": (431, GET + HOST + b"X: " + b"a" * 20000 + b"\r\n\r\n"),
    "endless field": (431, GET + HOST + b"X: " + b"a" * 100000),
    "fields": (431, GET + HOST + b"X: a\r\n" * 200 + b"\r\n"),
    "body": (413, POST + b"Content-Length: 1000000000\r\n\r\n"),
    "chunks": (413, CHUNKED + b"FFFFFFF\r\n" + b"a" * 1000000),
    "chunk extensions": (400, CHUNKED + b"1;" + b"a" * 10000),
    "trailers": (400, CHUNKED + b"0\r\n" + b"X: a\r\n" * 2000),
}


@pytest.mark.parametrize("name", LIMITS)
def test_too_large(site, name):
    status, bad = LIMITS[name]
    with site.connect() as connection:
        try:
            connection.send(bad)
        except OSError:
            pass  # it has heard enough
        got = answers(connection)
    assert [answer.status for answer in got] == [status]


@pytest.mark.parametrize("target", [
    "/../About", "/Posts/../About", "/./About", "/..", "/.", "/%2e%2e/About", "/.%2E/About",
    "/static/..%2f..%2fAbout", "/Posts%2FFirst", "/%2FAbout", "/About%00", "/About%00.html",
    "/%", "/%2", "/%zz", "/%C0%AF", "/%FF", "/%ED%A0%80", "/About%0A", "/About%7F",
])
def test_paths_that_are_none(site, target):
    answer = site.get(target)
    assert answer.status == 400, answer


@pytest.mark.parametrize("target", [
    "//About", "/About/x", "/about", "/%5CAbout", "/..%5CAbout", "/.git/config", "/.config/uuid",
    "/%2541bout", "/About;x", "/static", "/static/", "/Posts//First",
])
def test_paths_that_lead_nowhere(site, target):
    answer = site.get(target)
    assert answer.status in (301, 404) and answer.status != 200, answer
    if answer.status == 301:
        assert site.get(answer.field("Location")).status == 200


def test_one_name_more_than_once_encoded(site, page):
    assert site.get("/%41bout").body == page  # the same name (RFC 3986, 6.2.2.2)


def test_every_split(site, page):
    request = GET + b"Host: www.example.org\r\nAccept: */*\r\n\r\n"
    with site.connect() as connection:
        for at in range(1, len(request)):
            connection.send(request[:at])
            time.sleep(0.001)
            connection.send(request[at:])
            assert connection.response().body == page


def test_byte_by_byte(site, page):
    request = (GET + b"Host: a\r\n\r\n") * 3
    with site.connect() as connection:
        for byte in request:
            connection.send(bytes([byte]))
            time.sleep(0.0005)
        for _ in range(3):
            assert connection.response().body == page


def test_pipelined(site, page):
    with site.connect() as connection:
        connection.send((GET + HOST + b"\r\n") * 500)
        for _ in range(500):
            assert connection.response().body == page


def test_noise(site):
    noise = random.Random(1)
    words = [b"GET ", b"/", b" HTTP/1.1", b"\r\n", b"\n", b"Host: a", b": ", b"\r\n\r\n", b"%2e",
             b"Content-Length: 3", b"Transfer-Encoding: chunked", b"0\r\n\r\n", b"\0", b"\xff"]
    for _ in range(300):
        with site.connect() as connection:
            connection.send(b"".join(noise.choice(words) for _ in range(noise.randrange(1, 30))))
            connection.socket.shutdown(socket.SHUT_WR)
            for answer in answers(connection):
                assert answer.status in (301, 400, 404, 405, 413, 414, 417, 431, 501, 505) or \
                    answer.status == 200 and b"</html>" in answer.body


def test_gone_at_once(site):
    reset = struct.pack("ii", 1, 0)
    for bytes_sent in (b"", b"G", GET + HOST + b"\r\n", (GET + HOST + b"\r\n") * 50):
        for how in (None, reset):
            for _ in range(20):
                connection = site.connect()
                connection.send(bytes_sent)
                if how:
                    connection.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, how)
                connection.close()


def test_half_closed(site, page):
    """Who has said everything may say so, and still hears the answer."""
    with site.connect() as connection:
        connection.send(GET + HOST + b"\r\n")
        connection.socket.shutdown(socket.SHUT_WR)
        got = answers(connection)
    assert [answer.body for answer in got] == [page]


def test_slow_heads(site, page):
    """A deadline for the head, however many try to hold it up; others do not notice."""
    slow = [site.connect() for _ in range(200)]
    began = time.monotonic()
    for connection in slow:
        connection.send(b"GET /About")
    while time.monotonic() - began < 9:
        assert site.get("/About").body == page
        for connection in slow:
            connection.send(b"T")
        time.sleep(1)
    for connection in slow:
        got = answers(connection)
        connection.close()
        assert [answer.status for answer in got] == [408]
    assert 9 < time.monotonic() - began < 10 + 5 * SLOWER


def test_no_body_is_waited_for_in_vain(site):
    """A body that is not wanted is refused by its head."""
    with site.connect() as connection:
        connection.send(POST + b"Content-Length: 1000000\r\nExpect: 100-continue\r\n\r\n")
        got = answers(connection)
    assert [answer.status for answer in got] == [413]
