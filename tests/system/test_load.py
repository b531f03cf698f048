"""Readers while the site changes: every answer is whole, and out of one generation."""
import hashlib
import http.client
import re
import threading
import time

from page import Page
from sites import article
from support import FEWER, SANITIZED

PUSHES = 50 // FEWER
PAGES = 12


def generation(number):
    """Every page says which generation it is of, at its begin and at its end."""
    mark = f"GENERATION-{number}-"
    filler = "\n\n".join(f"Paragraph {i}, of a text that has some length." for i in range(60))
    return {f"Posts/Page{n}": article(f"Page {n} {mark}", f"{mark}\n\n{filler}\n\n{mark}",
                                      abstract=f"In short: {mark}", author="Ada", tags="t")
            for n in range(PAGES)} | {"static/mark.txt": mark * 500, ".config/blog_name": mark}


class Reader(threading.Thread):
    def __init__(self, site, paths, stop):
        super().__init__(daemon=True)
        self.site, self.paths, self.stop = site, paths, stop
        self.count, self.faults, self.tags, self.last = 0, [], {}, -1

    def run(self):
        connection = http.client.HTTPConnection("127.0.0.1", self.site.port, timeout=60)
        while not self.stop.is_set() and not self.faults:
            path = self.paths[self.count % len(self.paths)]
            try:
                connection.request("GET", path)
                answer = connection.getresponse()
                self.look(path, answer, answer.read())
            except Exception as fault:  # a lost connection is a fault as well
                self.faults.append(f"{path}: {fault!r}")
            self.count += 1

    def look(self, path, answer, body):
        marks = set(re.findall(rb"GENERATION-(\d+)-", body))
        if answer.status != 200 or len(marks) != 1:
            self.faults.append(f"{path}: {answer.status}, generations {marks}")
            return
        if int(answer.headers["Content-Length"]) != len(body):
            self.faults.append(f"{path}: not whole")
        digest = hashlib.sha256(body).digest()
        if self.tags.setdefault((path, answer.headers["ETag"]), digest) != digest:
            self.faults.append(f"{path}: one ETag for two bodies")
        number = int(marks.pop())
        if number < self.last:
            self.faults.append(f"{path}: generation {number} after {self.last}")
        self.last = number


def test_every_answer_is_of_one_generation(git_remote, canopy):
    repository = git_remote.create("s", generation(0))
    site = canopy("-r", repository.url, "-l", "info,access:quiet")
    stop = threading.Event()
    paths = [f"/Posts/Page{n}" for n in range(PAGES)] + ["/Posts", "/tags/t", "/atom",
                                                         "/static/mark.txt", "/"]
    readers = [Reader(site, paths[i:] + paths[:i], stop) for i in range(4)]
    for reader in readers:
        reader.start()
    for number in range(1, PUSHES + 1):
        repository.publish_fast(generation(number))
        assert site.push().status == 200
    stop.set()
    for reader in readers:
        reader.join(60)
    assert [r.faults for r in readers] == [[]] * len(readers)
    assert sum(r.count for r in readers) > 10 * PUSHES
    status = site.status()
    assert status["updates"] == str(PUSHES + 1)
    assert f"GENERATION-{PUSHES}-" in Page(site.get("/").text).text


def test_a_reader_of_the_old_generation_finishes(git_remote, canopy):
    old, new = b"old " * (2 << 20), b"new " * (2 << 20)
    repository = git_remote.create("s", {"static/big.bin": old, "A": article("A")})
    site = canopy("-r", repository.url)
    with site.connect() as slow:
        slow.send(slow.encode("GET", "/static/big.bin"))
        slow.receive()
        repository.publish({"static/big.bin": new})
        assert site.push().status == 200
        assert site.get("/static/big.bin").body == new
        held = int(site.status()["memory bytes"])
        assert slow.response().body == old
    deadline = time.monotonic() + 20
    while int(site.status()["memory bytes"]) > held - len(old) * 9 // 10:
        assert time.monotonic() < deadline, "the old generation's memory is not given back"
        time.sleep(0.02)


def test_readers_are_served_while_pages_are_made(git_remote, canopy):
    """Many articles are made in steps between requests: no reader waits for all of them,
    however few of the machine's cores they get."""
    text = "Some *text* and `code`.\n\n" * 40
    many = {f"Posts/P{n:04}": article(f"P {n}", text, tags=f"t{n % 50}")
            for n in range(2000 // FEWER)}
    repository = git_remote.create("s", {"A": article("A"), **many})
    site = canopy("-r", repository.url, "-l", "info,access:quiet")
    repository.publish({".config/blog_name": "All of them change"})
    pusher = threading.Thread(target=site.push)
    longest = 0
    with site.connect() as connection:
        pusher.start()
        while pusher.is_alive():
            before = site.worked()
            assert connection.request("GET", "/A").status == 200
            longest = max(longest, site.worked() - before)
    pusher.join()
    assert "All of them change" in site.get("/A").text
    assert longest < (3 if SANITIZED else 0.5)
