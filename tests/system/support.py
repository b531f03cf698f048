"""What all tests need: where the build is, how patient to be, free ports."""
import os
import random
import socket
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
BUILD = (ROOT / os.environ.get("RINGLET_BUILD", "build")).resolve()
SANITIZED = "sanitize" in BUILD.name
SLOWER = 4 if SANITIZED else 1  # how much more time things get under the sanitizers
FEWER = 5 if SANITIZED else 1   # and how many times fewer rounds long tests make
BUNDLE = ROOT.parent / "shared" / "sites" / "hannes.bundle"


def wait(condition, what, seconds=20):
    """Asks again until the condition gives something true, and returns that."""
    end = time.monotonic() + seconds * SLOWER
    pause = 0.002
    while True:
        found = condition()
        if found:
            return found
        assert time.monotonic() < end, f"waited {seconds * SLOWER} s in vain for: {what}"
        time.sleep(pause)
        pause = min(pause * 1.5, 0.05)


# Tests seed what chance they need; ports are not of that. Workers share them out.
CHANCE = random.SystemRandom()
WORKER = int(os.environ.get("PYTEST_XDIST_WORKER", "gw0")[2:])
WORKERS = int(os.environ.get("PYTEST_XDIST_WORKER_COUNT", "1"))
given_ports = set()


def free_port():
    """A port that nobody listens on, outside of the range that connections get theirs from: never the
    same twice, as who was given one may not listen yet."""
    while True:
        port = CHANCE.randrange(10000, 32000)
        if port in given_ports or port % WORKERS != WORKER % WORKERS:
            continue
        try:
            for family, address in ((socket.AF_INET6, "::"), (socket.AF_INET, "0.0.0.0")):
                with socket.socket(family) as s:
                    if family == socket.AF_INET6:
                        s.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
                    s.bind((address, port))
            given_ports.add(port)
            return port
        except OSError:
            continue


def accepts(port, host="127.0.0.1"):
    try:
        socket.create_connection((host, port), timeout=5).close()
        return True
    except OSError:
        return False
