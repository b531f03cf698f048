"""A real Xen with a Debian dom0 in an emulated machine, and the door to that dom0.

QEMU starts the hypervisor by multiboot, with dom0's kernel and initramfs as modules. In dom0 an agent
(dom0/run, dom0/put, behind an HTTP server) runs the scripts that it is sent; QEMU's user network leads
there, and to nowhere else.
"""
import io
import re
import subprocess
import tarfile
import tempfile
import urllib.request
from pathlib import Path

import machine
from support import free_port, wait

BRIDGE = "198.167.222.1"   # dom0, on br0
GUEST = "198.167.222.205"  # the guest's, where it has a network
AGENT = 8000
XEN_BIN = "usr/lib/xen-4.20/bin"
# QEMU reports an intercepted RDTSCP as RDTSC, for which Xen ends the guest; with SMAP of QEMU 7.2 dom0
# falls at its first IRET. Wide registers and fast string moves are slower than what is done without them.
CPU = "max,-rdtscp,-smap,-avx,-erms,-fsrm"
MEMORY, GUESTS_MEMORY = 512, 640  # MiB: dom0's, and what Xen has besides
LEAST = 8  # MiB of a guest: the less, the sooner it is created

# Nothing is guarded here that an attacker could want, and pages are cleaned by whoever takes them.
XEN_LINE = ("console=com1 com1=115200,8n1 loglvl=warning guest_loglvl=all no-real-mode noreboot bootscrub=no "
            "spec-ctrl=no dom0_max_vcpus=1 dom0_mem={0}M,max:{0}M")
LINUX_LINE = "console=hvc0 loglevel=4 mitigations=off init_on_alloc=0 lsm= rdinit=/init"

PROGRAMS = ["usr/bin/bash", "usr/bin/ip", "usr/bin/xenstore", "usr/bin/curl", "usr/bin/git",
            "usr/lib/git-core/git-daemon",
            "usr/lib/x86_64-linux-gnu/libgcc_s.so.1",  # libxl's pthread_cancel() loads it
            *(f"{XEN_BIN}/{name}" for name in ("xl", "xenstored", "xenconsoled", "xenconsole", "xen-init-dom0",
                                               "libxl-save-helper", "xenctx", "lsevtchn"))]
MODULES = ["xenfs", "xen_privcmd", "xen_evtchn", "xen_gntdev", "xen_gntalloc", "xen_netback", "xen_blkback", "loop",
           "bridge", "e1000"]


def build(programs=()):
    """dom0's initramfs, without what a test adds."""
    here = machine.ROOT / "tests/xen/dom0"
    dom0 = machine.Machine()
    for path in [*PROGRAMS, *programs]:
        dom0.program(path)
    for name in ("chmod", "exists", "list", "ls", "read", "rm", "watch", "write"):
        dom0.link(f"usr/bin/xenstore-{name}", "xenstore")
    for name in ("xl", "xenstored", "xenconsoled", "xen-init-dom0", "lsevtchn"):
        dom0.link(f"usr/sbin/{name}", f"/{XEN_BIN}/{name}")
    for name in ("git", "git-upload-pack", "git-receive-pack"):
        dom0.link(f"usr/lib/git-core/{name}", "/usr/bin/git")
    dom0.tree("etc/xen")
    for name in MODULES:
        dom0.module(name)
    for path in ("run/lock", "run/xen", "run/xenstored", "var/lib/xen", "var/lib/xenstored", "var/log/xen/console",
                 "lab"):
        dom0.folder(path)
    dom0.link("var/lock", "../run/lock")
    dom0.file("init", (here / "init").read_text(), 0o755)
    for name in ("vif-bridge", "block"):
        dom0.file(f"etc/xen/scripts/{name}", (here / name).read_text(), 0o755)
    for name in ("run", "put"):
        dom0.file(f"agent/cgi-bin/{name}", (here / name).read_text(), 0o755)
    for name in ("exchange", "visit"):
        dom0.file(f"usr/bin/{name}", compiled(here / f"{name}.c"), 0o755)
    dom0.file("usr/lib/absent.so", compiled(here / "absent.c", "-shared", "-fPIC"))
    return dom0


def compiled(source, *options):
    """A program or library of our own for dom0, whose C library is at least as new as this machine's."""
    with tempfile.NamedTemporaryFile() as into:
        subprocess.run(["cc", "-D_GNU_SOURCE", "-O2", *options, source, "-o", into.name], check=True)
        return Path(into.name).read_bytes()


class Failed(AssertionError):
    """A script in dom0 did not end well; the text says which, and what it said."""


class Dom0:
    """A booted machine. forwards: ports of the guest that are reachable from here, {guest: here}."""

    def __init__(self, folder, files=None, forwards=(), programs=(), memory=MEMORY):
        """files: what dom0 finds in /lab, or where a name that begins with / says: {name: bytes or Path}."""
        self.folder = folder
        self.files = dict(files or {})
        self.programs, self.memory = programs, memory
        self.port = free_port()
        self.git_port = free_port()
        self.here = {port: free_port() for port in forwards}
        self.process = None

    # --- the machine

    def lay_out(self):
        """The files that QEMU starts from."""
        dom0 = build(self.programs)
        for name, content in self.files.items():
            dom0.file(str(Path("/lab", name))[1:], content if isinstance(content, bytes) else content.read_bytes())
        (self.folder / "initrd").write_bytes(dom0.archive())
        (self.folder / "vmlinux").write_bytes(machine.unpacked_kernel(machine.kernel()))
        (self.folder / "xen").write_bytes(machine.hypervisor())

    def command(self):
        forwards = {(BRIDGE, AGENT): self.port, (BRIDGE, 9418): self.git_port,
                    **{(GUEST, port): here for port, here in self.here.items()}}
        network = "user,id=n0,restrict=on,net=198.167.222.0/24,host=198.167.222.254,dns=198.167.222.253," \
                  "dhcpstart=198.167.222.100" + "".join(
                      f",hostfwd=tcp:127.0.0.1:{here}-{host}:{port}" for (host, port), here in forwards.items())
        return ["qemu-system-x86_64", "-accel", "tcg,thread=multi", "-machine", "pc", "-cpu", CPU, "-smp", "2",
                "-m", str(self.memory + GUESTS_MEMORY), "-nodefaults", "-no-user-config",
                "-display", "none", "-serial", "stdio", "-no-reboot", "-netdev", network, "-device", "e1000,netdev=n0,romfile=", "-kernel", self.folder / "xen",
                "-append", XEN_LINE.format(self.memory), "-initrd",
                f"{self.folder}/vmlinux {LINUX_LINE},{self.folder}/initrd"]

    def start(self, seconds=240):
        self.lay_out()
        with open(self.folder / "console", "wb") as console:
            self.process = subprocess.Popen(self.command(), stdin=subprocess.DEVNULL, stdout=console,
                                            stderr=subprocess.STDOUT)
        try:
            wait(lambda: self.fell() or self.answers(), "dom0 to come up", seconds)
            assert not self.fell(), f"dom0 fell:\n{self.console()[-3000:]}"
        except BaseException:
            self.stop()
            raise
        return self

    def answers(self):
        try:
            return " ready" in self.console() and self.run("true", seconds=10)[0] == 0
        except OSError:
            return False

    def fell(self):
        return self.process.poll() is not None or re.search("d0v0 Unhandled|Panic on CPU|Kernel panic", self.console())

    def stop(self):
        if self.process:
            self.process.kill()
            self.process.wait()

    def __enter__(self):
        return self.start()

    def __exit__(self, *_):
        self.stop()

    def console(self):
        """What Xen, dom0 and, by port 0xE9, guests have said."""
        return (self.folder / "console").read_text(errors="replace")

    # --- its door

    def ask(self, path, body, seconds):
        request = urllib.request.Request(f"http://127.0.0.1:{self.port}/cgi-bin/{path}", data=body, method="POST")
        with urllib.request.urlopen(request, timeout=seconds) as answer:
            said = answer.read()
        text, mark, status = said.rpartition(b"status ")
        if not mark:
            raise Failed(f"dom0's agent broke off: {said[-300:]!r}")
        return int(status), text.removesuffix(b"\n")

    def run(self, script, seconds=120):
        """(status, output) of a shell script that runs in dom0's /lab."""
        status, said = self.ask("run", script.encode(), seconds)
        return status, said.decode(errors="replace")

    def do(self, script, seconds=120):
        """The output of a script that must end well."""
        status, said = self.run(script, seconds)
        if status:
            raise Failed(f"in dom0, status {status} of: {script}\n{said}\n--- the machine's console ends with:\n"
                         f"{self.console()[-2000:]}")
        return said

    def put(self, name, content):
        status, said = self.ask(f"put?{name}", content, 120)
        assert status == 0, said

    def bring(self, files):
        """As the files that it began with: {name: Path}."""
        packed = io.BytesIO()
        with tarfile.open(fileobj=packed, mode="w:gz") as tar:
            for name, path in files.items():
                tar.add(path, str(Path("/lab", name)))
        self.put("brought", packed.getvalue())
        self.do("tar -xz -C / -f brought && rm brought")

    def get(self, name):
        status, said = self.ask("run", f"cat {name}".encode(), 120)
        assert status == 0, said
        return said

    def until(self, script, what, seconds=120):
        """Runs the script in dom0 again until it ends well; its output."""
        status, said = self.run(f"end=$((EPOCHSECONDS + {seconds})); until {{ {script}\n}} >/tmp/until 2>&1; do "
                                "[ $EPOCHSECONDS -lt $end ] || { cat /tmp/until; exit 1; }; sleep 0.1; done; "
                                "cat /tmp/until", seconds + 120)
        if status:
            raise Failed(f"waited {seconds} s in vain for {what}:\n{said}\n--- the machine's console ends with:\n"
                         f"{self.console()[-2000:]}")
        return said

    # --- guests

    def describe(self, name, kernel, extra="", memory=LEAST, vif=True, more=""):
        """A configuration for xl as one writes it by hand, for a file of /lab."""
        text = (f"name = '{name}'\ntype = 'pvh'\nkernel = '/lab/{kernel}'\nmemory = {memory}\n"
                f"vcpus = 1\nextra = '{extra}'\non_crash = 'preserve'\n{more}\n"
                + ("vif = [ 'mac=00:16:3e:00:02:05,bridge=br0' ]\n" if vif else ""))
        self.put(f"{name}.xl", text.encode())

    def create(self, name, *arguments, command="create", **options):
        self.describe(name, *arguments, **options)
        return self.do(f"xl {command} -q {name}.xl")

    def said(self, name):
        """What a guest has written to its console."""
        return self.do(f"cat /var/log/xen/console/guest-{name}.log 2>/dev/null || true")
