"""`ringlet core`: a dump of a guest of Xen becomes a core file that gdb opens with the image's names.

The guest is one of QEMU here, whose memory and registers are laid out as `xl dump-core` does it
(tests/xen has that one's own, which takes minutes under an emulated Xen)."""
import re
import shlex
import socket
import struct
import subprocess

import pytest

from images import tool
from support import BUILD, SANITIZED, wait
from test_ring0 import qemu

PAGE = 4096
MEMORY = 32
IMAGE = BUILD / "ring0/tests/stack.kvm"
OTHER = BUILD / "ring0/tests/time.kvm"
REGISTERS = "r15 r14 r13 r12 rbp rbx r11 r10 r9 r8 rax rcx rdx rsi rdi".split()

pytestmark = pytest.mark.skipif(SANITIZED, reason="an image of ring 0 has no sanitizers")


class Monitor:
    def __init__(self, path):
        self.socket = socket.socket(socket.AF_UNIX)
        self.socket.settimeout(60)
        self.socket.connect(str(path))
        self.read()

    def read(self):
        said = b""
        while not said.endswith(b"(qemu) "):
            said += self.socket.recv(65536)
        return said.decode(errors="replace")

    def ask(self, command):
        self.socket.sendall(command.encode() + b"\n")
        return self.read()


@pytest.fixture(scope="module")
def stopped(tmp_path_factory):
    """Memory and registers of a program that has failed, whose machine is kept."""
    folder = tmp_path_factory.mktemp("guest")
    command = qemu(IMAGE, "pc", str(MEMORY))
    command = [c for c in command if c != "-no-reboot"]
    at = command.index("-device")
    del command[at:at + 2]
    process = subprocess.Popen([*command, "-action", "reboot=shutdown,shutdown=pause", "-monitor",
                                f"unix:{folder}/monitor,server=on,wait=off"],
                               stdin=subprocess.DEVNULL, stdout=open(folder / "said", "w"))
    try:
        wait(lambda: (folder / "monitor").exists(), "QEMU's monitor")
        monitor = Monitor(folder / "monitor")
        wait(lambda: "paused" in monitor.ask("info status"), "the program to fail", seconds=60)
        registers = dict((k.lower(), int(v, 16)) for k, v in
                         re.findall(r"\b([A-Z][A-Z0-9]{1,2}) *=([0-9a-f]{8,16})\b", monitor.ask("info registers")))
        monitor.ask(f"pmemsave 0 {MEMORY << 20} \"{folder}/memory\"")
    finally:
        process.kill()
        process.wait()
    return (folder / "memory").read_bytes(), registers


def context(registers):
    """struct vcpu_guest_context of x86-64 (xen/include/public/arch-x86/xen.h)."""
    user = struct.pack("<15Q", *(registers[r] for r in REGISTERS))
    user += struct.pack("<II7Q", 0, 0, registers["rip"], 8, registers["rfl"], registers["rsp"], 0, 0, 0)
    user += struct.pack("<2Q", 0, 0)
    rest = bytes(256 * 16 + 2 * 8 + 17 * 8 + 2 * 8)
    control = struct.pack("<8Q", registers["cr0"], 0, registers["cr2"], registers["cr3"], registers["cr4"], 0, 0, 0)
    made = bytes(512 + 8) + user + rest + control
    return made.ljust(5168, b"\0")


def dump(memory, contexts):
    """What xl dump-core writes: an ELF file with sections and no segments."""
    frames = [n for n in range(len(memory) // PAGE) if not 0xa0 <= n < 0x100]
    parts = {".xen_prstatus": contexts,
             ".xen_pages": b"".join(memory[n * PAGE:(n + 1) * PAGE] for n in frames),
             ".xen_pfn": struct.pack(f"<{len(frames)}Q", *frames)}
    names = b"\0" + b"".join(name.encode() + b"\0" for name in [".shstrtab", *parts])
    parts = {".shstrtab": names, **parts}
    at, heads, body = 64 + 64 * (len(parts) + 1), bytes(64), b""
    for name, content in parts.items():
        heads += struct.pack("<IIQQQQIIQQ", names.index(name.encode() + b"\0"), 3 if name == ".shstrtab" else 1, 0, 0,
                             at + len(body), len(content), 0, 0, 1, 0)
        body += content
    return struct.pack("<16sHHIQQQIHHHHHH", b"\x7fELF\2\1\1", 4, 62, 1, 0, 0, 64, 0, 64, 56, 0, 64,
                       len(parts) + 1, 1) + heads + body


def gdb(line, *commands):
    """What gdb says, started as ringlet core says."""
    done = subprocess.run([*shlex.split(line), "-nx", "-batch", *(a for c in commands for a in ("-ex", c))],
                          capture_output=True, text=True, timeout=60)
    return done.stdout + done.stderr


def test_gdb_opens_it(stopped, tmp_path):
    memory, registers = stopped
    (tmp_path / "dump").write_bytes(dump(memory, context(registers)))
    status, line, _ = tool("core", tmp_path / "dump", IMAGE, tmp_path / "core")
    assert status == 0
    said = gdb(line, "info registers rip", "backtrace", "frame function stop", "info symbol f->rip")
    assert f"{registers['rip']:#x}" in said
    assert re.search(r"^#\d .*\bpower_crash \(\) at platform/pvh/power.c:\d+$", said, re.M), said
    assert re.search(r"^deeper \+ \d+ in section .text", said, re.M), said  # where it was when it failed


def test_what_is_no_dump(tmp_path, stopped):
    memory, registers = stopped
    (tmp_path / "text").write_text("not a dump\n")
    status, _, said = tool("core", tmp_path / "text", IMAGE, tmp_path / "core")
    assert status == 1 and "text" in said
    whole = dump(memory, context(registers))
    (tmp_path / "cut").write_bytes(whole[:len(whole) // 2])
    assert tool("core", tmp_path / "cut", IMAGE, tmp_path / "core")[0] == 1
    (tmp_path / "other").write_bytes(whole)
    status, _, said = tool("core", tmp_path / "other", OTHER, tmp_path / "core")
    assert status == 1 and "is not a dump of" in said
    assert not (tmp_path / "core").exists()
