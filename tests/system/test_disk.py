"""Block devices: apps/disk overwrites one through each of the platforms, and the file is looked at from here."""
import re
import subprocess
import zlib

import pytest

from images import build
from support import SANITIZED
from test_ring0 import FAILED, qemu

SECTORS = 3001  # no whole number of requests
DISKS = {
    "pc": ["-device", "virtio-blk-pci,drive=d0"],
    "microvm": ["-global", "virtio-mmio.force-legacy=false", "-device", "virtio-blk-device,drive=d0"],
}

needs_ring0 = pytest.mark.skipif(SANITIZED, reason="ring 0 has checks of its own, no sanitizers")


def sector(number):
    """As apps/disk/disk.c has it."""
    return number.to_bytes(8, "little") + bytes((i * 7 + number * 13) & 255 for i in range(8, 512))


def pattern(count):
    return b"".join(map(sector, range(count)))


def checksum(content):
    return sum(zlib.adler32(content[at:at + 512]) for at in range(0, len(content), 512)) & 0xffffffff


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("disk")


@pytest.fixture(scope="module")
def image(folder):
    (folder / "target").write_text("kvm")
    return build(folder, folder, "disk")


@pytest.fixture
def raw(tmp_path):
    """A device of sectors that hold something else."""
    path = tmp_path / "raw"
    path.write_bytes(b"\xee" * 512 * SECTORS)
    return path


def check_said(said, content, written):
    """What it says of a device with that content."""
    found = re.search(r"^disk: (\d+) of (\d+) sectors, sum ([0-9a-f]{8})", said, re.M)
    assert found, said
    assert (int(found[1]), int(found[2])) == (written, SECTORS)
    assert int(found[3], 16) == checksum(content[:512 * written])


def check(said, raw, written):
    content = raw.read_bytes()
    check_said(said, content, written)
    assert content == pattern(written) + b"\xee" * 512 * (SECTORS - written)


def run(image, machine, raw, command_line="", drive=""):
    command = [*qemu(image, machine, "32", command_line), *DISKS[machine],
               "-drive", f"file={raw},format=raw,if=none,id=d0{drive}"]
    done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True, errors="replace",
                          timeout=120)
    return done.stdout, done.returncode


@needs_ring0
@pytest.mark.parametrize("machine", DISKS)
def test_virtio(machine, image, raw):
    said, status = run(image, machine, raw)
    assert status == 0, said
    check(said, raw, SECTORS)


@needs_ring0
def test_read_only(image, raw):
    said, status = run(image, "pc", raw, drive=",read-only=on")
    assert "disk: writing: not taken: " in said
    assert "virtio-blk refused: " in said
    assert status == FAILED
    assert raw.read_bytes() == b"\xee" * 512 * SECTORS


@needs_ring0
def test_no_such_device(image, raw):
    said, status = run(image, "pc", raw, "--disk=1")
    assert "--disk 1: there is no block device of that number of these kinds: virtio-blk" in said
    assert status == FAILED


def test_process(folder, raw):
    config = folder / "process"
    config.mkdir()
    program = build(config, config, "disk")
    done = subprocess.run([program, f"--disk={raw}", "--sectors=1000"], capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    check(done.stdout, raw, 1000)
    done = subprocess.run([program, f"--disk={raw}.not"], capture_output=True, text=True, timeout=60)
    assert done.returncode == 1
    assert done.stderr.startswith(f"disk: --disk {raw}.not: No such file")
