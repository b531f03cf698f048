"""What the table is measured with: nginx, wrk, git, and the pinning of servers and load."""
import contextlib
import os
import re
import shutil
import subprocess
import sys
import time
from pathlib import Path

SERVER_CORE, LOAD_CORE = 0, 1
TICKS = os.sysconf("SC_CLK_TCK")

NGINX = """
worker_processes 1; master_process off; daemon off; user root;
pid {folder}/nginx.pid; error_log {folder}/nginx.error crit;
events {{ worker_connections 2048; multi_accept on; }}
http {{
  types {{ text/html html; application/octet-stream bin; }}
  access_log {folder}/nginx.log combined buffer=64k flush=1s;
  sendfile {sendfile}; tcp_nopush on; gzip off; keepalive_requests 1000000000;
  open_file_cache max=100 inactive=1h; open_file_cache_valid 1h;
  client_body_temp_path {folder}/t1; proxy_temp_path {folder}/t2; fastcgi_temp_path {folder}/t3;
  uwsgi_temp_path {folder}/t4; scgi_temp_path {folder}/t5;
  server {{ listen 127.0.0.1:{port} backlog=4096 {tls}; root {folder}/www; }}
}}
"""


class Missing(Exception):
    """A peer that is not on this machine."""


def need(command, package):
    found = shutil.which(command) or shutil.which(command, path="/usr/sbin:/sbin")
    if not found:
        raise Missing(f"{command} is not here: apt-get install {package} (or `deps/install bench`)")
    return found


def pin(pid, core):
    """To one core, where there are two: what is measured and what measures do not share one."""
    if os.cpu_count() >= 2:
        os.sched_setaffinity(pid, {core})


def prefer(pid, priority):
    """Before whatever else this machine does, where that is permitted."""
    with contextlib.suppress(PermissionError):
        os.sched_setscheduler(pid, os.SCHED_FIFO, os.sched_param(priority))


def cpu_parts(pid):
    """Seconds in the program itself, and in the kernel for it."""
    fields = open(f"/proc/{pid}/stat").read().rsplit(")", 1)[1].split()
    return int(fields[11]) / TICKS, int(fields[12]) / TICKS


def cpu_seconds(pid):
    return sum(cpu_parts(pid))


class Nginx:
    """One worker that serves files. Small ones are copied, large ones sent from the page cache:
    that is faster here, each in its case."""

    def __init__(self, folder, port, files, sendfile=False, tls=""):
        """tls: behind "listen", and further directives."""
        program = need("nginx", "nginx")
        self.port = port
        folder = Path(folder)
        (folder / "www").mkdir(parents=True)
        for name, content in files.items():
            (folder / "www" / name).write_bytes(content)
        (folder / "nginx.conf").write_text(NGINX.format(
            folder=folder, port=port, tls=tls, sendfile="on" if sendfile else "off"))
        self.process = subprocess.Popen([program, "-c", str(folder / "nginx.conf")],
                                        stderr=subprocess.DEVNULL)
        pin(self.process.pid, SERVER_CORE)

    def stop(self):
        self.process.terminate()
        self.process.wait(20)


UNITS = {"": 1, "K": 1 << 10, "M": 1 << 20, "G": 1 << 30}
TIMES = {"us": 1e-6, "ms": 1e-3, "s": 1, "m": 60}


class Load:
    """What wrk found: requests and bytes per second, and the server's CPU time for each request."""

    def __init__(self, pid, url, seconds, connections=64, close=False):
        command = [need("wrk", "wrk"), "-t1", f"-c{connections}", f"-d{seconds}s", "--timeout",
                   "10s", *(["-H", "Connection: close"] if close else []), url]
        before = cpu_seconds(pid)
        done = subprocess.run(command, capture_output=True, text=True, timeout=seconds + 60,
                              preexec_fn=lambda: pin(0, LOAD_CORE))
        spent = cpu_seconds(pid) - before
        match = re.search(r"(\d+) requests in ([\d.]+)(us|ms|s|m), ([\d.]+)([KMG]?)B read",
                          done.stdout)
        if not match or "Non-2xx" in done.stdout:
            raise RuntimeError(f"{' '.join(command)}:\n{done.stdout}{done.stderr}")
        errors = re.search(r"Socket errors: .*", done.stdout)
        if errors:
            print(f"  {url}: {errors[0]}", file=sys.stderr)
        requests, elapsed = int(match[1]), float(match[2]) * TIMES[match[3]]
        self.per_second = requests / elapsed
        self.megabytes = float(match[4]) * UNITS[match[5]] / elapsed / 1e6
        self.cpu_us = spent * 1e6 / max(requests, 1)


class Timed:
    """A program run to its end: milliseconds, peak resident kilobytes (its children's, where they
    have more), standard output."""

    def __init__(self, command, environment=None):
        read, write = os.pipe()
        began = time.monotonic()
        process = subprocess.Popen(command, stdout=write, env=environment)
        os.close(write)
        with os.fdopen(read) as pipe:
            self.output = pipe.read()
        _, status, usage = os.wait4(process.pid, 0)
        self.ms = (time.monotonic() - began) * 1e3
        process.returncode = os.waitstatus_to_exitcode(status)
        if process.returncode != 0:
            raise RuntimeError(f"{command} ended with {process.returncode}")
        self.resident = usage.ru_maxrss
