"""The rows of HTTPS: handshakes, pages and memory beside nginx with the OpenSSL of this machine.

Both serve the same bytes with the same key and certificate (ECDSA P-256), with one worker pinned to
one core; our signer, a process of its own, is pinned to that core as well, and its time counts.
"""
import contextlib
import os
import subprocess
from pathlib import Path

import certs
from peers import LOAD_CORE, SERVER_CORE, Load, Nginx, cpu_seconds, pin
from program import SecureCanopy, put_keys
from support import accepts, free_port, wait

IDLE = 5000  # connections, of the memory row


def processes(pid):
    """It and its children: the signer."""
    children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    return [pid, *map(int, children)]


class Handshakes:
    """So many handshakes a second, and the server's time for each, all processes together."""

    def __init__(self, build, pid, port, seconds, kind):
        before = self._spent(pid)
        done = subprocess.run([str(build / "bench/tls_handshakes"), str(port), str(seconds), kind],
                              capture_output=True, text=True, timeout=seconds + 60,
                              preexec_fn=lambda: pin(0, LOAD_CORE))
        spent = self._spent(pid) - before
        if done.returncode != 0:
            raise RuntimeError(done.stdout + done.stderr)
        words = done.stdout.split()
        count, again, elapsed = (float(words[i]) for i in (1, 3, 5))
        assert (again > 0.9 * count) == (kind == "resumed"), done.stdout
        self.per_second = count / elapsed
        self.cpu_us = spent * 1e6 / count

    @staticmethod
    def _spent(pid):
        return sum(cpu_seconds(p) for p in processes(pid))


@contextlib.contextmanager
def serving(folder, remote, content):
    """A canopy and an nginx over TLS: {file: bytes} below /static."""
    authority = certs.Authority()
    pair = authority.issue(["localhost"])
    certs.write_pair(folder / "tls", "server", *pair)
    files = {f"static/{name}": data for name, data in content.items()}
    remote.create("secure", {"About": "title: About\n---\nHere.\n", **files})
    canopy = SecureCanopy(folder, ["-r", remote.url("secure")], folder / "tls",
                          certs.pem_of(authority.certificate)).start()
    try:
        canopy.wait_listening().wait_content()
        for pid in processes(canopy.process.pid):
            pin(pid, SERVER_CORE)
        served = {name: canopy.get(f"/static/{name}").body for name in content}
        small = {"small.html": canopy.get("/About").body}
        tls = f"ssl; ssl_certificate {folder}/tls/server.pem; " \
              f"ssl_certificate_key {folder}/tls/server.key; ssl_protocols TLSv1.3"
        nginx = Nginx(folder / "nginx", free_port(), {**served, **small}, tls=tls)
        try:
            wait(lambda: accepts(nginx.port), "nginx")
            yield canopy, nginx
        finally:
            nginx.stop()
        canopy.stop()
    finally:
        canopy.kill()


def rows_of_handshakes(bench, build, canopy, nginx, kind):
    rate = bench.Row(f"TLS 1.3 handshakes, {kind} (nginx)", "/s", target=1.5)
    cpu = bench.Row(f"TLS 1.3 handshakes, {kind}, server CPU each", "us", "less")

    def measure(server, port):
        return Handshakes(build, server.process.pid, port, bench.OPTIONS.seconds, kind)
    for ours, theirs in bench.rounds(lambda: measure(canopy, canopy.tls_port),
                                     lambda: measure(nginx, nginx.port)):
        rate.add(ours.per_second, theirs.per_second)
        cpu.add(ours.cpu_us, theirs.cpu_us)
    return [rate, cpu]


def rows_of_pages(bench, canopy, nginx, title, path, file, bulk=False, **load):
    unit = "MB/s" if bulk else "req/s"
    row = bench.Row(f"TLS, {title} (nginx)", unit, target=1.0)
    cpu = bench.Row(f"TLS, {title}, server CPU per request", "us", "less")

    def measure(server, port, target):
        return Load(server.process.pid, f"https://127.0.0.1:{port}/{target}", bench.OPTIONS.seconds,
                    **load)
    for ours, theirs in bench.rounds(lambda: measure(canopy, canopy.tls_port, path),
                                     lambda: measure(nginx, nginx.port, file)):
        row.add(*((ours.megabytes, theirs.megabytes) if bulk
                  else (ours.per_second, theirs.per_second)))
        cpu.add(ours.cpu_us, theirs.cpu_us)
    return [row, cpu]


def rows_of_memory(bench, build, canopy):
    """What so many idle connections add: by our own count of memory, and as the host sees it."""
    counted = bench.Row(f"memory per idle TLS connection, of {IDLE:,}", "KiB", "less", 8,
                        absolute=True)
    resident = bench.Row("the same, resident memory of the process", "KiB", "less")
    before = int(canopy.status()["memory bytes"]), canopy.memory()["VmRSS"]
    with subprocess.Popen([str(build / "bench/tls_handshakes"), str(canopy.tls_port), str(IDLE), "hold"],
                          stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as load:
        assert load.stdout.readline().startswith("handshakes")
        status = canopy.status()
        assert int(status["tls open"]) >= IDLE, status["tls open"]
        counted.add((int(status["memory bytes"]) - before[0]) / IDLE / 1024)
        resident.add((canopy.memory()["VmRSS"] - before[1]) / IDLE)
        load.stdin.close()
        load.wait(60)
    return [counted, resident]


def bench_tls(bench, build, folder, remote):
    with serving(folder, remote, {"10m.bin": os.urandom(10 << 20)}) as (canopy, nginx):
        rows = rows_of_handshakes(bench, build, canopy, nginx, "full")
        rows += rows_of_handshakes(bench, build, canopy, nginx, "resumed")
        rows += rows_of_pages(bench, canopy, nginx, "small page, keep-alive", "About", "small.html")
        rows += rows_of_pages(bench, canopy, nginx, "10 MiB file", "static/10m.bin", "10m.bin",
                              bulk=True, connections=4)
        rows += rows_of_memory(bench, build, canopy)
    return rows


def bench_signer(bench, build, folder, plain):
    """The same server with the keys in another process and in its own: server time for each full
    handshake."""
    image = folder / "image"
    image.write_bytes(plain.read_bytes())
    certs.write_pair(folder / "tls", "server", *certs.Authority().issue(["localhost"]))
    put_keys(image, folder / "tls")
    row = bench.Row("CPU of a full handshake with the signer apart (within)", "us", "less", 1.1)

    def measure(kind):
        port = free_port()
        server = subprocess.Popen([str(build / "bench/tls_server"), str(port), str(image), kind],
                                  stdout=subprocess.PIPE, text=True)
        try:
            assert server.stdout.readline() == "listening\n"
            for pid in processes(server.pid):
                pin(pid, SERVER_CORE)
            return Handshakes(build, server.pid, port, bench.OPTIONS.seconds, "full").cpu_us
        finally:
            server.terminate()
            server.wait(20)
    for apart, within in bench.rounds(lambda: measure("process"), lambda: measure("inside")):
        row.add(apart, within)
    return [row]
