"""Images without an operating system, on the machines of QEMU: how they start, and how they must end."""
import contextlib
import json
import re
import socket
import subprocess

import pytest

from support import BUILD, SANITIZED, free_port, wait

PROGRAMS = BUILD / "ring0/tests"
CRASHED = 67  # platform/pvh/power.h
MACHINES = ["microvm", "pc", "q35"]

pytestmark = pytest.mark.skipif(SANITIZED, reason="ring 0 has checks of its own, no sanitizers")


def qemu(image, machine, memory="32", command_line=""):
    return ["qemu-system-x86_64", "-accel", "tcg", "-machine", machine, "-cpu", "max", "-m", memory, "-nodefaults",
            "-no-user-config", "-display", "none", "-serial", "stdio", "-no-reboot",
            "-device", "isa-debug-exit,iobase=0xf4,iosize=1", "-kernel", str(image), "-append", command_line]


def run(name, machine="microvm", memory="32"):
    """What the program says, and the status that QEMU ends with."""
    done = subprocess.run(
        qemu(PROGRAMS / f"{name}.kvm", machine, memory),
        stdin=subprocess.DEVNULL, capture_output=True, text=True, errors="replace", timeout=120)
    return done.stdout, done.returncode


MUST_FAIL = {
    "write_code": "write to memory that is read-only",
    "write_constant": "write to memory that is read-only",
    "write_relocated": "write to memory that is read-only",
    "run_data": "code in memory that is not executable",
    "run_heap": "code in memory that is not executable",
    "null": "through a null pointer",
    "stack": "below the end of the stack",
    "canary": "a stack frame was overwritten",
    "index": "a check failed",
    "overflow": "a check failed",
    "beyond": "a block of memory was written beyond its end",
    "panics": "not true: w == NULL",
}


@pytest.mark.parametrize("name", MUST_FAIL)
def test_must_fail(name):
    said, status = run(name)
    assert MUST_FAIL[name] in said
    assert "and it went on" not in said
    assert status == CRASHED


def test_every_must_fail_program_is_run():
    others = {"memory", "time"}
    assert {p.stem for p in PROGRAMS.glob("*.kvm")} == set(MUST_FAIL) | others


def test_backtrace():
    """A fault says what happened, the registers, and who called whom by name."""
    said, _ = run("stack")
    assert re.search(r"^fault: page fault, .* at [0-9a-f]{16}$", said, re.M)
    assert re.search(r"^  rax [0-9a-f]{16}  rbx ", said, re.M)
    assert re.search(r"^  in   [0-9a-f]{16} deeper\+0x[0-9a-f]+$", said, re.M)
    assert re.search(r"^  from [0-9a-f]{16} deeper\+0x[0-9a-f]+$", said, re.M)


def test_addresses_are_drawn():
    places = {re.search(r"^  in   ([0-9a-f]{16})", run("null")[0], re.M)[1] for _ in range(3)}
    assert len(places) == 3


@pytest.mark.parametrize("memory", ["16", "100"])
def test_all_memory_is_taken(memory):
    said, status = run("memory", "pc", memory)
    assert status == 0, said
    found = re.search(r"(\d+) large, (\d+) small, (\d+) large again, 3 refused, 0 blocks left", said)
    large = int(found[1]) * 100_000
    assert large > int(memory) * 1_000_000 * 0.8


@pytest.mark.parametrize("machine", MACHINES)
def test_time_and_randomness(machine):
    said, status = run("time", machine)
    assert status == 0, said
    slept, random = re.search(r"slept (\d+) us, random ([0-9a-f]{16})", said).groups()
    assert int(slept) >= 100_000
    assert random != re.search(r"random ([0-9a-f]{16})", run("time", machine)[0])[1]


def test_memory_beyond_four_gigabytes():
    said, status = run("time", "pc", "5000")
    assert status == 0, said


CARDS = {
    "microvm": ["-global", "virtio-mmio.force-legacy=false", "-device", "virtio-net-device,netdev=n0"],
    "microvm,acpi=off": ["-global", "virtio-mmio.force-legacy=false", "-device", "virtio-net-device,netdev=n0"],
    "pc": ["-device", "virtio-net-pci,netdev=n0,romfile="],
    "q35": ["-device", "virtio-net-pci,netdev=n0,disable-legacy=on,romfile="],
}


class Guest:
    """A running image: its ports as they are reached here, what it says, and QEMU's monitor."""

    def __init__(self, process, ports, folder):
        self.process, self.ports, self.folder = process, ports, folder

    def said(self):
        return (self.folder / "console").read_text(errors="replace")

    def ask(self, command, **arguments):
        """One command to the monitor."""
        with socket.socket(socket.AF_UNIX) as s:
            s.settimeout(20)
            s.connect(str(self.folder / "monitor"))
            lines = s.makefile("rw")
            lines.readline()
            for each in ({"execute": "qmp_capabilities"}, {"execute": command, "arguments": arguments}):
                lines.write(json.dumps(each) + "\n")
                lines.flush()
                while "event" in (answer := json.loads(lines.readline())):
                    pass
                assert "return" in answer, answer


@contextlib.contextmanager
def guest(image, machine, ports, command_line, tmp_path, *devices, ready="net: address 10.0.2.15"):
    """A running image behind QEMU's user network."""
    here = {port: free_port() for port in ports}
    forwards = "".join(f",hostfwd=tcp:127.0.0.1:{here[port]}-:{port}" for port in ports)
    with open(tmp_path / "console", "w+") as console:
        process = subprocess.Popen(
            [*qemu(image, machine, "64", command_line), "-netdev", f"user,id=n0{forwards}", *CARDS[machine],
             "-qmp", f"unix:{tmp_path}/monitor,server,nowait", *devices],
            stdin=subprocess.DEVNULL, stdout=console, stderr=subprocess.STDOUT)
        it = Guest(process, here, tmp_path)
        try:
            wait(lambda: ready in it.said(), ready, seconds=60)
            yield it
        finally:
            process.kill()
            process.wait()


def converse(port, sent):
    """Sends, ends, and gives back all that comes."""
    with socket.create_connection(("127.0.0.1", port), timeout=60) as s:
        s.sendall(sent)
        s.shutdown(socket.SHUT_WR)
        return b"".join(iter(lambda: s.recv(65536), b""))


@pytest.mark.parametrize("machine", CARDS)
def test_network(machine, tmp_path):
    """An address by DHCP, then bytes both ways through our own stack over virtio."""
    image = BUILD / "echo/echo.kvm"
    with guest(image, machine, [7, 9, 19], "--dhcp=true", tmp_path) as it:
        ports = it.ports
        said = bytes(range(256)) * 400
        assert converse(ports[7], said) == said
        assert converse(ports[9], b"x" * 3_000_000) == b"3000000\n"
        with socket.create_connection(("127.0.0.1", ports[19]), timeout=60) as s:
            had = 0
            while had < 5_000_000:
                had += len(s.recv(1 << 20))
        for _ in range(50):
            assert converse(ports[7], b"again") == b"again"


@pytest.mark.parametrize("machine", ["microvm", "pc", "q35"])
def test_power_button(machine, tmp_path):
    """ACPI's button: of the fixed events on pc and q35, of a generic event device on microvm."""
    with guest(BUILD / "echo/echo.kvm", machine, [7], "--dhcp=true", tmp_path) as it:
        with socket.create_connection(("127.0.0.1", it.ports[7]), timeout=60) as s:
            s.sendall(b"in flight")
            assert s.recv(100) == b"in flight"
        it.ask("system_powerdown")
        assert it.process.wait(timeout=20) == 0
        assert "machine: asked to end" in it.said()


def test_no_card(tmp_path):
    said = subprocess.run(qemu(BUILD / "echo/echo.kvm", "pc"), stdin=subprocess.DEVNULL, capture_output=True,
                          text=True, timeout=60)
    assert "there is no network card" in said.stdout
    assert said.returncode != 0


def test_wrong_settings():
    said = subprocess.run(qemu(BUILD / "echo/echo.kvm", "pc", "32", "--port=70000"), stdin=subprocess.DEVNULL,
                          capture_output=True, text=True, timeout=60)
    assert "port" in said.stdout and "70000" in said.stdout
    assert said.returncode != 0
