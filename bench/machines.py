"""Virtual machines of the table: a ring-0 image and a Linux guest, each by itself on the same TAP.

QEMU emulates the processor (TCG), one of it, pinned to the server's core with all of QEMU's threads;
the load is on the other. AVX and fast string moves are off for all: emulated, they are slower than
what a program does without them, for any guest.
"""
import contextlib
import fcntl
import os
import select
import socket
import ssl
import struct
import time
from pathlib import Path

from lab import CLIENT, OURS, Namespace
from peers import SERVER_CORE, need, pin
from support import wait

CPU = "max,avx=off,erms=off,fsrm=off"
MAC = "52:54:00:12:34:56"
CARDS = {"pc": ["virtio-net-pci,romfile="], "microvm": ["virtio-net-device"]}
PROBES = 16   # connections at a time that are tried until one stands: none of them need be given up
AGAIN = 0.02  # seconds after which another is
PATIENCE = 2  # seconds for the answer on it
RUNNING, SIOCGIFFLAGS = 0x40, 0x8913  # linux/if.h, linux/sockios.h


def qemu(machine, memory, *more):
    network = ["-netdev", "tap,id=n0,ifname=tap0,script=no,downscript=no",
               "-device", f"{CARDS[machine][0]},netdev=n0,mac={MAC}"]
    return [need("qemu-system-x86_64", "qemu-system-x86"), "-accel", "tcg", "-M", machine, "-cpu", CPU,
            "-smp", "1", "-m", str(memory), "-nodefaults", "-no-user-config", "-display", "none",
            "-serial", "stdio", "-no-reboot", "-global", "virtio-mmio.force-legacy=false",
            "-device", "isa-debug-exit,iobase=0xf4,iosize=1", *network, *more]


def ring0(image, machine="pc", memory=64, settings=""):
    return qemu(machine, memory, "-kernel", str(image), "-append", settings)


def linux(guest, memory=256):
    return qemu("pc", memory, "-kernel", str(guest.kernel), "-initrd", str(guest.initramfs),
                "-append", "console=ttyS0 panic=-1 quiet")


@contextlib.contextmanager
def network():
    """Where the client is, with tap0; the guest's address needs no question, and nobody else speaks."""
    with Namespace() as client:
        client.sysctl("net.ipv6.conf.default.disable_ipv6", 1)
        client.tap("tap0", f"{CLIENT}/24")
        client.sysctl("net.ipv4.ip_local_port_range", "1024 65535")
        client.sysctl("net.ipv4.tcp_tw_reuse", 1)
        client.ip(f"neigh replace {OURS} lladdr {MAC} dev tap0 nud permanent")
        yield client


class Machine:
    """A machine that runs in the client's namespace."""

    def __init__(self, client, command, log):
        self.client, self.log_path = client, Path(log)
        with open(self.log_path, "wb") as said:
            self.began = time.perf_counter()
            self.process = client.start(*command, stdout=said, stderr=said,
                                        preexec_fn=lambda: pin(0, SERVER_CORE))

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.kill()
        self.process.wait()

    @property
    def log(self):
        return self.log_path.read_text(errors="backslashreplace")

    def ask(self, path, port=80, seconds=20):
        """The whole answer on a connection of its own, TLS on port 443; b"" where there is none."""
        with contextlib.suppress(OSError), self.client.inside(), \
                socket.create_connection((OURS, port), timeout=seconds) as plain:
            with secured(plain, port) as s:
                s.sendall(request(path))
                return b"".join(iter(lambda: s.recv(65536), b""))
        return b""

    def serves(self, path, port=80):
        return self.ask(path, port).startswith(b"HTTP/1.1 200 ")

    def wait_serving(self, path, port=80, seconds=60):
        wait(lambda: self.process.poll() is not None or self.serves(path, port),
             f"{self.process.args} to serve {path}", seconds)
        assert self.process.poll() is None, self.log
        return self

    @property
    def ms(self):
        """Milliseconds since its start."""
        return (time.perf_counter() - self.began) * 1e3

    def ended(self, seconds=60):
        """Milliseconds from the start of QEMU to its end, which is well."""
        end = os.pidfd_open(self.process.pid)  # Popen.wait with a timeout would look every 50 ms
        try:
            select.select([end], [], [], seconds)
            taken = self.ms
        finally:
            os.close(end)
        assert self.process.poll() == 0, f"status {self.process.poll()}: {self.log}"
        return taken

    def first_answer(self, path, port=80, seconds=60):
        """Milliseconds from the start of QEMU to the first whole answer 200 without TLS; None: none
        came. From when QEMU listens to the TAP, which keeps what the guest has not taken, until a
        connection stands, one more is tried now and then, for a SYN may be lost; then one asks, as a
        browser would."""
        self.wait_for_carrier(seconds)
        tries = []
        while self.ms < seconds * 1e3 and self.process.poll() is None:
            tries = [*tries, self.connecting(port)][-PROBES:]
            if stand := select.select([], tries, [], AGAIN)[1]:
                if answered(stand[0], path):
                    return self.ms
                tries = []
        return None

    def wait_for_carrier(self, seconds):
        with self.client.inside(), socket.socket() as s:
            asked = struct.pack("16sH22x", b"tap0", 0)
            while self.ms < seconds * 1e3 and self.process.poll() is None:
                if struct.unpack("16sH22x", fcntl.ioctl(s, SIOCGIFFLAGS, asked))[1] & RUNNING:
                    break
                time.sleep(0.001)

    def connecting(self, port):
        with self.client.inside():
            s = socket.socket()
        s.setblocking(False)
        with contextlib.suppress(BlockingIOError):
            s.connect((OURS, port))
        return s


def answered(s, path):
    """Whether the socket stands, and a whole answer 200 came on it."""
    with contextlib.suppress(OSError):
        s.settimeout(PATIENCE)
        s.sendall(request(path, "Accept-Encoding: gzip\r\n"))
        return b"".join(iter(lambda: s.recv(65536), b"")).startswith(b"HTTP/1.1 200 ")
    return False


def request(path, more=""):
    return f"GET {path} HTTP/1.1\r\nHost: x\r\n{more}Connection: close\r\n\r\n".encode()


def secured(plain, port):
    if port != 443:
        return plain
    context = ssl._create_unverified_context()
    return context.wrap_socket(plain, server_hostname="localhost")
