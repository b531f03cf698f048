"""What strangers do to a stack that stands in the internet, and what experts find to say of it."""
import contextlib
import os
import random
import re
import socket
import subprocess
import threading
import time
import types

import pytest
from gitremote import GitRemote
from lab import CLIENT, CLIENT6, OURS, OURS6, PERMITTED, Namespace, Server, Wired, find
from sites import small
from support import FEWER, SLOWER
from test_net_peers import CHARGEN, DISCARD, ECHO, PATIENCE, canopy, connect, echoed, receive

pytestmark = pytest.mark.skipif(not PERMITTED, reason="network namespaces need root")


@pytest.fixture
def host():
    """A namespace with the kernel's side of tap0."""
    with Namespace() as namespace:
        namespace.tap("tap0", f"{CLIENT}/24", f"{CLIENT6}/64")
        yield namespace


# --- what experts say ---


@contextlib.contextmanager
def captured(namespace, interface, path):
    process = namespace.start("tshark", "-q", "-B", "64", "-i", interface, "-w", str(path),
                              stderr=subprocess.PIPE, text=True)
    for line in process.stderr:
        if "Capturing on" in line:
            break
    time.sleep(0.5)
    yield
    time.sleep(0.5)
    process.terminate()
    process.wait(20)


USUAL = {"Connection finish (FIN)", "Connection reset (RST)",
         "This frame undergoes the connection closing",
         "Partial Acknowledgement of a segment"}  # of one that the capture shows before it was cut


def experts(path, who):
    """What tshark has to note of, warn of, or call wrong in these frames, checksums included."""
    done = subprocess.run([find("tshark"), "-r", str(path), "-o", "ip.check_checksum:TRUE", "-o",
                           "tcp.check_checksum:TRUE", "-Y",
                           f"({who}) && _ws.expert.severity >= 4194304", "-T", "fields", "-e",
                           "frame.number", "-e", "_ws.col.Info", "-e", "_ws.expert.message"],
                          capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    notes = [line.split("\t") for line in done.stdout.splitlines()]
    return [note for note in notes if set(note[2].split(",")) - USUAL]


def usual_traffic(tmp_path):
    """Bulk both ways, small exchanges, half-closes, a reset and a refusal on a clean wire: the capture."""
    path = tmp_path / "capture.pcapng"
    with Wired(delay=1, rate=200, queue=4096) as net, Server(tmp_path, net.near, "ours") as server:
        with captured(net.far, "eth0", path):
            for at in (server.host, server.host6):
                with connect(net.far, at, ECHO) as s:
                    for size in (100_000, 1, 1448, 100_000):
                        echoed(s, size)
                    time.sleep(1)
                    echoed(s, 1000)
                with connect(net.far, at, DISCARD) as s:
                    s.sendall(bytes(4 << 20))
                    s.shutdown(socket.SHUT_WR)
                    receive(s, len("4194304\n"))
                with connect(net.far, at, CHARGEN) as s:
                    receive(s, 4 << 20)
                with pytest.raises(ConnectionRefusedError):
                    connect(net.far, at, 10)
    return path


LATE = {"This frame is a (suspected) retransmission", "This frame is a (suspected) spurious retransmission",
        "D-SACK Sequence", "Duplicate ACK"}  # the last two tell the peer what it sent twice


def is_late(note):
    return {re.sub(r" \(#\d+\)$", "", text) for text in note[2].split(",")} - USUAL <= LATE


def test_tshark_finds_nothing_wrong(tmp_path):
    """Where the machine lets one side wait for a core, an answer is late and something is sent again,
    by the peer or by us: that may be, but not each time."""
    for _ in range(8):
        found = experts(usual_traffic(tmp_path), f"ip.src == {OURS} || ipv6.src == {OURS6}")
        if not found or not all(map(is_late, found)):
            break
    assert found == []


def test_nmap_cannot_guess_sequence_numbers(tmp_path, host):
    with Server(tmp_path, host, "ours") as server:
        said = host.run("nmap", "-O", "-v", "-n", "-Pn", "-p", "7,9,10", "--max-os-tries", "1",
                        server.host)
    assert re.search(r"TCP Sequence Prediction: Difficulty=\d+ \(Good luck!\)", said), said
    assert "7/tcp  open" in said and "10/tcp closed" in said, said
    assert "IP ID Sequence Generation: Incremental" not in said, said


# --- floods ---


class Client(threading.Thread):
    """A real client: one page after the other, each on a connection of its own; what went wrong."""

    def __init__(self, site):
        super().__init__(daemon=True)
        self.site, self.count, self.slowest, self.faults, self.stopped = site, 0, 0, [], False

    def run(self):
        while not self.stopped and not self.faults:
            began = time.monotonic()
            try:
                assert self.site.get("/Posts/First").status == 200
            except (OSError, AssertionError) as fault:
                self.faults.append(fault)
            self.slowest = max(self.slowest, time.monotonic() - began)
            self.count += 1


def arrivals(namespace, interface="tap0"):
    """Frames that a program took from the TAP."""
    with namespace.inside():
        text = open("/proc/thread-self/net/dev").read()
    fields = re.search(rf"{interface}:\s*(.*)", text)[1].split()
    return int(fields[9])


def drained(namespace):
    """Nothing more waits before the door: the queue there holds thousands."""
    before = None
    while before != (now := arrivals(namespace)):
        before = now
        time.sleep(0.2)


def flood(namespace, host, port, seconds):
    """SYNs from addresses of nobody, as fast as this machine makes them: how many came, and a second."""
    began, before = time.monotonic(), arrivals(namespace)
    process = namespace.start("hping3", "-q", "-S", "--flood", "--rand-source", "-p", str(port), host,
                              stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    time.sleep(seconds)
    count = arrivals(namespace) - before
    process.kill()
    process.wait()
    return count, count / (time.monotonic() - began)


def test_a_flood_of_spoofed_syns(tmp_path, host):
    """For some seconds, while a real client's requests all succeed: as many as this machine can make,
    which is 50,000 a second and more when it has nothing else to do. What it can make is told by a flood
    for a station that is not there: those frames are dropped at the door."""
    nobody, net = "10.77.0.99", types.SimpleNamespace(near=host, far=host)
    (tmp_path / "remote").mkdir()
    with host.inside(), GitRemote(tmp_path / "remote", CLIENT) as remote:
        with canopy(tmp_path, net, remote.create("s", small()).url) as site:
            host.ip("route add blackhole 0.0.0.0/0",
                    f"neigh add {nobody} lladdr 02:00:00:00:00:99 dev tap0")
            _, possible = flood(host, nobody, site.port, 1)
            drained(host)
            client = Client(site)
            client.start()
            count, rate = flood(host, site.host, site.port, 4)
            client.stopped = True
            client.join(PATIENCE)
            status = site.status()
    syns, segments, strange, cookies, half_open, accepted = (int(status[name]) for name in (
        "tcp syns", "tcp received", "ip drop_source", "tcp cookies_sent", "tcp half open",
        "tcp accepted"))
    print(f"{rate:,.0f} SYNs a second, of {possible:,.0f} that could be made, and {client.count / 4:.0f} "
          f"requests, the slowest in {client.slowest * 1e3:.0f} ms; {cookies:,} cookies")
    assert rate > min(50_000, possible / 4), f"{rate:.0f} SYNs a second are no flood"
    assert client.faults == [] and client.count > 3, (client.count, client.faults)
    # Each was seen, some from where nobody can be, some the client's; but for those that the table holds
    # each had a cookie.
    assert segments + strange > 0.99 * count, (count, status)
    assert segments - syns < 20 * (client.count + 10), (segments, syns, client.count)
    assert half_open <= 4096 and cookies >= syns - 4096 - accepted and cookies > 10_000 / SLOWER


# --- malformed frames ---


def malformed(number, mac):
    """600 frames of every kind that nobody should send; the same each time."""
    os.environ.setdefault("XDG_CACHE_HOME", "/tmp")
    import logging
    logging.getLogger("scapy").setLevel(logging.ERROR)
    from scapy.all import (ARP, ICMP, IP, TCP, UDP, DNS, Ether, ICMPv6EchoRequest, ICMPv6ND_NS,
                           ICMPv6ND_RA, ICMPv6NDOptPrefixInfo, IPv6, IPv6ExtHdrDestOpt,
                           IPv6ExtHdrFragment, IPv6ExtHdrHopByHop, IPv6ExtHdrRouting, Raw, fragment,
                           fuzz)
    random.seed(number)
    four, six = IP(src=CLIENT, dst=OURS), IPv6(src=CLIENT6, dst=OURS6)
    kinds = [
        lambda: fuzz(IP(dst=OURS)) / Raw(os.urandom(20)),
        lambda: four / fuzz(TCP(dport=ECHO)),
        lambda: six / fuzz(TCP(dport=ECHO)),
        lambda: four / TCP(dport=ECHO, flags=random.randrange(512), seq=random.getrandbits(32),
                           options=[(random.randrange(256), os.urandom(random.randrange(30)))]),
        lambda: IP(src=CLIENT, dst=OURS, ihl=random.randrange(16),
                   len=random.randrange(100)) / TCP(),
        lambda: IP(src=CLIENT, dst=OURS, frag=random.randrange(8192), flags=random.randrange(8)) /
        Raw(os.urandom(random.randrange(64))),
        lambda: random.choice(fragment(four / ICMP() / Raw(b"x" * 3000), 512)),
        lambda: IP(src=random.choice([OURS, "127.0.0.1", "0.0.0.0", "255.255.255.255",
                                      "224.0.0.1"]), dst=OURS) / TCP(dport=ECHO, flags="S"),
        lambda: four / fuzz(ICMP()),
        lambda: four / fuzz(UDP(dport=random.choice([53, 68]))) / Raw(os.urandom(40)),
        lambda: four / UDP(sport=67, dport=68) / Raw(os.urandom(300)),
        lambda: four / UDP(sport=53, dport=random.randrange(65536)) / fuzz(DNS()),
        lambda: fuzz(ARP(pdst=OURS)),
        lambda: six / fuzz(ICMPv6EchoRequest()),
        lambda: six / fuzz(ICMPv6ND_NS(tgt=OURS6)),
        lambda: IPv6(src="fe80::1", dst="ff02::1", hlim=255) / ICMPv6ND_RA() /
        fuzz(ICMPv6NDOptPrefixInfo()),
        lambda: six / IPv6ExtHdrHopByHop(options=[]) / Raw(os.urandom(random.randrange(40))),
        lambda: six / IPv6ExtHdrRouting(segleft=random.randrange(256)) / TCP(dport=ECHO),
        lambda: six / IPv6ExtHdrDestOpt() / IPv6ExtHdrDestOpt() / fuzz(TCP()),
        lambda: six / IPv6ExtHdrFragment(offset=random.randrange(8192), m=random.randrange(2),
                                         id=random.randrange(9)) / Raw(os.urandom(64)),
        lambda: Raw(os.urandom(random.randrange(60))),
    ]
    frames = []
    while len(frames) < 600:
        try:
            kind = kinds[len(frames) % len(kinds)]
            frame = bytes(Ether(dst=mac, src="02:00:00:00:00:09") / kind())
        except Exception:  # scapy's own: it cannot always write down what it made up
            continue
        frames.append(frame[:random.choice([1514, 1514, 1514, random.randrange(14, 80)])])
    return frames


def test_malformed_frames(tmp_path, host):
    with Server(tmp_path, host, "ours") as server:
        with connect(host, server.host, ECHO) as s:
            echoed(s, 1000)
            mac = re.search(rf"{OURS} .*lladdr (\S+)", host.run("ip neigh"))[1]
            with host.inside():
                raw = socket.socket(socket.AF_PACKET, socket.SOCK_RAW)
            raw.bind(("tap0", 0))
            for number, frame in enumerate(malformed(4, mac)):
                raw.send(frame)
                if number % 100 == 99:
                    echoed(s, 1000)
            raw.close()
            echoed(s, 100_000)
        for at in (server.host, server.host6):
            with connect(host, at, ECHO) as s:
                echoed(s, 1000)


# --- those who do not read ---


def test_slow_readers_and_closed_windows(tmp_path, host):
    """Two hundred who ask for more than they ever take: they cost bounded memory, and nobody waits
    for them."""
    with Server(tmp_path, host, "ours") as server, contextlib.ExitStack() as stack:
        def resident():
            text = open(f"/proc/{server.process.pid}/status").read()
            return int(re.search(r"VmRSS:\s+(\d+)", text)[1]) << 10
        before = resident()
        stuck = [stack.enter_context(connect(host, server.host, CHARGEN)) for _ in range(200)]
        time.sleep(1)
        slow = stuck[0]
        with connect(host, server.host, ECHO) as s:
            began = time.monotonic()
            echoed(s, (4 << 20) // FEWER)
            assert time.monotonic() - began < 3 * SLOWER
        assert resident() - before < (64 << 20) * SLOWER
        for _ in range(20):
            receive(slow, 1000)
            time.sleep(0.01)
        receive(slow, 3 << 20)


def test_tiny_windows(tmp_path, host):
    """A reader with almost no buffer gets every byte all the same."""
    with Server(tmp_path, host, "ours") as server:
        with host.inside():
            s = socket.socket()
        s.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1)
        s.settimeout(30 * SLOWER)
        s.connect((server.host, ECHO))
        with s:
            echoed(s, 200_000 // FEWER)
