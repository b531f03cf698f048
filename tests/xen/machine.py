"""What a Linux machine of the laboratory is made of: an initramfs with just the programs, libraries
and kernel modules that it needs, taken out of packages that deps/root has unpacked.

Nothing of those packages runs on this machine: it may be of another release.
"""
import functools
import gzip
import lzma
import re
import stat
import struct
import subprocess
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
LIBRARIES = ("usr/lib/x86_64-linux-gnu", "usr/lib/xen-4.20/lib/x86_64-linux-gnu", "usr/lib64", "usr/lib")


@functools.cache
def packages():
    """The folder with the unpacked packages."""
    done = subprocess.run([ROOT / "deps/root", "lab"], stdout=subprocess.PIPE, text=True, check=True)
    return Path(done.stdout.strip())


def kernel():
    return next((packages() / "boot").glob("vmlinuz-*"))


def kernel_version():
    return kernel().name.removeprefix("vmlinuz-")


def unpacked_kernel(path):
    """The ELF inside of a bzImage (Documentation/arch/x86/boot.rst): an emulated processor is spared
    decompressing it."""
    image = path.read_bytes()
    start = ((image[0x1f1] or 4) + 1) * 512
    offset, length = struct.unpack_from("<II", image, 0x248)
    payload = image[start + offset:][:length]
    if payload.startswith(b"\x28\xb5\x2f\xfd"):  # the last four bytes are the size
        kernel = subprocess.run(["zstd", "-dcq"], input=payload[:-4], stdout=subprocess.PIPE, check=True).stdout
    else:
        kernel = lzma.LZMADecompressor().decompress(payload)
    assert kernel.startswith(b"\x7fELF"), f"{path} holds no ELF file"
    return kernel


def hypervisor():
    return gzip.decompress((packages() / "boot/xen-4.20-amd64.gz").read_bytes())


def needed(program):
    """The names of the libraries that an ELF file is linked with."""
    said = subprocess.run(["readelf", "-d", program], capture_output=True, text=True).stdout
    return re.findall(r"\(NEEDED\).*\[(.*)\]", said)


@functools.cache
def module_files():
    folder = packages() / "usr/lib/modules" / kernel_version() / "kernel"
    return {path.name.split(".ko")[0].replace("-", "_"): path for path in folder.rglob("*.ko*")}


def module(name):
    path = module_files()[name]
    return lzma.decompress(path.read_bytes()) if path.suffix == ".xz" else path.read_bytes()


class Machine:
    """Files of an initramfs, by their path without the first slash."""

    def __init__(self):
        self.files = {}
        self.modules = []
        for name in ("bin", "sbin", "lib", "lib64"):
            self.folder(f"usr/{name}")
            self.link(name, f"usr/{name}")
        for name in ("proc", "sys", "dev", "run", "tmp", "root", "var"):
            self.folder(name)
        self.link("var/run", "../run")
        self.program("usr/bin/busybox")
        self.program("usr/lib64/ld-linux-x86-64.so.2")
        self.file("etc/passwd", "root:x:0:0::/root:/bin/sh\n")
        self.file("etc/group", "root:x:0:\nnogroup:x:65534:\n")
        self.file("etc/hosts", "127.0.0.1 localhost\n")

    def folder(self, path):
        if path and path not in self.files:
            self.folder(path.rpartition("/")[0])
            self.files[path] = stat.S_IFDIR | 0o755, b""

    def file(self, path, content, mode=0o644):
        self.folder(path.rpartition("/")[0])
        self.files[path] = stat.S_IFREG | mode, content.encode() if isinstance(content, str) else content

    def link(self, path, to):
        self.folder(path.rpartition("/")[0])
        self.files[path] = stat.S_IFLNK | 0o777, to.encode()

    def program(self, path):
        """A program or library, and the libraries that it is linked with."""
        if path in self.files:
            return
        source = packages() / path
        self.file(path, source.read_bytes(), 0o755)
        for name in needed(source):
            self.program(next(f"{place}/{name}" for place in LIBRARIES if (packages() / place / name).exists()))

    def tree(self, path):
        for source in (packages() / path).rglob("*"):
            if source.is_file():
                self.file(str(source.relative_to(packages())), source.read_bytes(), source.stat().st_mode & 0o777)

    def module(self, name):
        """A module of the kernel after those that it depends on; `load` lists them in that order."""
        if name in self.modules:
            return
        content = module(name)
        depends = re.search(rb"\0depends=([^\0]*)\0", content)[1].decode()
        for other in filter(None, depends.split(",")):
            self.module(other.replace("-", "_"))
        self.modules.append(name)
        self.file(f"modules/{name}.ko", content)
        self.file("modules/load", "".join(f"/modules/{each}.ko\n" for each in self.modules))

    def archive(self):
        return archive(self.files)


def entry(number, name, mode, content):
    """A member of a cpio archive (Documentation/driver-api/early-userspace/buffer-format.rst, "newc")."""
    name = name.encode() + b"\0"
    fields = (number, mode, 0, 0, 1, 0, len(content), 0, 0, 0, 0, len(name), 0)
    head = b"070701" + b"".join(b"%08X" % field for field in fields) + name
    return head + b"\0" * (-len(head) % 4) + content + b"\0" * (-len(content) % 4)


def archive(files):
    members = [entry(n, name, mode, content) for n, (name, (mode, content)) in enumerate(files.items(), 1)]
    return b"".join(members) + entry(0, "TRAILER!!!", 0, b"")
