"""Connections: both families, keep-alive, pipelines, many at once, the end."""
import os
import re
import signal
import socket
import subprocess
import time
from pathlib import Path

import pytest

from program import Canopy, run
from sites import small
from support import FEWER, SANITIZED, SLOWER, free_port, wait

BIG = bytes(range(256)) * 16384 * 4  # 16 MiB: more than sockets hold


@pytest.fixture(scope="module")
def repository(module_remote):
    return module_remote.create("serving", small(**{"static/big.bin": BIG}))


@pytest.fixture(scope="module")
def site(repository, module_canopy):
    return module_canopy("-r", repository.url)


@pytest.mark.parametrize("host", ["127.0.0.1", "::1"])
def test_both_families(site, host):
    assert site.get("/About", host=host).status == 200


def test_one_thread_and_no_other_program(site):
    """It runs to completion in one loop; without keys there is no second process either."""
    process = Path(f"/proc/{site.process.pid}")
    assert "\nThreads:\t1\n" in (process / "status").read_text() or SANITIZED
    assert (process / f"task/{site.process.pid}/children").read_text() == ""
    files = [os.readlink(link) for link in (process / "fd").iterdir()]
    assert [f for f in files if f.startswith("/") and f not in ("/dev/null", str(site.log_path))] == []


def test_a_connection_is_kept(site):
    with site.connect() as connection:
        for _ in range(100):
            answer = connection.request("GET", "/About")
            assert answer.status == 200 and answer.field("Connection") != "close"


def test_a_connection_is_closed_on_request(site):
    with site.connect() as connection:
        answer = connection.request("GET", "/About", {"Connection": "close"})
        assert answer.field("Connection") == "close"
        assert connection.ended()


def test_http_1_0(site):
    with site.connect() as connection:
        connection.send(b"GET /About HTTP/1.0\r\n\r\n")
        assert connection.response().status == 200
        assert connection.ended()
    with site.connect() as connection:
        connection.send(b"GET /About HTTP/1.0\r\nConnection: keep-alive\r\n\r\n")
        answer = connection.response()
        assert answer.status == 200 and answer.field("Connection").lower() == "keep-alive"
        connection.send(b"GET /tags HTTP/1.0\r\n\r\n")
        assert connection.response().status == 200


def test_pipelined_requests_are_answered_in_order(site):
    paths = ["/About", "/nowhere", "/tags", "/Posts/Old", "/Posts/First", "/static/none"] * 20
    expected = {path: site.get(path) for path in set(paths)}
    with site.connect() as connection:
        connection.send(b"".join(connection.encode("GET", path) for path in paths))
        for path in paths:
            answer = connection.response()
            assert (answer.status, answer.body) == (expected[path].status, expected[path].body)


def test_big_answers_in_a_pipeline(site):
    with site.connect() as connection:
        connection.send(connection.encode("GET", "/static/big.bin") * 3
                        + connection.encode("GET", "/About"))
        for _ in range(3):
            assert connection.response().body == BIG
        assert connection.response().status == 200


def test_500_connections_at_once(site):
    page = site.get("/About").body
    count = 500 // FEWER
    connections = [site.connect() for _ in range(count)]
    try:
        for c in connections:
            c.send(c.encode("GET", "/About"))
        for c in connections:
            assert c.response().body == page
        assert int(site.status()["connections"]) >= count
        for c in reversed(connections):
            c.send(c.encode("GET", "/tags"))
        for c in connections:
            assert c.response().status == 200
    finally:
        for c in connections:
            c.close()
    wait(lambda: int(site.status()["connections"]) <= 1, "connections to be given back")


def at_rest(site):
    """Its status, once its memory stays as it is: pages get their gzip forms after they are served."""
    seen = [site.status()]

    def is_same():
        time.sleep(0.3)
        seen.append(site.status())
        return seen[-1]["memory blocks"] == seen[-2]["memory blocks"]
    wait(is_same, "memory that stays as it is")
    return seen[-1]


def test_readers_that_leave_early_cost_nothing(site):
    before = at_rest(site)
    for _ in range(50 // FEWER):
        with site.connect() as connection:
            connection.send(connection.encode("GET", "/static/big.bin"))
            connection.receive()
    wait(lambda: int(site.status()["connections"]) <= 1, "connections to be given back")
    after = site.status()
    assert int(after["memory blocks"]) <= int(before["memory blocks"]) + 2
    assert int(after["memory bytes"]) <= int(before["memory bytes"]) + 8192


def test_a_slow_reader_holds_nobody_up(site):
    with site.connect() as slow:
        slow.send(slow.encode("GET", "/static/big.bin"))
        began = time.monotonic()
        for _ in range(100):
            assert site.get("/About").status == 200
        assert time.monotonic() - began < 10 * SLOWER
        assert slow.response().body == BIG


def test_the_end_waits_for_a_download(repository, canopy):
    site = canopy("-r", repository.url)
    with site.connect() as slow:
        slow.send(slow.encode("GET", "/static/big.bin"))
        slow.receive()
        site.process.send_signal(signal.SIGTERM)
        wait(lambda: not _accepts(site.port), "no new connections")
        assert slow.response().body == BIG
    assert site.process.wait(6 * SLOWER) == 0


def test_the_end_does_not_wait_for_ever(repository, canopy):
    site = canopy("-r", repository.url)
    with site.connect() as slow, site.connect() as idle, site.connect() as half:
        slow.send(slow.encode("GET", "/static/big.bin"))
        slow.receive()
        assert idle.request("GET", "/About").status == 200
        half.send(b"GET /About HTT")
        began = time.monotonic()
        site.process.send_signal(signal.SIGTERM)
        assert site.process.wait(6 * SLOWER) == 0
        assert 3 < time.monotonic() - began


def test_the_end_during_a_fetch(canopy):
    with socket.create_server(("127.0.0.1", free_port())) as silent:
        site = canopy("-r", f"git://127.0.0.1:{silent.getsockname()[1]}/s", ready="listening")
        peer, _ = silent.accept()
        began = time.monotonic()
        site.stop()
        assert time.monotonic() - began < 2 * SLOWER
        peer.close()


def test_sigint_ends_it_as_well(repository, canopy):
    site = canopy("-r", repository.url)
    site.process.send_signal(signal.SIGINT)
    assert site.process.wait(6 * SLOWER) == 0


def _accepts(port):
    try:
        socket.create_connection(("127.0.0.1", port), timeout=5).close()
        return True
    except OSError:
        return False


def test_a_port_that_is_taken(site):
    status, output, errors = run(["-r", "git://127.0.0.1/x", "--port", site.port])
    assert status == 1
    line = re.search(r"error +web: .*", output + errors)
    assert line and str(site.port) in line[0] and "taken" in line[0]


def test_a_log_that_nobody_reads(repository, tmp_path):
    """A closed pipe is no reason to end."""
    program = Canopy(tmp_path, ["-r", repository.url])
    program.process = subprocess.Popen(program.command, stdin=subprocess.DEVNULL,
                                       stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
    program.log_path.touch()
    try:
        program.process.stdout.close()
        program.wait_listening()
        program.wait_content()
        assert program.get("/About").status == 200
    finally:
        program.stop()
