"""The rows of the TCP/IP stack: beside Linux's own TCP on the same wire, and beside lwIP.

The very same programs are run three ways: over our stack on a TAP, over lwIP on the same TAP
(linked with bench/lwip instead), and over the host's sockets, in network namespaces of this run's
own. The harmed wire is tests/system/wire: a loss of 1 % at 50 ms is 1 % in each direction and 25 ms
each way. The wire and the servers on it have a priority of their own, whatever TCP they use: the
host's TCP works as soon as a frame is there, and a program that waits for its turn behind others
would look like a longer wire.
"""
import concurrent.futures
import contextlib
import re
import socket
import subprocess
import threading
import time
from pathlib import Path

import lab
from images import build, configure
from lab import LINUX, OURS, Namespace, Server, Wired
from peers import SERVER_CORE, Load, cpu_parts, need, pin, prefer
from sites import article
from support import BUILD

SIZE = 10 << 20
ECHO, DISCARD, CHARGEN = 7, 9, 19
SEEDS = 16
EVEN = 1.0  # of Linux's goodput, though the median of so many seeds scatters by 5 % for equals
PATIENCE = 900  # seconds for a transfer
WIRE_PRIORITY, SERVER_PRIORITY = 2, 1
CONDITIONS = {
    "1 % loss, 50 ms": dict(loss=1, delay=25),
    "0.1 % loss, 10 ms": dict(loss=0.1, delay=5),
    "3 % loss, 100 ms": dict(loss=3, delay=50),
    "5 % reordered by 5 ms, 20 ms": dict(reorder=5, late=5, delay=10),
}
# Rates are a few Mbit/s where there is much loss: many transfers at once do not disturb each other.
AT_ONCE = {"1 % loss, 50 ms": 16, "3 % loss, 100 ms": 32}


def connect(namespace, host, port):
    with namespace.inside():
        return socket.create_connection((host, port), timeout=PATIENCE)


def download(namespace, host, size=SIZE):
    """Seconds for so many bytes, the connection's beginning included."""
    began = time.monotonic()
    buffer, got = bytearray(1 << 18), 0
    with connect(namespace, host, CHARGEN) as s:
        while got < size:
            n = s.recv_into(buffer)
            assert n, "the stream ended"
            got += n
        return time.monotonic() - began


def upload(namespace, host, size=SIZE):
    began = time.monotonic()
    with connect(namespace, host, DISCARD) as s:
        s.sendall(bytes(size))
        s.shutdown(socket.SHUT_WR)
        answer = s.makefile("rb").readline()
    assert int(answer) == size, answer
    return time.monotonic() - began


# --- on a harmed wire, beside Linux ---


def transfer(folder, kind, way, seed, harm):
    """Megabytes per second."""
    with Wired(taps=kind == "ours", seed=seed, **harm) as net:
        server = Server(folder, net.near, kind)
        prefer(net.wire.process.pid, WIRE_PRIORITY)
        prefer(server.process.pid, SERVER_PRIORITY)
        seconds = (download if way == "download" else upload)(net.far, server.host)
        server.stop()
    return SIZE / seconds / 1e6


def bench_goodput(bench, folder, only=None):
    rows = []
    for title, harm in CONDITIONS.items():
        jobs = [(way, seed, kind) for way in ("download", "upload")
                for seed in range(1, SEEDS + 1) for kind in ("ours", "linux")]
        with concurrent.futures.ThreadPoolExecutor(AT_ONCE.get(title, 1)) as pool:
            futures = {job: pool.submit(transfer, folder, job[2], job[0], job[1], harm)
                       for job in jobs}
            speeds = {job: future.result() for job, future in futures.items()}
        for way in ("download", "upload"):
            row = bench.Row(f"10 MiB {way}, {title} (Linux)", "MB/s", target=EVEN)
            for seed in range(1, SEEDS + 1):
                row.add(speeds[way, seed, "ours"], speeds[way, seed, "linux"])
            rows.append(row)
    return rows


class Fetcher(threading.Thread):
    """Asks for a page again and again, each time on a connection of its own: times in ms."""

    def __init__(self, namespace, host, port, path, count):
        super().__init__(daemon=True)
        self.where, self.path, self.count, self.times = (namespace, host, port), path, count, []

    def run(self):
        for _ in range(self.count):
            began = time.monotonic()
            with connect(*self.where) as s:
                s.sendall(f"GET {self.path} HTTP/1.1\r\nHost: x\r\n"
                          "Connection: close\r\n\r\n".encode())
                got = 0
                while data := s.recv(1 << 16):
                    got += len(data)
            assert got > 100_000, got
            self.times.append((time.monotonic() - began) * 1e3)


def fetch_pages(folder, program, kind, fetchers=20, each=100):
    with Wired(taps=kind == "ours", seed=1, loss=1, delay=25) as net:
        port = 8080
        server = Server(folder, net.near, kind, "canopy", program,
                        ["--port", str(port), "-l", "info,access:quiet"])
        prefer(net.wire.process.pid, WIRE_PRIORITY)
        prefer(server.process.pid, SERVER_PRIORITY)
        threads = [Fetcher(net.far, server.host, port, "/hundred", each) for _ in range(fetchers)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        server.stop()
    times = sorted(t for thread in threads for t in thread.times)
    assert len(times) == fetchers * each, "some were not served"
    return times


def bench_pages(bench, folder):
    """100 KiB each, 2,000 times, both at once, each on a wire of its own. The 99th percentile is
    that of fetches whose SYN was lost, which costs a second of the client's own clock in both cases:
    2 % are within the noise of that."""
    program = baked(folder, {"hundred": article("Hundred", "words and " * 10200)})
    with concurrent.futures.ThreadPoolExecutor(2) as pool:
        ours, linux = pool.map(lambda kind: fetch_pages(folder, program, kind), ("ours", "linux"))
    rows = []
    for name, share in (("median", 0.5), ("99th percentile", 0.99)):
        row = bench.Row(f"100 KiB page, 1 % loss, 50 ms: {name} (Linux)", "ms", "less",
                        1.0 if share > 0.9 else None)
        row.add(ours[int(len(ours) * share)], linux[int(len(linux) * share)])
        rows.append(row)
    return rows


def baked(folder, files):
    """A canopy with these files in its image."""
    site = Path(folder) / "site"
    for path, text in files.items():
        (site / path).parent.mkdir(parents=True, exist_ok=True)
        (site / path).write_text(text)
    subprocess.run("git init -q -b main . && git add -A && git -c user.name=a -c user.email=a@b "
                   "commit -qm First", shell=True, cwd=site, check=True)
    configure(Path(folder) / "image", "--content", site)
    return build(Path(folder) / "image", Path(folder) / "image")


# --- on a TAP, beside lwIP and Linux ---


@contextlib.contextmanager
def on_tap(folder, kind, name="echo", program=None, arguments=()):
    """A server on tap0, and its client's namespace. "linux": another namespace's TCP, behind a TAP
    of its own, and a program that copies frames from one TAP to the other, as a virtual machine's
    monitor does."""
    with contextlib.ExitStack() as stack:
        client = stack.enter_context(Namespace())
        client.tap("tap0", f"{lab.CLIENT}/24", f"{lab.CLIENT6}/64")
        home = client
        if kind == "linux":
            home = stack.enter_context(Namespace())
            home.tap("tap0", f"{LINUX}/24", f"{lab.LINUX6}/64")
            bridge = subprocess.Popen([str(BUILD / "bench/tap_bridge"), client.path, "tap0",
                                       home.path, "tap0"], stdin=subprocess.PIPE,
                                      stdout=subprocess.PIPE, text=True)
            stack.callback(bridge.wait)
            stack.callback(bridge.stdin.close)
            assert bridge.stdout.readline() == "ready\n"
        server = Server(folder, home, kind, name, program, arguments)
        stack.callback(server.stop)
        yield client, server


class Stream:
    """So many seconds without any harm: megabytes per second, and the server's CPU, in us for each
    megabyte, in the program itself and in the kernel for it."""

    def __init__(self, folder, kind, way, seconds):
        """kind: also "lwip-plain", which is lwIP with the frames that its own TAP port knows."""
        with on_tap(folder, kind.removesuffix("-plain")) as (client, server):
            if kind.endswith("-plain"):
                client.plain_frames("tap0")
            if kind != "linux":
                pin(server.process.pid, SERVER_CORE)
            buffer, moved = bytearray(1 << 18), 0
            with connect(client, server.host, CHARGEN if way == "download" else DISCARD) as s:
                before, began = cpu_parts(server.process.pid), time.monotonic()
                while (now := time.monotonic()) < began + seconds:
                    moved += s.recv_into(buffer) if way == "download" else s.send(buffer)
                after = cpu_parts(server.process.pid)
        self.per_second = moved / (now - began) / 1e6
        self.own_us, self.kernel_us = ((a - b) * 1e12 / moved for a, b in zip(after, before))


BULK_PEERS = {"lwip-plain": "lwIP, with single frames", "lwip": "lwIP, with our driver's merged ones",
              "linux": "Linux behind a TAP"}
BULK_TARGETS = {("download", "lwip-plain"): 5.0, ("download", "linux"): 0.8,
                ("upload", "lwip-plain"): 5.0, ("upload", "linux"): 0.8}


def bench_bulk(bench, folder):
    """lwIP knows no merged frames. Its own port to a TAP takes and gives single ones, and so does
    the first row's; the second row shows what our driver makes of it, which merges for lwIP as it
    does for us. What is left then is mostly the kernel's work, as the rows of CPU tell."""
    rows = []
    for way in ("download", "upload"):
        for peer, title in BULK_PEERS.items():
            row = bench.Row(f"bulk {way} over TAP ({title})", "MB/s",
                            target=BULK_TARGETS.get((way, peer)))
            own = bench.Row(f"bulk {way}, server CPU per MB, without the kernel's", "us", "less")
            kernel = bench.Row(f"bulk {way}, server CPU per MB, the kernel's", "us", "less")
            for ours, theirs in bench.rounds(
                    lambda: Stream(folder, "ours", way, bench.OPTIONS.seconds),
                    lambda: Stream(folder, peer, way, bench.OPTIONS.seconds)):
                row.add(ours.per_second, theirs.per_second)
                own.add(ours.own_us, theirs.own_us)
                kernel.add(ours.kernel_us, theirs.kernel_us)
            rows += [row] if peer == "linux" else [row, own, kernel]
    return rows


def bench_requests(bench, folder):
    need("wrk", "wrk")
    rate = bench.Row("small page over TAP, keep-alive (canopy over lwIP)", "req/s")
    cpu = bench.Row("small page over TAP, server CPU per request", "us", "less", 0.6)
    programs = {"ours": baked(folder, {"small": article("Small", "Some words. " * 30)})}
    programs["lwip"] = build(Path(folder) / "image", Path(folder) / "lwip", APP_NETWORK="lwip")

    def measure(kind):
        with on_tap(folder, kind, "canopy", programs[kind],
                    ["--port", "8080", "-l", "info"]) as (client, server):
            pin(server.process.pid, SERVER_CORE)
            with client.inside():
                return Load(server.process.pid, f"http://{OURS}:8080/small",
                            bench.OPTIONS.seconds)
    for ours, theirs in bench.rounds(lambda: measure("ours"), lambda: measure("lwip")):
        rate.add(ours.per_second, theirs.per_second)
        cpu.add(ours.cpu_us, theirs.cpu_us)
    return [rate, cpu]


# --- TCP by itself ---


def segments(what, count):
    """What `bench/tcp_segments WHAT` says, so many times: {title: numbers} of each."""
    for _ in range(count):
        said = subprocess.run([str(BUILD / "bench/tcp_segments"), what], capture_output=True,
                              text=True, timeout=600, check=True).stdout
        lines = (re.split(r"\s{2,}", line, maxsplit=1) for line in said.splitlines())
        yield {title: [float(n) for n in re.findall(r"[\d.]+", rest)] for title, rest in lines}


def bench_segments(bench, folder):
    """Both ends are of one process, so that each number is twice a segment's."""
    idle, busy = (bench.Row(f"TCP exchange, 100,000 open, {who} (10 open)", "ns", "less", target)
                  for who, target in (("10 talk", 1.2), ("all talk", None)))
    for said in segments("exchange", bench.OPTIONS.rounds):
        few = said["exchange, 10 open"][0]
        idle.add(said["exchange, 100,000 open, 10 talk"][0], few)
        busy.add(said["exchange, 100,000 open, all talk"][0], few)
    # As fast, within the noise of a thousand.
    speed = bench.Row("TCP short connections, last thousand of a million (first)", "ns", "less", 1.1)
    memory = bench.Row("TCP memory after them, TIME-WAIT over (before)", "bytes", "less", 1.0)
    for said in segments("short", bench.OPTIONS.rounds):
        first, last = said["short connection, first thousand"][:2]
        before, _, after = said["memory after a thousand"]
        speed.add(last, first)
        memory.add(after, before)
    return [idle, busy, speed, memory]
