"""A Linux guest to compare a ring-0 image with: Debian's cloud kernel, and nginx in an initramfs.

It is made of Debian's packages, which deps/root unpacks and nothing installs: the kernel and its
network modules, a static busybox for /init, nginx with the libraries that it needs. The same packages
and pages give the same bytes.
"""
import gzip
import lzma
import re
import subprocess
from pathlib import Path

from peers import Missing
from support import ROOT

MODULES = ["virtio_pci", "virtio_net", "xen-netfront"]  # and what they depend on

INIT = """#!/bin/sh
mount -t devtmpfs d /dev; mount -t proc p /proc
for m in /lib/modules/*.ko; do insmod $m 2>/dev/null; done
until ip addr add {address}/24 dev eth0 2>/dev/null; do sleep 0.01; done
ip link set lo up; ip link set eth0 up
nginx -c /etc/nginx/nginx.conf; echo nginx ended: $?; poweroff -f
"""

# sendfile: faster inside of a guest, other than on the host.
NGINX = """
user root; worker_processes 1; daemon off; master_process off; error_log stderr crit;
pid /run/nginx.pid;
events { worker_connections 512; }
http {
  types { text/html html; application/octet-stream bin; }
  access_log off; sendfile on; tcp_nopush on; gzip off;
  keepalive_timeout 65; keepalive_requests 1000000000;
  open_file_cache max=100 inactive=1h; open_file_cache_valid 1h;
  client_body_temp_path /run/b; proxy_temp_path /run/p; fastcgi_temp_path /run/f;
  uwsgi_temp_path /run/u; scgi_temp_path /run/s;
  server {
    listen 80 backlog=511; listen 443 ssl backlog=511; root /www;
    ssl_certificate /etc/nginx/server.pem; ssl_certificate_key /etc/nginx/server.key;
    ssl_protocols TLSv1.3; ssl_session_cache off; ssl_session_tickets off;
    ssl_conf_command NumTickets 0;
  }
}
"""


def unpacked():
    done = subprocess.run([str(ROOT / "deps/root"), "linux-guest"], stdout=subprocess.PIPE, text=True)
    if done.returncode != 0:
        raise Missing("there are no packages for the Linux guest")
    return Path(done.stdout.strip())


def find(root, name):
    """A program or library by its name, wherever the packages put it."""
    for folder in ("usr/sbin", "usr/bin", "bin", "lib/x86_64-linux-gnu",
                   "usr/lib/x86_64-linux-gnu", "lib64", "usr/lib64"):
        if (root / folder / name).exists():
            return root / folder / name
    raise Missing(f"no package of the Linux guest holds {name}")


def needed(root, program, found=None):
    """All libraries that it is linked with, and theirs: {name: path}."""
    found = {} if found is None else found
    said = subprocess.run(["objdump", "-p", str(program)], capture_output=True, text=True,
                          check=True).stdout
    for name in re.findall(r"NEEDED +(\S+)", said):
        if name not in found:
            found[name] = find(root, name)
            needed(root, found[name], found)
    return found


def modules(root):
    """The kernel's modules that it takes, in the order in which they need each other."""
    folder, found = next(root.glob("**/lib/modules/*/kernel")), {}

    def add(name):
        path = next(folder.glob(f"**/{name}.ko*"), None)
        if path is None or name in found:  # is built in, or there
            return
        code = path.read_bytes() if path.suffix == ".ko" else lzma.decompress(path.read_bytes())
        for other in re.search(rb"depends=([^\0]*)", code)[1].decode().split(","):
            add(other)
        found[name] = code
    for name in MODULES:
        add(name)
    return found.values()


def tree(root, address, pages, key, chain):
    """{path: bytes} of the initramfs. A folder has None, a symbolic link a str."""
    files = {name: None for name in ("dev", "proc", "run", "var", "var/log", "var/lib")}
    files |= {f"bin/{name}": "busybox" for name in ("sh", "insmod", "ip", "mount", "poweroff", "sleep")}
    files |= {
        "bin/busybox": find(root, "busybox").read_bytes(),
        "bin/nginx": find(root, "nginx").read_bytes(),
        "lib64/ld-linux-x86-64.so.2": find(root, "ld-linux-x86-64.so.2").read_bytes(),
        "init": INIT.format(address=address).encode(),
        "etc/passwd": b"root:x:0:0::/:/bin/sh\n",
        "etc/group": b"root:x:0:\n",
        "etc/nginx/nginx.conf": NGINX.encode(),
        "etc/nginx/server.key": key,
        "etc/nginx/server.pem": chain,
        "var/log/nginx": None,
        "var/lib/nginx": None,
    }
    files |= {f"lib/x86_64-linux-gnu/{name}": path.read_bytes()
              for name, path in needed(root, find(root, "nginx")).items()}
    files |= {f"lib/modules/{i:02}.ko": module for i, module in enumerate(modules(root))}
    return files | {f"www/{name}": content for name, content in pages.items()}


def archive(files):
    """As cpio's format newc (the kernel's Documentation/driver-api/early-userspace)."""
    parents = {str(p) for path in files for p in Path(path).parents if str(p) != "."}
    entries = {**{path: None for path in parents}, **files}
    out = bytearray()

    def add(number, path, mode, content):
        name = path.encode() + b"\0"
        values = [number, mode, 0, 0, 1, 0, len(content), 0, 0, 0, 0, len(name), 0]
        head = b"070701" + b"".join(b"%08X" % value for value in values)
        for piece in (head + name, content):
            out.extend(piece + bytes(-len(piece) % 4))
    for number, path in enumerate(sorted(entries)):
        content = entries[path]
        if content is None:
            add(number, path, 0o40755, b"")
        elif isinstance(content, str):
            add(number, path, 0o120777, content.encode())
        else:
            add(number, path, 0o100755, content)
    add(len(entries), "TRAILER!!!", 0, b"")
    return bytes(out)


class LinuxGuest:
    """kernel, initramfs: paths below `folder`. pages: {name: bytes}, served by HTTP and HTTPS with
    that key and chain (PEM) at that address."""

    def __init__(self, folder, address, pages, key, chain):
        root = unpacked()
        self.kernel = next((root / "boot").glob("vmlinuz-*"))
        self.initramfs = Path(folder) / "initramfs.gz"
        packed = gzip.compress(archive(tree(root, address, pages, key, chain)), 6, mtime=0)
        self.initramfs.write_bytes(packed)

    @property
    def version(self):
        return self.kernel.name.removeprefix("vmlinuz-")
