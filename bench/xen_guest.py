"""The rows of Xen: canopy as a guest, beside Debian's cloud kernel with nginx as a guest of the same Xen.

Xen and its dom0 run in QEMU without KVM (tests/xen/dom0.py): so all of it is slow, and only ratios mean
something. The load is dom0's: wrk, curl, and a small program that asks for the first answer. nginx serves the
bytes that canopy makes of the small page. Requests per second are what dom0's one processor can ask for, as long
as the guest is not busy itself: how busy it is, is a row of its own.
"""
import contextlib
import os
import re
import statistics
import subprocess
import sys
from pathlib import Path

import certs
from gitremote import GitRemote
from images import build, configure
from linux_guest import LinuxGuest
from program import put_keys
from ring0 import committed
from support import ROOT

sys.path.append(str(ROOT / "tests/xen"))

from dom0 import BRIDGE, GUEST, Dom0  # noqa: E402
from machine import unpacked_kernel  # noqa: E402

DOWNLOADS = 3        # of eight mebibytes, in each round
CONNECTIONS = 8
PATIENCE = 400       # seconds: a Linux guest takes a minute or two where the machine is busy
LEAST, MOST = 6, 32  # MiB, between which the least memory is looked for
PAGE, BIG = "/About", "static/8m.bin"
MAC = "00:16:3e:00:02:05"

XL = """name = '{name}'
type = 'pvh'
kernel = '/lab/{kernel}'
memory = {memory}
vcpus = 1
vif = [ 'mac={mac},bridge=br0' ]
{more}
"""


def finished(bench, folder, source):
    """The page that canopy makes of an article."""
    folder.mkdir()
    with GitRemote(folder) as remote:
        remote.create("site", {"About": source})
        with bench.running(folder, "-r", remote.url("site")) as site:
            return site.get(PAGE).body


def image(folder, pages, *settings):
    (folder / "site").mkdir(parents=True)
    configure(folder, "--xen", "--content", committed(folder / "site", pages), "--dhcp", "false", "--ip", GUEST,
              "--netmask", "255.255.255.0", "--gateways", BRIDGE, "--port", "80", "--logs", "info,access:quiet",
              *settings)
    return build(folder, folder)


class Guests:
    """dom0 with the files of all guests, one of which runs at a time. Those that are timed from their start
    have the small page alone; the one whose memory is looked for speaks TLS."""

    def __init__(self, folder, source, page, big):
        folder = Path(folder)
        first = {"About": source}
        certs.write_pair(folder / "keys", "server", *certs.Authority().issue(["localhost"]))
        key, chain = [(folder / f"keys/server.{kind}").read_bytes() for kind in ("key", "pem")]
        files = {"first_answer": folder / "first_answer", "kernel": folder / "kernel",
                 "canopy": image(folder / "canopy", {**first, BIG: big}), "canopy-first": image(folder / "first", first),
                 "canopy-tls": image(folder / "tls", first, "--tls", "443")}
        put_keys(files["canopy-tls"], folder / "keys")
        for name, more in (("linux", {BIG: big}), ("linux-first", {})):
            (folder / name).mkdir()
            guest = LinuxGuest(folder / name, GUEST, {"About": page, **more}, key, chain)
            files[f"{name}.gz"] = guest.initramfs
        files["kernel"].write_bytes(unpacked_kernel(guest.kernel))
        subprocess.run(["cc", "-O2", "-static", ROOT / "bench/xen/first_answer.c", "-o", files["first_answer"]],
                       check=True)
        (folder / "lab").mkdir()
        self.dom0 = Dom0(folder / "lab", files, programs=["usr/bin/wrk"], memory=768)

    def __enter__(self):
        self.dom0.start()
        # bash, for in busybox's shell its own ip wins. What is told is not asked for: neither waits for ARP.
        self.dom0.do(f"chmod +x first_answer; bash -c 'ip neigh replace {GUEST} lladdr {MAC} dev br0 nud permanent'")
        for name, memory in (("canopy", 64), ("canopy-first", 32)):
            self.describe(name, memory)
        for name in ("linux", "linux-first"):
            self.describe(name, 192, "kernel", f"extra = 'console=hvc0 quiet'\nramdisk = '/lab/{name}.gz'")
        self.first_answer("canopy-first")  # xl's own first time, which is no guest's
        return self

    def __exit__(self, *_):
        self.dom0.stop()

    def describe(self, name, memory, kernel=None, more=""):
        self.dom0.put(f"{name}.xl", XL.format(name=name, memory=memory, kernel=kernel or name, more=more,
                                               mac=MAC).encode())

    @contextlib.contextmanager
    def created(self, name, before="", after=""):
        """What was said by what runs beside `xl create`, and after it."""
        try:
            yield self.dom0.do(f"{before} xl create -q {name}.xl || exit 1; {after}", seconds=PATIENCE + 60)
        finally:
            self.dom0.run(f"xl destroy {name}")

    @contextlib.contextmanager
    def serving(self, name):
        """Milliseconds from `xl create` to the first answer 200."""
        with self.created(name, f"./first_answer {GUEST} {PAGE} {PATIENCE} >taken 2>&1 &", "wait; cat taken") as said:
            assert said.strip().isdigit(), said
            yield float(said)

    def first_answer(self, name):
        with self.serving(name) as taken:
            return taken

    def busy(self):
        """Seconds of processors that each domain has had: {name: seconds}."""
        lines = self.dom0.do("xl list").splitlines()[1:]
        return {words[0]: float(words[-1]) for words in map(str.split, lines) if words}

    def rate(self, path, seconds):
        """Requests per second, and microseconds of the guest's processor for each."""
        before = self.busy()
        said = self.dom0.do(f"wrk -t1 -c{CONNECTIONS} -d{seconds}s --timeout 20s http://{GUEST}:80{path}",
                            seconds=seconds + 120)
        assert "Non-2xx" not in said and "Socket errors" not in said, said
        spent = {name: taken - before[name] for name, taken in self.busy().items()}
        print(f"  xen: {spent} s of processors in {seconds} s of load", file=sys.stderr)
        requests = int(re.search(r"(\d+) requests in", said)[1])
        guest, = (taken for name, taken in spent.items() if name != "Domain-0")
        return float(re.search(r"Requests/sec: +([\d.]+)", said)[1]), 1e6 * guest / requests

    def bulk(self, path):
        """MB/s of one download."""
        said = self.dom0.do("curl -sf -o /dev/null -w '%{speed_download} %{size_download}' "
                            f"http://{GUEST}:80{path}", seconds=300)
        speed, size = map(float, said.split())
        assert size == 8 << 20
        return speed / 1e6

    def serves_with(self, memory):
        """By HTTPS."""
        self.describe("canopy-tls", memory)
        with contextlib.suppress(AssertionError), self.created("canopy-tls"):
            self.dom0.until(f"curl -skf -m 5 -o /dev/null https://{GUEST}{PAGE}", "an answer", 30)
            return True
        return False

    def least_memory(self):
        low, high = LEAST, MOST
        while low < high:
            middle = (low + high) // 2
            low, high = (low, middle) if self.serves_with(middle) else (middle + 1, high)
        return high


def bench_xen(bench, folder):
    source = bench.pages()["small"]
    page = finished(bench, folder / "page", source)
    start = bench.Row("Xen: xl create to first 200 (Linux guest)", "ms", "less", 1 / 10)
    small = bench.Row("Xen: small page, keep-alive (Linux guest)", "req/s", target=1.5)
    each = bench.Row("Xen: small page, guest's CPU per request", "us", "less")
    bulk = bench.Row("Xen: 8 MiB by HTTP to dom0 (Linux guest)", "MB/s", target=1.0)
    memory = bench.Row("Xen: least memory that serves by TLS", "MiB", "less", 16, absolute=True)
    with Guests(folder, source, page, os.urandom(8 << 20)) as guests:
        def measure(name):
            taken = guests.first_answer(f"{name}-first")
            with guests.serving(name):
                rate = guests.rate(PAGE, bench.OPTIONS.seconds)
                return taken, *rate, statistics.median(guests.bulk(f"/{BIG}") for _ in range(DOWNLOADS))
        for ours, peer in bench.rounds(lambda: measure("canopy"), lambda: measure("linux")):
            for row, a, b in zip((start, small, each, bulk), ours, peer):
                row.add(a, b)
            bench.say(f"xen: canopy {ours}, Linux {peer}")
        memory.add(guests.least_memory())
    return [start, small, each, bulk, memory]


BENCHES = {"xen": bench_xen}
