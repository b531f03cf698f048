"""Real peers through a wire that harms: Linux as client and as server, nginx, git, and lwIP."""
import contextlib
import hashlib
import json
import os
import socket
import subprocess
import threading
import time

import pytest
from gitnginx import GitNginx
from gitremote import GitRemote
from lab import (CLIENT, CLIENT6, LINUX, LINUX6, OURS, OURS6, PERMITTED, Server, TapCanopy, Wired,
                 on_tap)
from sites import small
from support import FEWER, SLOWER, wait

pytestmark = pytest.mark.skipif(not PERMITTED, reason="network namespaces need root")

ECHO, DISCARD, CHARGEN, RELAY = 7, 9, 19, 7000
BAD = {"loss": 1, "duplicate": 1, "reorder": 2, "late": 3, "corrupt": 0.3, "delay": 2, "jitter": 1}
PATIENCE = 30 * SLOWER
FAMILIES = pytest.mark.parametrize("family", ["IPv4", "IPv6"])


def connect(namespace, host, port):
    with namespace.inside():
        return socket.create_connection((host, port), timeout=PATIENCE)


def at(server, family):
    return server.host if family == "IPv4" else server.host6


def receive(s, count):
    """So many bytes, and not one more that is there already."""
    parts = []
    while count > 0:
        data = s.recv(min(count, 1 << 18))
        assert data, f"the stream ended {count} bytes too early"
        parts.append(data)
        count -= len(data)
    return b"".join(parts)


def echoed(s, size):
    """Sends so many bytes while they come back, and compares their checksums."""
    data = os.urandom(size)
    sender = threading.Thread(target=s.sendall, args=(data,), daemon=True)
    sender.start()
    back = receive(s, size)
    sender.join(PATIENCE)
    assert hashlib.sha256(back).digest() == hashlib.sha256(data).digest()


# --- streams of bytes ---


@FAMILIES
def test_ten_megabytes_there_and_back(tmp_path, family):
    with Wired(**BAD, seed=11) as net, Server(tmp_path, net.near, "ours") as server:
        with connect(net.far, at(server, family), ECHO) as s:
            echoed(s, (10 << 20) // FEWER)
    assert net.counters["ab_corrupted"] > 0 and net.counters["ba_lost"] > 0


@FAMILIES
def test_many_at_once(tmp_path, family):
    """Bulk both ways and small exchanges beside each other, over a narrow wire."""
    def exchange(net, server, faults):
        try:
            with connect(net.far, at(server, family), ECHO) as s:
                echoed(s, 200_000 // FEWER)
        except (OSError, AssertionError) as fault:
            faults.append(fault)

    with Wired(rate=100, queue=64, delay=3, loss=0.5, seed=5) as net, \
            Server(tmp_path, net.near, "ours") as server:
        faults = []
        threads = [threading.Thread(target=exchange, args=(net, server, faults))
                   for _ in range(20)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(PATIENCE)
        assert not faults and not any(thread.is_alive() for thread in threads), faults


def test_uploads_are_counted_to_the_byte(tmp_path):
    with Wired(**BAD, seed=2) as net, Server(tmp_path, net.near, "ours") as server:
        for size in (0, 1, 1447, 1448, 1449, 65535, 65536, 1_000_001):
            with connect(net.far, server.host, DISCARD) as s:
                s.sendall(bytes(size))
                s.shutdown(socket.SHUT_WR)
                assert s.makefile().readline() == f"{size}\n"


def typed(s, number):
    """How long one small message takes to come back."""
    message = os.urandom(1 + number * 7 % 200)
    began = time.monotonic()
    s.sendall(message)
    assert receive(s, len(message)) == message
    return time.monotonic() - began


def test_keystrokes_are_answered_at_once(tmp_path):
    """A session as ssh has it: each small message is answered one round trip later. How much a busy
    machine adds to that, Linux's own stack tells, which is asked in turns with ours."""
    with Wired(delay=5) as net, Server(tmp_path, net.near, "ours") as server, \
            Server(tmp_path, net.near, "linux") as peer:
        with connect(net.far, server.host, ECHO) as ours, connect(net.far, peer.host, ECHO) as linux:
            took = {}
            for s in (ours, linux):
                s.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                took[s] = []
            for number in range(100):
                for s in (ours, linux):
                    took[s].append(typed(s, number))
            mine, theirs = sorted(took[ours]), sorted(took[linux])
    assert mine[0] >= 0.010, mine
    assert mine[90] < max(0.020 * SLOWER, 1.5 * theirs[90]), (mine, theirs)


def test_a_gap_in_the_path_is_survived(tmp_path):
    """A second without any frame, in the middle of a download and of an upload."""
    with Wired(delay=2, rate=100) as net, Server(tmp_path, net.near, "ours") as server:
        with connect(net.far, server.host, CHARGEN) as down, \
                connect(net.far, server.host, ECHO) as up:
            up_data = threading.Thread(target=echoed, args=(up, 8 << 20), daemon=True)
            up_data.start()
            receive(down, 2 << 20)
            net.faults.remove("unsent")
            for state in ("down", "up"):
                net.middle.ip(f"link set dev a {state}")
                time.sleep(1 if state == "down" else 0)
            began = time.monotonic()
            receive(down, 4 << 20)
            assert time.monotonic() - began < 5 * SLOWER, "it goes on soon after the path is back"
            up_data.join(PATIENCE)
            assert not up_data.is_alive()


# --- the site, and where it comes from ---


@contextlib.contextmanager
def canopy(folder, net, url, *options):
    site = TapCanopy(folder, [*on_tap(), "-r", url, *options], net.near, asker=net.far).start()
    try:
        yield site.wait_listening().wait_content()
        site.stop()
    finally:
        site.kill()


def test_curl_and_git_through_a_bad_wire(tmp_path):
    """Fetched over IPv4 from a git daemon, served over both families, and a push is followed."""
    big = os.urandom((10 << 20) // FEWER)
    (tmp_path / "remote").mkdir()
    with Wired(**BAD, seed=21) as net, contextlib.ExitStack() as stack:
        with net.far.inside():
            remote = stack.enter_context(GitRemote(tmp_path / "remote", CLIENT))
            repository = remote.create("s", small(**{"static/big.bin": big}))
            site = stack.enter_context(canopy(tmp_path, net, repository.url))
            repository.publish(small(**{"Posts/New": "title: New\n---\nNews.\n"}))
            assert site.push().status == 200
            wait(lambda: site.get("/Posts/New").status == 200, "the new article")
        for host in (OURS, f"[{OURS6}]"):
            base = f"http://{host}:{site.port}"
            page = net.far.run("curl", "-sSfg", f"{base}/Posts/First")
            assert "The first" in page
            net.far.run("curl", "-sSfg", "-o", str(tmp_path / "big"), f"{base}/static/big.bin")
            assert (tmp_path / "big").read_bytes() == big


def test_fetching_from_nginx_and_http_backend(tmp_path, authority):
    """Our side connects: over IPv6, to what most git hosts look like from outside."""
    (tmp_path / "remote").mkdir()
    with Wired(**BAD, seed=22) as net, net.far.inside():
        with GitNginx(tmp_path / "remote", authority.issue(["localhost"]),
                      host=CLIENT6) as remote:
            files = small(**{f"static/{n}.bin": os.urandom(100_000) for n in range(10)})
            remote.create("s", files)
            url = f"http://[{CLIENT6}]:{remote.plain_port}/s"
            with canopy(tmp_path, net, url) as site:
                assert site.get("/static/7.bin").body == files["static/7.bin"]


# --- lwIP ---


@pytest.mark.parametrize("client,server", [("ours", "linux"), ("ours", "lwip"), ("lwip", "ours")])
def test_a_relay_between_stacks(tmp_path, client, server):
    """Each stack connects to each other one. lwIP has neither SACK nor a fast timer: less harm."""
    with Wired(taps=2, loss=0.2, delay=1, seed=4) as net, contextlib.ExitStack() as stack:
        end = stack.enter_context(Server(tmp_path, net.near, server))
        begin = stack.enter_context(Server(
            tmp_path, net.near, client, "relay", tap=1,
            arguments=["--to", end.host, "--to-port", str(ECHO)]))
        with connect(net.far, begin.host, RELAY) as s:
            echoed(s, (2 << 20) // FEWER)


# --- iperf3 ---


@FAMILIES
def test_iperf3_both_ways(tmp_path, family):
    """A relay of ours takes its connections from iperf3's client and makes its own to iperf3's
    server, both on Linux: three streams beside the one that controls them, up and down."""
    host, v6 = (LINUX, "-4") if family == "IPv4" else (LINUX6, "-6")
    with Wired(loss=0.1, delay=1, seed=5) as net:
        net.near.start("iperf3", "-s", v6, "-p", "5201", stdout=subprocess.DEVNULL)
        with Server(tmp_path, net.near, "ours", "relay",
                    arguments=["--to", host, "--to-port", "5201"]) as relay:
            for way in ([], ["-R"]):
                said = json.loads(net.far.run(
                    "iperf3", "-c", at(relay, family), "-p", str(RELAY), "-P", "3", "-J",
                    "-n", f"{6 // FEWER}M", *way, timeout=PATIENCE))
                assert "error" not in said and len(said["end"]["streams"]) == 3, said
                # Of what is sent, the relay may still hold some, which iperf3 does not wait for.
                sent, received = (said["end"][side]["bytes"]
                                  for side in ("sum_sent", "sum_received"))
                assert sent >= (5 << 20) // FEWER and received > 0, said["end"]
