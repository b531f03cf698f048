"""Networks of a test's own: network namespaces, with TAPs, bridges, and a wire that harms.

A namespace here has no name: it lives as long as this process holds it, so that nothing is left
behind, whatever becomes of a test. It takes root (and no other privilege of the machine).

    near                               far
    tap0 -- br0 -- out ==== wire ==== eth0       Wired: something on tap0, a client at eth0

Frames on the wire are as on a cable: of MTU size, with checksums. So the offloads of the two
interfaces that send into it are off (the kernel cuts and sums there, in software); between a TAP
and its own namespace, and inside of the bridge, segments of 64 KiB pass whole.
"""
import contextlib
import ctypes
import ipaddress
import os
import shlex
import shutil
import subprocess
import time
from pathlib import Path

import client
from program import SANITIZER, Canopy
from support import BUILD, SLOWER, accepts, wait

CLONE_NEWNET = 0x40000000
LIBC = ctypes.CDLL(None, use_errno=True)
WIRE = BUILD / "tests/system/wire/wire"

# Who is who, in every network made here.
CLIENT, CLIENT6 = "10.77.0.1", "fd77::1"
OURS, OURS6 = "10.77.0.2", "fd77::2"
LINUX, LINUX6 = "10.77.0.3", "fd77::3"


def on_tap(number=0):
    """The settings that put a program of ours there."""
    ip = f"{OURS}{number or ''}/24,{OURS6}{number or ''}/64"
    return ["--net", f"tap:tap{number}", "--dhcp", "false", "--ip", ip, "--gateways", CLIENT]


def _permitted():
    return os.geteuid() == 0 and os.access("/dev/net/tun", os.W_OK) and \
        subprocess.run(["unshare", "--net", "true"], capture_output=True).returncode == 0


PERMITTED = _permitted()  # to make such networks: tests are skipped where not


def _call(function, *arguments):
    if function(*arguments) != 0:
        number = ctypes.get_errno()
        raise OSError(number, f"{function.__name__}: {os.strerror(number)}")


def _present():
    return os.open("/proc/thread-self/ns/net", os.O_RDONLY | os.O_CLOEXEC)


def find(program):
    found = shutil.which(program) or shutil.which(program, path="/usr/sbin:/sbin")
    assert found, f"{program} is not here: run deps/install test"
    return found


class Namespace:
    """A network of its own, empty but for lo. close() ends what start() began."""

    def __init__(self):
        home = _present()
        try:
            _call(LIBC.unshare, CLONE_NEWNET)
            self.fd = _present()
        finally:
            _call(LIBC.setns, home, CLONE_NEWNET)
            os.close(home)
        self.processes = []
        # What was learnt of a path in one round is not to help in the next.
        self.sysctl("net.ipv4.tcp_no_metrics_save", 1)
        self.ip("link set dev lo up")

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    @property
    def path(self):
        """For commands of ip that take a namespace."""
        return f"/proc/{os.getpid()}/fd/{self.fd}"

    @contextlib.contextmanager
    def inside(self):
        """This thread is in it: processes started meanwhile are as well, and sockets opened
        meanwhile stay."""
        before = _present()
        _call(LIBC.setns, self.fd, CLONE_NEWNET)
        try:
            yield self
        finally:
            _call(LIBC.setns, before, CLONE_NEWNET)
            os.close(before)

    def run(self, *command, check=True, **options):
        """A command in it, to its end: what it wrote. One string is cut into words."""
        if len(command) == 1:
            command = shlex.split(command[0])
        options = {"capture_output": True, "text": True, "timeout": 60, **options}
        with self.inside():
            done = subprocess.run([find(command[0]), *map(str, command[1:])], **options)
        assert done.returncode == 0 or not check, f"{command}: {done.stdout}{done.stderr}"
        return done.stdout

    def start(self, *command, **options):
        """A command in it that goes on: its Popen. It is ended by close() at the latest."""
        if len(command) == 1:
            command = shlex.split(command[0])
        with self.inside():
            process = subprocess.Popen([find(command[0]), *map(str, command[1:])],
                                       **{"stdin": subprocess.DEVNULL, **options})
        self.processes.append(process)
        return process

    def ip(self, *lines):
        """Lines of `ip -batch`."""
        self.run("ip", "-batch", "-", input="\n".join(lines) + "\n")

    def sysctl(self, name, value):
        with self.inside():
            Path("/proc/sys", name.replace(".", "/")).write_text(f"{value}\n")

    def address(self, interface, *addresses):
        """Up, with these: usable at once. Linux's TCP is to use CUBIC there, as ours does, whatever
        this machine prefers."""
        self.ip(f"link set dev {interface} up",
                *(f"addr add {a} dev {interface}{' nodad' if ':' in a else ''}"
                  for a in addresses),
                *(f"route replace {ipaddress.ip_interface(a).network} dev {interface}"
                  f"{' metric 256' if ':' in a else ' scope link'} congctl cubic"
                  for a in addresses))

    def tap(self, name="tap0", *addresses):
        """The kernel's side of a TAP; a program takes the other by its name. The queue in between
        is long: a program that waits for a core is not to look like a bad wire."""
        self.ip(f"tuntap add dev {name} mode tap vnet_hdr",
                f"link set dev {name} txqueuelen 10000")
        self.address(name, *addresses)
        return name

    def veth(self, name, other, peer):
        """A cable from `name` here to `peer` in the other namespace."""
        self.ip(f"link add {name} type veth peer name {peer} netns {other.path}",
                f"link set dev {name} up")
        other.ip(f"link set dev {peer} up")

    def plain_frames(self, interface):
        """What leaves through it is as on a cable."""
        self.run("ethtool", "-K", interface, "tx", "off", "tso", "off", "gro", "off")

    def quiet(self):
        """No traffic of the kernel's own: it only forwards."""
        for which in ("all", "default"):
            self.sysctl(f"net.ipv6.conf.{which}.disable_ipv6", 1)
        return self

    def close(self):
        for process in self.processes:
            if process.poll() is None:
                process.kill()
                process.wait()
        self.processes = []
        if self.fd >= 0:
            os.close(self.fd)
            self.fd = -1


class Wire:
    """The program tests/system/wire between two interfaces; harm(loss=1, delay=25, seed=3,
    all=True): its options."""

    def __init__(self, namespace, a, b, **harm):
        assert WIRE.exists(), f"{WIRE} is not built: run `make system-build`"
        options = [word for name, value in harm.items()
                   for word in ([f"--{name}"] if value is True else [f"--{name}", str(value)])]
        with namespace.inside():
            self.process = subprocess.Popen([str(WIRE), a, b, *options], stdin=subprocess.PIPE,
                                            stdout=subprocess.PIPE, text=True)
        assert self.process.stdout.readline() == "ready\n", f"wire {a} {b} {options}"

    def stop(self):
        """{counter: value}"""
        if self.process is None:
            return {}
        process, self.process = self.process, None
        output, _ = process.communicate(timeout=20)
        assert process.returncode == 0, output
        return {name: int(value) for name, value in map(str.split, output.splitlines())}


class Wired:
    """A client at `far`, servers at `near`: on tap0 (OURS), and Linux itself (LINUX); the wire
    between them. Its counters are there once it is closed: ab_ is from near to far."""

    def __init__(self, taps=1, **harm):
        with contextlib.ExitStack() as stack:
            self.far, self.near, self.middle = [stack.enter_context(Namespace()) for _ in range(3)]
            self.middle.quiet()
            self._connect(taps)
            self.wire = Wire(self.middle, "a", "b", **harm)
            stack.callback(self._stop)
            self.counters = {}
            self.faults = {"oversized", "unsummed", "overrun", "shed", "unsent"}
            self.stack = stack.pop_all()

    def _connect(self, taps):
        near, far = self.near, self.far
        near.sysctl("net.ipv6.conf.default.accept_ra", 0)
        far.sysctl("net.ipv6.conf.default.accept_ra", 0)
        near.ip("link add br0 type bridge mcast_snooping 0 forward_delay 0")
        near.veth("out", self.middle, "a")
        far.veth("eth0", self.middle, "b")
        members = ["out"] + [near.tap(f"tap{number}") for number in range(taps)]
        for member in members:
            near.sysctl(f"net.ipv6.conf.{member}.disable_ipv6", 1)
            near.ip(f"link set dev {member} master br0")
        near.plain_frames("out")
        far.plain_frames("eth0")
        near.address("br0", f"{LINUX}/24", f"{LINUX6}/64")
        far.address("eth0", f"{CLIENT}/24", f"{CLIENT6}/64")

    def _stop(self):
        self.counters = self.wire.stop()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def close(self):
        """Also says whether the lab itself did harm that nobody asked for."""
        self.stack.close()
        for direction in ("ab", "ba"):
            for name in self.faults:
                assert self.counters.get(f"{direction}_{name}", 0) == 0, self.counters


class Server:
    """A program in a namespace: over our stack on tap0 ("ours"), over lwIP there ("lwip"), or over
    the host's sockets ("linux"). `host`, `host6`: where it is found. tap: the number of another."""

    def __init__(self, folder, namespace, kind, name="echo", program=None, arguments=(), tap=0):
        program = program or BUILD / (f"lwip-{name}" if kind == "lwip" else name) / name
        self.host, self.host6 = (LINUX, LINUX6) if kind == "linux" else \
            (f"{OURS}{tap or ''}", f"{OURS6}{tap or ''}")
        self.log_path = Path(folder) / f"{name}-{kind}-{time.monotonic_ns()}.log"
        network = [] if kind == "linux" else on_tap(tap)
        with open(self.log_path, "wb") as log:
            self.process = namespace.start(str(program), *network, *arguments, stdout=log,
                                           stderr=log)
        wait(lambda: " port " in self.log or self.process.poll() is not None, f"{program}")
        assert self.process.poll() is None, self.log
        time.sleep(0.1)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.stop()

    @property
    def log(self):
        return self.log_path.read_text(errors="backslashreplace")

    def stop(self):
        """It must end well."""
        if self.process.poll() is None:
            self.process.terminate()
        status = self.process.wait(20 * SLOWER)
        complaint = SANITIZER.search(self.log)
        assert status == 0 and not complaint, f"status {status}: {self.log[-8000:]}"


class TapCanopy(Canopy):
    """A canopy that lives in one namespace, and is asked from another at `host`."""

    def __init__(self, folder, arguments, home, host=OURS, asker=None, **options):
        super().__init__(folder, arguments, **options)
        self.home, self.asker, self.host = home, asker or home, host

    @property
    def base(self):
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"http://{host}:{self.port}"

    def start(self):
        with self.home.inside():
            return super().start()

    def wait_listening(self):
        def listens():
            with self.asker.inside():
                return accepts(self.port, self.host)
        wait(lambda: self.ended() or listens(), f"{self.command} to listen\n{self.log}")
        assert not self.ended(), f"ended with {self.process.returncode}:\n{self.log}"
        return self

    def request(self, method, target, fields=None, body=b"", **options):
        with self.asker.inside():
            return client.request(self.port, method, target, fields, body,
                                  **{"host": self.host, **options})

    def connect(self, **options):
        with self.asker.inside():
            return client.Connection(self.port, **{"host": self.host, **options})
