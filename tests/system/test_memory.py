"""What updates take they give back: after many, the counters are those of a fresh start."""
import random

import pytest

from sites import article, small
from support import FEWER, wait

UPDATES = 200 // FEWER

# The store gathers packs, and a cache of bounded size, until it compacts itself: at the latest when
# as much came as half of what was there. Right after that, what may differ from a fresh start at the
# same commit is the room that tables keep, and how objects are packed: deltas may lie differently.
BLOCKS = 4
BYTES = 64 << 10
SHARE = 1.10


def settle(site):
    wait(lambda: site.status()["connections"] == "1" and site.status()["phase"] == "idle", "quiet")
    site.get("/About")
    return {k: int(v) for k, v in site.status().items() if k != "mend" and v.isdigit()}


def compare(site, fresh):
    used, new = settle(site), settle(fresh)
    assert site.status()["commit"] == fresh.status()["commit"]
    assert used["pages"] == new["pages"] and used["page bytes"] == new["page bytes"]
    assert used["timers"] <= new["timers"] + 1, (used, new)
    assert used["memory blocks"] <= new["memory blocks"] + BLOCKS, (used, new)
    assert used["memory bytes"] <= new["memory bytes"] * SHARE + BYTES, (used, new)
    assert used["connections"] == new["connections"] == 1


def change(repository, number, **options):
    repository.publish_fast({
        "About": article("About us", f"Change {number}. " + "x" * (number % 7 * 100)),
        f"Posts/N{number % 10}": article(f"Number {number}", "Text. " * 100,
                                         tags=f"t{number % 13}"),
    }, **options)


@pytest.mark.parametrize("kind", ["amended and forced", "normal"])
def test_updates_give_back_what_they_take(git_remote, canopy, kind):
    repository = git_remote.create("s", small())
    change(repository, 0)
    arguments = ["-r", repository.url, "-l", "warning"]
    site = canopy(*arguments)
    for number in range(1, UPDATES + 1):
        change(repository, number, replace=kind != "normal")
        answer = site.push()
        assert answer.status == 200, answer
    assert int(site.status()["updates"]) == UPDATES + 1
    noise = random.Random(1).randbytes(int(site.status()["pack bytes"])).hex()
    repository.publish_fast({"static/large.txt": noise})
    assert site.push().status == 200
    assert site.status()["packs"] == "1", "the store was not compacted"
    compare(site, canopy(*arguments))


def test_failed_updates_give_back_what_they_take(git_remote, canopy):
    repository = git_remote.create("s", small())
    site = canopy("-r", repository.url, "-l", "error")
    before = settle(site)
    for number in range(UPDATES // 4):
        repository.hide()
        assert site.push().status == 502
        repository.show()
    assert site.push().status == 200
    after = settle(site)
    assert after["memory blocks"] <= before["memory blocks"] + 4
    assert after["memory bytes"] <= before["memory bytes"] + 4096


def test_requests_give_back_what_they_take(git_remote, canopy):
    site = canopy("-r", git_remote.create("s", small()).url, "-l", "error")
    requests = (("GET", "/"), ("GET", "/nowhere"), ("HEAD", "/About"), ("POST", "/About"),
                ("POST", "/push"), ("BREW", "/"), ("GET", "/%00"), ("GET", "/About/"),
                ("GET", "/static/css/canopy.css"))
    seen = []
    for _ in range(20):
        for method, path in requests:
            site.request(method, path)
        after = settle(site)
        seen.append((after["memory blocks"], after["memory bytes"]))
    assert len(set(seen[1:])) == 1, seen  # in the first round buffers come to be
