"""The rows of Xen: canopy as a guest, beside Debian's cloud kernel with nginx as a guest of the same Xen.

Xen and its dom0 run in QEMU without KVM (tests/xen/dom0.py): so all of it is slow, and only ratios mean
something. The load is dom0's: wrk, curl, and a small program that asks for the first answer.
"""
import contextlib
import os
import re
import statistics
import subprocess
import sys
from pathlib import Path

from images import build, configure
from linux_guest import LinuxGuest
from ring0 import committed, key_and_chain
from support import ROOT

sys.path.append(str(ROOT / "tests/xen"))

from dom0 import BRIDGE, GUEST, Dom0  # noqa: E402
from machine import unpacked_kernel  # noqa: E402

BOOTS = 3          # of each guest
DOWNLOADS = 3      # of eight mebibytes, in each round
CONNECTIONS = 8
LEAST, MOST = 8, 32  # MiB, between which the least memory is looked for
PAGE, BIG = "/About", "static/8m.bin"
MAC = "00:16:3e:00:02:05"

XL = """name = '{name}'
type = 'pvh'
kernel = '/lab/{name}'
memory = {memory}
extra = '{extra}'
vif = [ 'mac={mac},bridge=br0' ]
{more}
"""


def image(folder, pages):
    (folder / "site").mkdir(parents=True)
    configure(folder, "--xen", "--content", committed(folder / "site", pages), "--dhcp", "false", "--ip", GUEST,
              "--netmask", "255.255.255.0", "--gateways", BRIDGE, "--port", "80", "--logs", "info,access:quiet")
    return build(folder, folder)


class Guests:
    """dom0 with both guests' files, one of which runs at a time."""

    def __init__(self, folder, pages):
        folder = Path(folder)
        canopy = image(folder / "all", pages)
        small = image(folder / "small", {"About": pages["About"]})
        probe = folder / "first_answer"
        subprocess.run(["cc", "-O2", "-static", str(ROOT / "bench/xen/first_answer.c"), "-o", str(probe)], check=True)
        (folder / "lab").mkdir()
        self.guest = LinuxGuest(folder, GUEST, {"About": pages["About"].encode(), BIG: pages[BIG]},
                                *key_and_chain())
        kernel = folder / "kernel"
        kernel.write_bytes(unpacked_kernel(self.guest.kernel))
        files = {"canopy": canopy, "small": small, "linux": kernel, "initramfs": self.guest.initramfs,
                 "first_answer": probe}
        self.dom0 = Dom0(folder / "lab", files, programs=["usr/bin/wrk"], memory=768)

    def __enter__(self):
        self.dom0.start()
        # bash, for in busybox's shell its own ip wins. What is told is not asked for: neither waits for ARP.
        self.dom0.do(f"chmod +x first_answer; bash -c 'ip neigh replace {GUEST} lladdr {MAC} dev br0 nud permanent'")
        self.describe("canopy", 64)
        self.describe("linux", 192, "console=hvc0 quiet", "ramdisk = '/lab/initramfs'")
        return self

    def __exit__(self, *_):
        self.dom0.stop()

    def describe(self, name, memory, extra="", more=""):
        self.dom0.put(f"{name}.xl", XL.format(name=name, memory=memory, extra=extra, more=more,
                                               mac=MAC).encode())

    @contextlib.contextmanager
    def running(self, name):
        """Milliseconds from xl create to the first answer."""
        try:
            said = self.dom0.do(f"./first_answer {GUEST} {PAGE} 120 >taken 2>&1 & "
                                f"xl create -q {name}.xl || exit 1; wait; cat taken", seconds=300)
            assert said.strip().isdigit(), said
            yield float(said)
        finally:
            self.dom0.run(f"xl destroy {name}")

    def rate(self, path, seconds):
        said = self.dom0.do(f"wrk -t1 -c{CONNECTIONS} -d{seconds}s --timeout 20s http://{GUEST}:80{path}",
                            seconds=seconds + 120)
        assert "Non-2xx" not in said and "Socket errors" not in said, said
        return float(re.search(r"Requests/sec: +([\d.]+)", said)[1])

    def bulk(self, path):
        """MB/s of one download."""
        said = self.dom0.do("curl -sf -o /dev/null -w '%{speed_download} %{size_download}' "
                            f"http://{GUEST}:80{path}", seconds=300)
        speed, size = map(float, said.split())
        assert size == 8 << 20
        return speed / 1e6

    def serves_with(self, memory):
        self.describe("small", memory)
        with contextlib.suppress(AssertionError), self.running("small"):
            return True
        return False

    def least_memory(self):
        low, high = LEAST, MOST
        while low < high:
            middle = (low + high) // 2
            low, high = (low, middle) if self.serves_with(middle) else (middle + 1, high)
        return high


def bench_xen(bench, folder):
    pages = {"About": bench.pages()["small"], BIG: os.urandom(8 << 20)}
    start = bench.Row("Xen: xl create to first 200 (Linux guest)", "ms", "less", 1 / 10)
    small = bench.Row("Xen: small page, keep-alive (Linux guest)", "req/s", target=1.5)
    bulk = bench.Row("Xen: 8 MiB by HTTP to dom0 (Linux guest)", "MB/s", target=1.0)
    memory = bench.Row("Xen: least memory that serves", "MiB", "less", 16, absolute=True)
    with Guests(folder, pages) as guests:
        def measure(name):
            with guests.running(name) as taken:
                rate = guests.rate(PAGE, bench.OPTIONS.seconds)
                return taken, rate, statistics.median(guests.bulk(f"/{BIG}") for _ in range(DOWNLOADS))
        for ours, peer in bench.rounds(lambda: measure("canopy"), lambda: measure("linux")):
            for row, a, b in zip((start, small, bulk), ours, peer):
                row.add(a, b)
        memory.add(guests.least_memory())
    return [start, small, bulk, memory]


BENCHES = {"xen": bench_xen}
