#!/usr/bin/env python3
"""The table of `make bench`: what this program does, beside what its peers do, in one run.

Rounds alternate between ours and the peer's; medians are shown, with the lowest and the highest.
Ratios are the medians of each round's own ratio, so that a machine's slow minute counts for both.
"""
import argparse
import contextlib
import os
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]


def arguments():
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("--build", default="build", help="the folder of the programs to measure")
    parser.add_argument("--only", action="append", metavar="NAME",
                        help="one row or more: a name of BENCHES, below; may be repeated")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seconds", type=int, default=4, help="of load, each time")
    parser.add_argument("--updates", type=int, default=1000, help="of the memory row")
    parser.add_argument("--short", type=int, default=100_000, metavar="COUNT",
                        help="connections of the row of short ones (the promise is of a million)")
    return parser.parse_args()


OPTIONS = arguments()
os.environ["RINGLET_BUILD"] = OPTIONS.build
sys.path[:0] = [str(ROOT / "tests/system"), str(ROOT / "bench")]

import net  # noqa: E402
import ring0  # noqa: E402
import tls  # noqa: E402
import xen_guest  # noqa: E402
from client import Connection  # noqa: E402
from gitremote import GitRemote, environment  # noqa: E402
from network import Proxy  # noqa: E402
from peers import SERVER_CORE, Load, Missing, Nginx, Timed, need, pin  # noqa: E402
from program import PLAIN, Canopy  # noqa: E402
from sites import article  # noqa: E402
from support import BUILD, accepts, free_port, wait  # noqa: E402


# --- rows ---


class Row:
    """One metric. `better`: which way is good; `target`: of the ratio, or of ours."""

    def __init__(self, metric, unit, better="more", target=None, absolute=False):
        self.metric, self.unit, self.better = metric, unit, better
        self.target, self.absolute = target, absolute
        self.ours, self.peers, self.note = [], [], ""

    def add(self, ours, peer=None):
        self.ours.append(ours)
        if peer is not None:
            self.peers.append(peer)

    @property
    def ratio(self):
        if not self.peers:
            return None
        return statistics.median(o / p for o, p in zip(self.ours, self.peers))

    @property
    def ok(self):
        if self.target is None:
            return None
        value = statistics.median(self.ours) if self.absolute else self.ratio
        return value <= self.target if self.better == "less" else value >= self.target

    def cells(self):
        sign = "<=" if self.better == "less" else ">="
        target = "" if self.target is None else \
            f"{sign} {number(self.target)}{' ' + self.unit if self.absolute else 'x'}"
        return [self.metric, spread(self.ours, self.unit), spread(self.peers, self.unit),
                "" if self.ratio is None else f"{self.ratio:.2f}x", target,
                {None: "", True: "ok", False: "NOT MET"}[self.ok]]


def number(value):
    return f"{value:,.0f}" if value >= 100 else f"{value:.3g}"


def spread(values, unit):
    if not values:
        return ""
    middle = number(statistics.median(values))
    if len(values) == 1:
        return f"{middle} {unit}"
    return f"{middle} {unit} ({number(min(values))}-{number(max(values))})"


def say(text):
    print(f"  {text}", file=sys.stderr, flush=True)


def rounds(ours, peer):
    """Both, so many times; who is first alternates."""
    for number_ in range(OPTIONS.rounds):
        first, second = (ours, peer) if number_ % 2 == 0 else (peer, ours)
        a, b = first(), second()
        yield (a, b) if first is ours else (b, a)


# --- a full clone ---


def generate(remote, name, *options):
    """A repository made by mkrepo.py, packed as a host would have it."""
    repository = remote.create(name)
    maker = subprocess.Popen([sys.executable, str(ROOT / "bench/mkrepo.py"), *options],
                             stdout=subprocess.PIPE)
    subprocess.run(["git", "-C", str(repository.bare), "fast-import", "--quiet"],
                   stdin=maker.stdout, check=True, env=repository.environment)
    assert maker.wait() == 0
    repository.run("git", "-C", str(repository.bare), "repack", "-adfq")
    return repository


def inflated_head(repository):
    listing = repository.run("git", "-C", str(repository.bare), "ls-tree", "-r", "-l", "HEAD")
    return sum(int(line.split()[3]) for line in listing.splitlines())


def bench_clone(folder, remote):
    repository = generate(remote, "clone")
    pack = sum(p.stat().st_size for p in (repository.bare / "objects/pack").glob("*.pack"))
    head = inflated_head(repository)
    say(f"clone: pack {pack / 1e6:.1f} MB, HEAD inflated {head / 1e6:.1f} MB")
    taken = iter(range(1000))

    def ours():
        done = Timed([str(BUILD / "bench/clone"), repository.url])
        words = done.output.split()
        facts = dict(zip(words[::2], map(float, words[1::2])))
        return {"ms": done.ms, "peak": facts["peak"], "resident": done.resident * 1024}

    def peer():
        done = Timed(["git", "clone", "-q", "--bare", repository.url,
                      str(folder / f"clone-{next(taken)}")], environment(folder))
        return {"ms": done.ms, "resident": done.resident * 1024}

    time_row = Row("full clone, time (git clone --bare)", "ms", "less", 1.0)
    memory = Row("full clone, peak memory / (pack + inflated HEAD)", "x", "less", 1.5,
                 absolute=True)
    resident = Row("full clone, resident peak of the process", "MB", "less")
    ours(), peer()  # the daemon's files are in the page cache from here on
    for a, b in rounds(ours, peer):
        time_row.add(a["ms"], b["ms"])
        memory.add(a["peak"] / (pack + head))
        resident.add(a["resident"] / 1e6, b["resident"] / 1e6)
    return [time_row, memory, resident]


# --- requests ---


SIZES = {"small": 400, "10k": 8700, "100k": 98000}


def pages():
    """Articles whose finished pages have about these sizes."""
    words = "The quick brown fox jumps over the lazy dog while somebody counts the letters. "
    return {name: article(name, (words * (size // len(words) + 1))[:size])
            for name, size in SIZES.items()}


@contextlib.contextmanager
def running(folder, *options):
    """A canopy that serves; it is ended whatever happens, and must end well where nothing did."""
    site = Canopy(folder, options).start()
    try:
        yield site.wait_listening().wait_content()
        site.stop()
    finally:
        site.kill()


@contextlib.contextmanager
def serving(folder, remote, bulk):
    """A canopy and an nginx that serve the same bytes, and {name: length} of these."""
    files = {"static/10m.bin": os.urandom(10 << 20)} if bulk else {}
    remote.create("pages", {**pages(), **files})
    with running(folder, "-r", remote.url("pages")) as canopy:
        pin(canopy.process.pid, SERVER_CORE)
        contents = {f"{name}.html": canopy.get(f"/{name}").body for name in SIZES}
        contents |= {Path(path).name: content for path, content in files.items()}
        nginx = Nginx(folder / "nginx", free_port(), contents, sendfile=bulk)
        try:
            wait(lambda: accepts(nginx.port), "nginx")
            yield canopy, nginx, {name: len(content) for name, content in contents.items()}
        finally:
            nginx.stop()


def bench_requests(folder, remote, title, path="small", file="small.html", bulk=False, target=1.0,
                   **load):
    def measure(server, target_):
        return Load(server.process.pid, f"http://127.0.0.1:{server.port}/{target_}",
                    OPTIONS.seconds, **load)
    need("nginx", "nginx"), need("wrk", "wrk")
    with serving(folder, remote, bulk) as (canopy, nginx, sizes):
        title = f"{title}, {sizes[file]:,} bytes"
        row = Row(f"{title} (nginx)", "MB/s" if bulk else "req/s", target=target)
        cpu = Row(f"{title}, server CPU per request", "us", "less")
        for a, b in rounds(lambda: measure(canopy, path), lambda: measure(nginx, file)):
            row.add(*((a.megabytes, b.megabytes) if bulk else (a.per_second, b.per_second)))
            cpu.add(a.cpu_us, b.cpu_us)
    return [row, cpu]


def bench_small(folder, remote):
    return bench_requests(folder, remote, "small page, keep-alive")


def bench_close(folder, remote):
    return bench_requests(folder, remote, "small page, new connection each", close=True)


def bench_sizes(folder, remote):
    rows = []
    for path in ("10k", "100k"):
        (folder / path).mkdir()
        with GitRemote(folder / path) as own:
            rows += bench_requests(folder / path, own, "page", path, f"{path}.html", target=None)
    rows += bench_requests(folder, remote, "static file", "static/10m.bin", "10m.bin", bulk=True,
                           target=None, connections=4)
    return rows


# --- updates ---


def many_articles(remote):
    body = "A paragraph of an article, with *some* `code` and [a link](/Posts/P0001).\n\n" * 12
    files = {f"Posts/P{n:04}": article(f"Article {n}", f"Mark 0.\n\n{body}",
                                       author=f"Ann {n % 9}", tags=f"t{n % 40}",
                                       abstract=f"What article {n} is about.")
             for n in range(2000)}
    repository = remote.create("many", files)
    return repository, body


class Watcher(threading.Thread):
    """Asks for a page again and again, and notes when it first shows the mark."""

    def __init__(self, port, mark):
        super().__init__(daemon=True)
        self.connection, self.mark, self.seen = Connection(port), mark.encode(), None

    def run(self):
        while self.seen is None:
            if self.mark in self.connection.request("GET", "/Posts/P0777").body:
                self.seen = time.monotonic()


class Noting(Proxy):
    """Notes when the last bytes of the remote went through."""

    def _down(self, remote, peer):
        while data := remote.recv(1 << 16):
            self.last = time.monotonic()
            peer.sendall(data)


def bench_update(folder, remote):
    repository, body = many_articles(remote)
    after = Row("one of 2,000 articles: end of fetch to page served", "ms", "less", 100,
                absolute=True)
    whole = Row("one of 2,000 articles: commit to page served", "ms", "less")
    with Noting(remote.port) as proxy, \
            running(folder, "-r", proxy.url("many"), "-l", "info,access:quiet") as site:
        for number_ in range(1, max(OPTIONS.rounds, 3) + 5):
            mark = f"Mark {number_}."
            watcher = Watcher(site.port, mark)
            watcher.start()
            began = time.monotonic()
            repository.publish_fast({"Posts/P0777": article("Article 777", f"{mark}\n\n{body}")})
            assert site.push().status == 200
            watcher.join(60)
            after.add((watcher.seen - proxy.last) * 1e3)
            whole.add((watcher.seen - began) * 1e3)
    return [after, whole]


COUNTERS = ("packs", "cached bytes", "memory blocks", "memory bytes", "timers", "connections",
            "pages", "page bytes")


def counters(site):
    wait(lambda: site.status()["phase"] == "idle", "quiet")
    status = site.status()
    return {name: int(status[name]) for name in COUNTERS}


def bench_updates(folder, remote):
    """After many updates, right after a compaction, against a fresh start at the same commit."""
    repository, body = many_articles(remote)
    options = ["-r", repository.url, "-l", "warning"]
    with running(folder, *options) as site:
        for number_ in range(1, OPTIONS.updates + 1):
            repository.publish_fast({f"Posts/P{number_ * 7 % 2000:04}": article(
                f"Article {number_}", f"Mark {number_}.\n\n{body}", tags=f"t{number_ % 40}")})
            assert site.push().status == 200
        # As much again as there is: that makes the store compact itself.
        noise = os.urandom(int(site.status()["pack bytes"])).hex()
        repository.publish_fast({"static/large.txt": noise})
        assert site.push().status == 200
        with running(folder, *options) as fresh:
            used, new = counters(site), counters(fresh)
    say(f"updates: after {OPTIONS.updates:,}: {used}")
    say(f"updates: fresh start: {new}")
    rows = []
    for name, target in (("memory blocks", 1.01), ("memory bytes", 1.05)):
        row = Row(f"{OPTIONS.updates:,} updates, {name} (fresh start)", "", "less", target)
        row.add(used[name], new[name])
        rows.append(row)
    return rows


# --- the whole ---


def bench_tls(folder, remote):
    return tls.bench_tls(sys.modules[__name__], BUILD, folder, remote)


def bench_goodput(folder, remote):
    return net.bench_goodput(sys.modules[__name__], folder)


def bench_lossy_pages(folder, remote):
    return net.bench_pages(sys.modules[__name__], folder)


def bench_tap_bulk(folder, remote):
    return net.bench_bulk(sys.modules[__name__], folder)


def bench_tap_small(folder, remote):
    return net.bench_requests(sys.modules[__name__], folder)


def bench_segments(folder, remote):
    return net.bench_segments(sys.modules[__name__], folder)


def bench_signer(folder, remote):
    return tls.bench_signer(sys.modules[__name__], BUILD, folder, PLAIN)


def of_ring0(bench):
    return lambda folder, remote: bench(sys.modules[__name__], folder)


BENCHES = {"clone": bench_clone, "small": bench_small, "close": bench_close, "sizes": bench_sizes,
           "update": bench_update, "updates": bench_updates, "tls": bench_tls,
           "signer": bench_signer, "goodput": bench_goodput, "lossy-pages": bench_lossy_pages,
           "tap-bulk": bench_tap_bulk, "tap-small": bench_tap_small, "segments": bench_segments,
           **{name: of_ring0(bench) for name, bench in (ring0.BENCHES | xen_guest.BENCHES).items()}}


def print_table(rows):
    table = [["metric", "ours", "peer", "ratio", "target", ""]] + [row.cells() for row in rows]
    widths = [max(len(line[i]) for line in table) for i in range(6)]
    for number_, line in enumerate(table):
        print("  ".join(cell.ljust(width) for cell, width in zip(line, widths)).rstrip())
        if number_ == 0:
            print("  ".join("-" * width for width in widths))


def print_circumstances():
    versions = []
    for command in (["git", "--version"], ["nginx", "-v"], ["wrk", "-v"]):
        try:
            done = subprocess.run(command, capture_output=True, text=True)
            versions.append((done.stdout + done.stderr).splitlines()[0])
        except OSError:
            versions.append(f"{command[0]}: not here")
    print(f"\n{'; '.join(versions)}; {os.cpu_count()} cores; load {os.getloadavg()[0]:.2f}; "
          f"{OPTIONS.rounds} rounds of {OPTIONS.seconds} s. Server on core {SERVER_CORE}, load on "
          f"another; both write an access log to a file, machines write none. Medians (lowest-highest).")


def run(name):
    with tempfile.TemporaryDirectory(prefix="ringlet-bench-") as folder:
        base = Path(folder)
        (base / "remote").mkdir()
        with GitRemote(base / "remote") as remote:
            return BENCHES[name](base, remote)


def main():
    unknown = set(OPTIONS.only or []) - set(BENCHES)
    if unknown:
        sys.exit(f"bench: there is no {', '.join(unknown)}; there are: {', '.join(BENCHES)}")
    if os.getloadavg()[0] > 1:
        say("the machine is not quiet: take the numbers for what they are")
    rows = []
    try:
        for name in OPTIONS.only or BENCHES:
            say(f"{name} ...")
            rows += run(name)
    except Missing as missing:
        sys.exit(f"bench: {missing}")
    print_table(rows)
    print_circumstances()
    sys.exit(1 if any(row.ok is False for row in rows) else 0)


if __name__ == "__main__":
    main()
