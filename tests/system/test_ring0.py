"""Images without an operating system, on the machines of QEMU: how they start, and how they must end."""
import contextlib
import json
import re
import socket
import subprocess
import time
import uuid

import pytest

from support import BUILD, SANITIZED, free_port, wait

PROGRAMS = BUILD / "ring0/tests"
CRASHED, FAILED = 67, 69  # platform/pvh/power.h
MACHINES = ["microvm", "pc", "q35"]

pytestmark = pytest.mark.skipif(SANITIZED, reason="ring 0 has checks of its own, no sanitizers")


def qemu(image, machine, memory="32", command_line=""):
    return ["qemu-system-x86_64", "-accel", "tcg", "-machine", machine, "-cpu", "max", "-m", memory, "-nodefaults",
            "-no-user-config", "-display", "none", "-serial", "stdio", "-no-reboot",
            "-device", "isa-debug-exit,iobase=0xf4,iosize=1", "-kernel", str(image), "-append", command_line]


def run(name, machine="microvm", memory="32", *more):
    """What the program says, and the status that QEMU ends with. A later -cpu goes before an earlier one."""
    return run_image(PROGRAMS / f"{name}.kvm", machine, memory, *more)


def run_image(image, machine="microvm", memory="32", *more):
    done = subprocess.run(
        [*qemu(image, machine, memory), *more],
        stdin=subprocess.DEVNULL, capture_output=True, text=True, errors="replace", timeout=120)
    return done.stdout, done.returncode


MUST_FAIL = {
    "write_code": "write to memory that is read-only",
    "write_constant": "write to memory that is read-only",
    "write_relocated": "write to memory that is read-only",
    "run_data": "code in memory that is not executable",
    "run_heap": "code in memory that is not executable",
    "null": "through a null pointer",
    "wraps": "through a null pointer",
    "wraps_far": "a check failed",
    "stack": "below the end of the stack",
    "canary": "a stack frame was overwritten",
    "index": "a check failed",
    "overflow": "a check failed",
    "beyond": "a block of memory was written beyond its end",
    "panics": "not true: w == NULL",
    "divide": "fault: division by zero",
    "protection": "fault: general protection fault",
    "misaligned": "fault: general protection fault",
    "double": "fault: double fault",
}


@pytest.mark.parametrize("name", MUST_FAIL)
def test_must_fail(name):
    said, status = run(name)
    assert MUST_FAIL[name] in said
    assert "and it went on" not in said
    assert status == CRASHED


def test_every_must_fail_program_is_run():
    others = {"lives", "memory", "processor", "time"}
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


def test_processor():
    """Write protection, NX, SMEP, SMAP and UMIP are on where there are, and so is AVX."""
    said, status = run("processor")
    assert status == 0, said
    cr0, cr4, efer, xcr0 = (int(n, 16) for n in re.search(
        r"cr0 (\w+) cr4 (\w+) efer (\w+) xcr0 (\w+) avx 1", said).groups())
    assert cr0 >> 16 & 1 and efer >> 11 & 1
    assert all(cr4 >> bit & 1 for bit in (11, 18, 20, 21)), hex(cr4)
    assert xcr0 == 7


def events(process, until):
    for line in iter(process.stdout.readline, ""):
        said = json.loads(line)
        if "event" in said:
            yield said["event"], said.get("data", {}).get("guest", False)
        if until in line:
            return


@pytest.mark.parametrize("machine", MACHINES)
def test_power_off_is_all_that_is_asked(machine):
    """The hypervisor takes a moment to follow. One that keeps the machine then (libvirt's do) resets none that is off."""
    command = [*qemu(PROGRAMS / "time.kvm", machine), "-serial", "null", "-no-shutdown", "-qmp", "stdio"]
    command[command.index("stdio") - 1:command.index("stdio") + 1] = []
    command.remove("-no-reboot")
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, bufsize=1) as process:
        process.stdin.write('{"execute": "qmp_capabilities"}\n')
        seen = list(events(process, '"STOP"'))
        time.sleep(.3)
        process.stdin.write('{"execute": "quit"}\n')
        seen += events(process, "host-qmp-quit")
    assert [event for event in seen if event[1]] == [("SHUTDOWN", True)]


NO_RANDOM = ["-cpu", "qemu64,-rdrand,-rdseed"]
RANDOM = {
    "microvm": ["-global", "virtio-mmio.force-legacy=false", "-device", "virtio-rng-device"],
    "pc": ["-device", "virtio-rng-pci"],
    # Behind a bridge, and the old way as well.
    "q35": ["-device", "pcie-root-port,id=r,chassis=1", "-device", "virtio-rng-pci,bus=r"],
}


@pytest.mark.parametrize("machine", MACHINES)
def test_random_bytes_of_a_device(machine):
    """On an old processor without a generator of its own."""
    draws = []
    for _ in range(2):
        said, status = run("time", machine, "32", *NO_RANDOM, *RANDOM[machine])
        assert status == 0, said
        draws.append(re.search(r"random ([0-9a-f]{16})", said)[1])
    assert draws[0] != draws[1]


def test_no_random_bytes():
    said, status = run("time", "pc", "32", *NO_RANDOM)
    assert "cannot start: there is no working source of random numbers" in said
    assert status == FAILED


@pytest.mark.parametrize("memory", ["1200K", "1900K", "2", "3"])
def test_too_little_memory(memory):
    """A line, not silence, however little there is: or it runs."""
    said, status = run("memory", "pc", memory)
    assert status == 0 or ("cannot start: too little memory" in said and status == FAILED), said
    assert status == {"1200K": FAILED, "3": 0}.get(memory, status)


def test_start_information_that_is_none(tmp_path):
    """Who is started otherwise than by PVH says so, and ends: nothing that drivers would do is there yet."""
    magic = (0x336ec578).to_bytes(4, "little")
    image = (PROGRAMS / "lives.kvm").read_bytes()
    assert magic in image
    (tmp_path / "other.kvm").write_bytes(image.replace(magic, b"else"))
    said, status = run_image(tmp_path / "other.kvm")
    assert "cannot start: no PVH start information" in said
    assert status == FAILED


def test_console_of_virtio(tmp_path):
    """What is said goes to both consoles; Ctrl-C on virtio's ends the program."""
    with guest(BUILD / "echo/echo.kvm", "pc", [7], "--dhcp=true", tmp_path, "-device", "virtio-serial-pci",
               "-chardev", f"socket,id=c,path={tmp_path}/virtio,server=on,wait=off,logfile={tmp_path}/log",
               "-device", "virtconsole,chardev=c") as it, socket.socket(socket.AF_UNIX) as s:
        wait(lambda: "net: address 10.0.2.15" in (tmp_path / "log").read_text(), "virtio's console")
        s.connect(f"{tmp_path}/virtio")
        s.sendall(b"what is that? \x03")
        assert it.process.wait(timeout=20) == 0
        assert "machine: asked to end" in it.said()


IDENTITIES = {"VMGENID": lambda: f"vmgenid,guid={uuid.uuid4()}", "VMClock": lambda: "vmclock"}


def lives_of(tmp_path, name, identity, *more):
    """A machine that draws random bytes, with an identity of its own."""
    folder = tmp_path / name
    folder.mkdir()
    return guest(PROGRAMS / "lives.kvm", "pc", [], "", folder, "-device", IDENTITIES[identity](), *more,
                 ready="lives: random")


def identities():
    """VMClock is there from QEMU 10 on."""
    known = subprocess.run(["qemu-system-x86_64", "-device", "help"], capture_output=True, text=True, check=False)
    return ["VMGENID"] + ["VMClock"] * ('name "vmclock"' in known.stdout)


@pytest.mark.parametrize("identity", identities())
def test_copies_draw_other_random_bytes(tmp_path, identity):
    """A machine is saved while it runs, and two go on from there, which the host tells them: as copies
    they would have drawn the same, were there only one source which was copied as well."""
    state = tmp_path / "state"
    with lives_of(tmp_path, "first", identity, *NO_RANDOM, *RANDOM["pc"]) as it:
        it.ask("migrate", uri=f"exec:cat >{state}")
        wait(lambda: it.status() == "postmigrate", "the copy")
    draws = []
    for name in ("second", "third"):
        with lives_of(tmp_path, name, identity, *NO_RANDOM, *RANDOM["pc"], "-incoming",
                      f"exec:cat {state}") as it:
            wait(lambda: it.said().count("lives: random") > 2, "random bytes")
            assert "entropy: the machine was copied or taken back" in it.said()
            draws.append(set(re.findall(r"random ([0-9a-f]{16})", it.said())))
    assert not draws[0] & draws[1]


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


@pytest.mark.parametrize("memory", ["5000M", "64G"])
def test_memory_beyond_four_gigabytes(memory):
    """The host has not all of it: only what is touched."""
    said, status = run("time", "pc,memory-backend=m", memory, "-object",
                       f"memory-backend-ram,id=m,size={memory},reserve=off")
    assert status == 0, said


def names_of(*files, undefined=False):
    said = subprocess.run(["nm", "-P", *files], capture_output=True, text=True, check=True).stdout
    kinds = [line.split()[:2] for line in said.splitlines() if len(line.split()) > 1]
    return {name for name, kind in kinds if (kind in "Uw") == undefined}


def test_no_c_library():
    """An image is made of our objects, and of libraries that we built without a C library: no other name."""
    image, objects = BUILD / "echo/echo.kvm.debug", BUILD.rglob("*.o")
    ours = names_of(*(p for p in objects if "ring0" in p.parts or p.parent == image.parent))
    libraries = names_of(*BUILD.parent.glob("build/deps/ring0/*/lib/*.a"))
    laid_out = {n for n in names_of(image) if n.startswith("image_")}  # by platform/pvh/image.ld
    table = {n for n in names_of(image) if re.fullmatch(r"names?\d*|_DYNAMIC|_GLOBAL_OFFSET_TABLE_", n)}
    assert {"start", "memcpy"} <= names_of(image)
    assert names_of(image) - ours - libraries - laid_out - table == set()
    assert names_of(image, undefined=True) == set()


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
            return answer["return"]

    def status(self):
        return self.ask("query-status")["status"]


@contextlib.contextmanager
def guest(image, machine, ports, command_line, tmp_path, *devices, card=None, ready="net: address 10.0.2.15"):
    """A running image behind QEMU's user network."""
    here = {port: free_port() for port in ports}
    forwards = "".join(f",hostfwd=tcp:127.0.0.1:{here[port]}-:{port}" for port in ports)
    with open(tmp_path / "console", "w+") as console:
        process = subprocess.Popen(
            [*qemu(image, machine, "64", command_line), "-netdev", f"user,id=n0{forwards}", *(card or CARDS[machine]),
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


OFFLOADS = ["csum", "gso", "guest_csum", "guest_tso4", "guest_tso6", "host_tso4", "host_tso6", "mrg_rxbuf",
            "event_idx", "indirect_desc"]


@pytest.mark.parametrize("without", [["mrg_rxbuf"], ["guest_csum"], ["event_idx", "indirect_desc"], OFFLOADS])
def test_plain_cards(without, tmp_path):
    """A card can do without each of its arts."""
    card = "virtio-net-pci,netdev=n0,romfile=,host_mtu=1400," + ",".join(f"{w}=off" for w in without)
    with guest(BUILD / "echo/echo.kvm", "pc", [7, 9], "--dhcp=true", tmp_path, card=["-device", card]) as it:
        said = bytes(range(256)) * 1000
        assert converse(it.ports[7], said) == said
        assert converse(it.ports[9], b"x" * 1_000_000) == b"1000000\n"


def test_second_card(tmp_path):
    """The first is used, unless --network says otherwise; the other one is mentioned."""
    second = ["-netdev", "user,id=n1,net=10.0.9.0/24", "-device", "virtio-net-pci,netdev=n1,romfile="]
    for number, address in enumerate(("10.0.2.15", "10.0.9.15")):
        with guest(BUILD / "echo/echo.kvm", "pc", [7], f"--dhcp=true --network={number}", tmp_path, *second,
                   ready=f"net: address {address}") as it:
            assert f"virtio: network card {number} is used, of 2" in it.said()


def test_link_goes_down(tmp_path):
    """And comes back: told by an interrupt."""
    with guest(BUILD / "echo/echo.kvm", "q35", [7], "--dhcp=true", tmp_path) as it:
        it.ask("set_link", name="n0", up=False)
        wait(lambda: "net: the link is down" in it.said(), "the link's end", seconds=20)
        it.ask("set_link", name="n0", up=True)
        wait(lambda: "net: the link is up" in it.said(), "the link", seconds=20)
        assert converse(it.ports[7], b"again") == b"again"


def test_card_behind_a_bridge(tmp_path):
    card = ["-device", "pcie-root-port,id=r,chassis=1", "-device", "virtio-net-pci,netdev=n0,bus=r,romfile="]
    with guest(BUILD / "echo/echo.kvm", "q35", [7], "--dhcp=true", tmp_path, card=card) as it:
        assert converse(it.ports[7], b"over there") == b"over there"


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


def test_ctrl_alt_delete(tmp_path):
    """As hypervisors type it that have no power button."""
    with guest(BUILD / "echo/echo.kvm", "pc", [7], "--dhcp=true", tmp_path) as it:
        it.ask("send-key", keys=[{"type": "qcode", "data": key} for key in ("ctrl", "alt", "delete")])
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
