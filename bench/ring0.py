"""The rows of ring 0: canopy as a machine's only program, beside Debian's cloud kernel with nginx.

Both run under QEMU on the same machine (machines.py), serve the same bytes with the same key, and
speak the same cipher. Neither writes an access log: on a serial port it would be all that is
measured. Whoever does not answer after a load has lost it.
"""
import contextlib
import os
import re
import statistics
import subprocess
import tempfile
import time
from pathlib import Path

import certs
from images import clean_environment, configure
from lab import OURS
from linux_guest import LinuxGuest
from machines import Machine, linux, network, ring0
from peers import Load, need
from program import put_keys
from short import short_connections
from support import BUILD, ROOT

ADDRESS = ["--ip", OURS, "--netmask", "255.255.255.0", "--port", "80"]
LOGS = "info,access:quiet"
QUIET = f"--logs={LOGS}"
BOOTS = 7           # at least
LEAST, MOST = 4, 64  # MiB, between which the least memory is looked for
THOUSANDS = 5       # of short connections, at either end, whose median is taken
WARM_UP = 1_000     # short connections that nobody counts: what comes to be once, comes to be
TIME_WAIT = 65      # seconds, and a little: TCP_TIME_WAIT_NS of lib/tcp/tcp.h
# What a client offers, so that the server has no choice.
FIXED = """openssl_conf = all
[all]
ssl_conf = ssl
[ssl]
system_default = fixed
[fixed]
MinProtocol = TLSv1.3
Ciphersuites = TLS_AES_256_GCM_SHA384
Groups = X25519
"""


# --- what is measured ---


def image(folder, app="canopy", settings=()):
    """A ring-0 image: its path."""
    folder = Path(folder)
    if app == "canopy":
        configure(folder, "--target", "kvm", *settings)
    done = subprocess.run(["make", "--no-print-directory", "app", f"APP={app}", f"DIST={folder}",
                           f"CONFIG={folder}", f"BUILD={BUILD.relative_to(ROOT)}", "TARGET=kvm"],
                          cwd=ROOT,
                          capture_output=True, text=True, env=clean_environment())
    assert done.returncode == 0, done.stdout + done.stderr
    return folder / f"{app}.kvm"


def canopy(folder, content):
    return image(folder, settings=[*ADDRESS, "--content", content])


def committed(folder, files):
    """A repository's working tree with one commit of {path: bytes}."""
    for path, content in files.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_bytes(content if isinstance(content, bytes) else content.encode())
    subprocess.run("git init -q -b main . && git add -A && git -c user.name=a -c user.email=a@b "
                   "commit -qm First", shell=True, cwd=folder, check=True)
    return folder


@contextlib.contextmanager
def one_cipher(folder):
    """Clients that are started meanwhile offer one."""
    (folder / "openssl.cnf").write_text(FIXED)
    os.environ["OPENSSL_CONF"] = str(folder / "openssl.cnf")
    try:
        yield
    finally:
        del os.environ["OPENSSL_CONF"]


class Pair:
    """An image and a Linux guest that serve the same pages. `paths`: {file: where canopy has it}."""

    def __init__(self, folder, files, paths):
        pair = certs.Authority().issue(["localhost"])
        certs.write_pair(folder / "tls", "server", *pair)
        (folder / "site").mkdir()
        self.paths, self.folder = paths, folder
        self.image = canopy(folder / "image", committed(folder / "site", files))
        put_keys(self.image, folder / "tls")
        with network() as client, self.ours(client) as machine:
            machine.wait_serving(next(iter(paths.values())))
            self.pages = {name: machine.ask(path).partition(b"\r\n\r\n")[2]
                          for name, path in paths.items()}
        read = {kind: (folder / f"tls/server.{kind}").read_bytes() for kind in ("key", "pem")}
        self.guest = LinuxGuest(folder, OURS, self.pages, read["key"], read["pem"])

    def ours(self, client, settings=""):
        return Machine(client, ring0(self.image, settings=f"{QUIET} {settings}"),
                       self.folder / "ours.log")

    def linux(self, client):
        return Machine(client, linux(self.guest), self.folder / "linux.log")


# --- rates ---


def measure(machine, loads, paths, port, seconds):
    """{title: what the load found}"""
    scheme = "https" if port == 443 else "http"
    machine.wait_serving(paths["small.html"], port)
    found = {}
    for title, (file, _, _, options) in loads.items():
        with machine.client.inside():
            found[title] = Load(machine.process.pid, f"{scheme}://{OURS}{paths[file]}", seconds,
                                **options)
        assert machine.serves(paths["small.html"], port), f"no answer after {title}:\n{machine.log}"
    return found


def bench_rates(bench, folder, loads, port, settings=""):
    """loads: {title: (file, unit, target, options of Load)}"""
    need("wrk", "wrk")
    files = {name: text for name, text in bench.pages().items() if name != "100k"}
    paths = {f"{name}.html": f"/{name}" for name in files}
    if any(file == "10m.bin" for file, _, _, _ in loads.values()):
        files["static/10m.bin"] = os.urandom(10 << 20)
        paths["10m.bin"] = "/static/10m.bin"
    pair = Pair(folder, files, paths)
    bench.say(f"Linux {pair.guest.version}, {pair.guest.initramfs.stat().st_size:,} bytes of "
              f"initramfs; {len(pair.pages['small.html']):,} and {len(pair.pages['10k.html']):,} "
              "bytes of pages")
    rates = {title: bench.Row(f"ring 0: {title} (Linux guest)", unit, target=target)
             for title, (_, unit, target, _) in loads.items()}
    cpus = {title: bench.Row(f"ring 0: {title}, CPU per request", "us", "less") for title in loads}

    def ours():
        with network() as client, pair.ours(client, settings) as machine:
            return measure(machine, loads, pair.paths, port, bench.OPTIONS.seconds)

    def peer():
        with network() as client, pair.linux(client) as machine:
            return measure(machine, loads, {name: f"/{name}" for name in pair.paths}, port,
                           bench.OPTIONS.seconds)
    for a, b in bench.rounds(ours, peer):
        for title, (_, unit, _, _) in loads.items():
            value = "megabytes" if unit == "MB/s" else "per_second"
            rates[title].add(getattr(a[title], value), getattr(b[title], value))
            cpus[title].add(a[title].cpu_us, b[title].cpu_us)
    return [row for title in loads for row in (rates[title], cpus[title])]


def bench_http(bench, folder):
    few = {"connections": 16}
    return bench_rates(bench, folder, {
        "small page, keep-alive": ("small.html", "req/s", 2.5, few),
        "10 KiB page, keep-alive": ("10k.html", "req/s", 2.0, few),
        "small page, new connection each": ("small.html", "req/s", 3.0, {**few, "close": True}),
        "10 MiB file": ("10m.bin", "MB/s", 1.0, {"connections": 2})}, 80)


def bench_https(bench, folder):
    few = {"connections": 16}
    with one_cipher(folder):
        return bench_rates(bench, folder, {
            "TLS full handshake, small page": ("small.html", "/s", 1.5, {**few, "close": True}),
            "TLS small page, keep-alive": ("small.html", "req/s", 2.0, few)}, 443, "--tls=443")


# --- start, memory, sizes ---


def floor(image_, machine):
    """Milliseconds from the start of QEMU, the same one, to the end of a program that prints a line."""
    with network() as client, tempfile.NamedTemporaryFile() as log, \
            Machine(client, ring0(image_, machine), log.name) as m:
        return m.ended()


def first_answer(command, path, folder, port=80, seconds=60):
    with network() as client, Machine(client, command, folder / "boot.log") as m:
        taken = m.first_answer(path, port, seconds)
        assert taken, f"it does not serve:\n{m.log}"
        return taken


def bench_boot(bench, folder):
    ours = image(folder / "canopy",
                 settings=[*ADDRESS, "--logs", LOGS, "--content", ROOT / "examples/site"])
    hello = image(folder / "hello", "hello")
    with network() as client, Machine(client, ring0(ours), folder / "boot.log") as m:
        page = m.wait_serving("/").ask("/").partition(b"\r\n\r\n")[2]
    guest = LinuxGuest(folder, OURS, {"index.html": page}, *key_and_chain())
    against = bench.Row("ring 0: start to first 200, pc (Linux guest)", "ms", "less", 1 / 30)
    # 60 ms above a program that needs 60 by itself: on a slower machine, twice as much.
    floors = {m: bench.Row(f"ring 0: start to first 200, {m} (print and exit)", "ms", "less", 2.0)
              for m in ("pc", "microvm")}
    above = {m: bench.Row(f"ring 0: the same, above print and exit, {m}", "ms", "less", 60,
                          absolute=True) for m in floors}
    for _ in range(max(BOOTS, bench.OPTIONS.rounds)):
        for machine, row in floors.items():
            row.add(first_answer(ring0(ours, machine), "/", folder), floor(hello, machine))
            above[machine].add(row.ours[-1] - row.peers[-1])
        against.add(floors["pc"].ours[-1], first_answer(linux(guest), "/", folder))
    return [against, *floors.values(), *above.values()]


def key_and_chain():
    with tempfile.TemporaryDirectory() as folder:
        certs.write_pair(Path(folder), "server", *certs.Authority().issue(["localhost"]))
        return [Path(folder, f"server.{kind}").read_bytes() for kind in ("key", "pem")]


def serves_with(image_, memory, folder):
    """Twice in a row, by HTTPS."""
    for _ in range(2):
        with network() as client, \
                Machine(client, ring0(image_, memory=memory, settings="--tls=443"),
                        folder / "memory.log") as m:
            try:
                m.wait_serving("/", 443, 15)
            except AssertionError:
                return False
    return True


def bench_memory(bench, folder):
    ours = canopy(folder / "canopy", ROOT / "examples/site")
    certs.write_pair(folder / "tls", "server", *certs.Authority().issue(["localhost"]))
    put_keys(ours, folder / "tls")
    low, high = LEAST, MOST
    while low < high:
        middle = (low + high) // 2
        low, high = (low, middle) if serves_with(ours, middle, folder) else (middle + 1, high)
    row = bench.Row("ring 0: least memory that serves the sample site by HTTPS", "MiB", "less", 16,
                    absolute=True)
    row.add(high)
    return [row]


def bench_sizes(bench, folder):
    """The sample site is its repository and its pages, made when the image was built."""
    secure = [*ADDRESS, "--tls", "443"]
    images = (("canopy.kvm", "canopy", [*secure, "-r", "git://git.example.org/site"], 3 << 10),
              ("canopy.kvm with the sample site", "canopy", [*secure, "--content", ROOT / "examples/site"], None),
              ("hello.kvm", "hello", [], 150))
    rows = []
    for i, (name, app, settings, most) in enumerate(images):
        row = bench.Row(f"ring 0: {name}", "KiB", "less", most, absolute=True)
        row.add(image(folder / str(i), app, settings).stat().st_size / 1024)
        rows.append(row)
    return rows


# --- many short connections, functions ---


def bench_short(bench, folder):
    """So many in a row, after a warm-up. Memory is looked at when TIME-WAIT is over."""
    ours = canopy(folder / "canopy", ROOT / "examples/site")
    rate = bench.Row(f"ring 0: the last thousands of {bench.OPTIONS.short:,} short connections "
                     "(the first)", "/s", target=0.95)
    memory = bench.Row("ring 0: memory in use a minute after them (before)", "bytes", "less", 1.02)
    with network() as client, \
            Machine(client, ring0(ours, settings=QUIET), folder / "short.log") as machine:
        machine.wait_serving("/status")
        short_connections(client, OURS, 80, "/About", WARM_UP)
        time.sleep(TIME_WAIT)
        before = memory_in_use(machine)
        rates = short_connections(client, OURS, 80, "/About", bench.OPTIONS.short)
        time.sleep(TIME_WAIT)
        after = memory_in_use(machine)
    bench.say(f"short connections: {min(rates):,.0f}-{max(rates):,.0f}/s, median "
              f"{statistics.median(rates):,.0f}/s")
    rate.add(statistics.median(rates[-THOUSANDS:]), statistics.median(rates[:THOUSANDS]))
    memory.add(after, before)
    return [rate, memory]


def memory_in_use(machine):
    return int(re.search(rb"^memory bytes: (\d+)", machine.ask("/status"), re.M)[1])


def bench_functions(bench, folder):
    """bench/memory_functions says "NAME SIZE OURS THEIRS", in nanoseconds."""
    said = subprocess.run([str(BUILD / "bench/memory_functions")], capture_output=True, text=True,
                          timeout=120, check=True).stdout
    rows = {}
    for name, size, ours, theirs in map(str.split, said.splitlines()):
        row = rows.setdefault(name, bench.Row(f"{name}, 64 B to 1 MiB (glibc)", "GB/s"))
        row.add(int(size) / float(ours), int(size) / float(theirs))
    return list(rows.values())


BENCHES = {"ring0-boot": bench_boot, "ring0-memory": bench_memory, "ring0-size": bench_sizes,
           "ring0-http": bench_http, "ring0-https": bench_https, "ring0-short": bench_short,
           "functions": bench_functions}
