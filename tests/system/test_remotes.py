"""Remotes that are gone, cut off, slow or hostile: one clear line, the old content, a retry."""
import hashlib
import struct
import time
import zlib

import pytest

from network import FLUSH, Proxy, Remote, pkt
from sites import article, small
from support import FEWER, SANITIZED, free_port, wait

SAID_LAST = 100  # bytes: what git says of a pack may come behind it, and is not missed where it is cut off


def test_before_the_first_content(git_remote, canopy):
    repository = git_remote.create("s", small())
    with Proxy(git_remote.port, held=True) as proxy:
        site = canopy("-r", proxy.url("s"), ready="listening")
        for path in ("/", "/About", "/static/x"):
            answer = site.get(path)
            assert answer.status == 503
            assert int(answer.field("Retry-After")) > 0
            assert answer.field("Content-Type").startswith("text/html")
        assert site.status()["phase"] == "fetching"
        proxy.release()
        site.wait_content()
        assert site.get("/About").status == 200
        assert site.status()["commit"] == repository.head()


def test_a_remote_that_is_not_there_yet(git_remote, canopy):
    port = free_port()
    site = canopy("-r", f"git://127.0.0.1:{port}/s", ready="listening")
    line = site.wait_line(r"warning +content: .*")
    assert "127.0.0.1" in line and "refused" in line
    git_remote.create("s", small())
    git_remote.stop()
    git_remote.port = port
    git_remote.start()
    site.wait_content()
    assert site.get("/About").status == 200


def test_a_remote_that_is_gone_and_comes_back(git_remote, canopy):
    repository = git_remote.create("s", small())
    site = canopy("-r", repository.url)
    git_remote.stop()
    answer = site.push()
    assert answer.status == 502 and "refused" in answer.text
    assert "the present content stays" in site.wait_line(r"warning +content: .*")
    assert site.get("/About").status == 200
    commit = repository.commit({"About": article("About", "Back.")})
    repository.push()
    git_remote.start()
    wait(lambda: site.status()["commit"] == commit, "the retry")
    assert "Back." in site.get("/About").text
    assert int(site.status()["failed updates"]) >= 1


def test_a_repository_that_is_gone(git_remote, canopy):
    repository = git_remote.create("s", small())
    site = canopy("-r", repository.url)
    repository.hide()
    answer = site.push()
    assert answer.status == 502
    assert len(answer.text.splitlines()) == 1 and len(answer.text) > 20
    assert site.get("/About").status == 200
    repository.show()
    commit = repository.publish({"About": article("About", "Shown.")})
    wait(lambda: site.status()["commit"] == commit, "the retry")


def test_retries_back_off(canopy):
    site = canopy("-r", f"git://127.0.0.1:{free_port()}/s", ready="listening")
    began = time.monotonic()
    site.wait_line(r"warning +content: ", count=3, seconds=30)
    assert time.monotonic() - began > 2  # 1 and 2 seconds at least
    status = wait(lambda: "asks again in seconds" in (s := site.status()) and s, "what is next")
    assert int(status["failed updates"]) >= 3
    assert status["failed in a row"] == status["failed updates"]
    assert int(status["asks again in seconds"]) <= 24


def test_a_name_that_does_not_resolve(canopy):
    site = canopy("-r", "git://no-such-host.invalid/s", ready="listening")
    assert "no-such-host.invalid" in site.wait_line(r"warning +content: ", seconds=60)


def test_a_connection_cut_anywhere(git_remote, canopy):
    """The whole conversation is cut after every so many bytes: never a wrong page, never an end."""
    repository = git_remote.create("s", small())
    with Proxy(git_remote.port) as proxy:
        site = canopy("-r", proxy.url("s"))
        commit = repository.publish({"About": article("About", "Whole " + "x" * 300)})
        site.push()
        whole = proxy.passed
        assert site.status()["commit"] == commit
        commit = repository.publish({"About": article("About", "Again " + "y" * 300)})
        old = site.get("/About").text
        for cut in range(1, whole - SAID_LAST, max(1, whole // (60 // FEWER))):
            proxy.cut = cut
            answer = site.push()
            assert answer.status == 502, (cut, whole, answer)
            assert len(answer.text.splitlines()) == 1
            assert site.get("/About").text == old
        proxy.cut = None
        wait(lambda: site.push().status == 200, "the update")
        assert site.status()["commit"] == commit


def test_the_first_fetch_cut_anywhere(git_remote, canopy):
    git_remote.create("s", small())
    with Proxy(git_remote.port) as proxy:
        canopy("-r", proxy.url("s")).stop()
        whole = proxy.passed
        proxy.cut = 1
        site = canopy("-r", proxy.url("s"), ready="listening")
        for cut in range(1, whole - SAID_LAST, max(1, whole // (40 // FEWER))):
            proxy.cut = cut
            assert site.push().status == 502, (cut, whole)
            assert site.get("/About").status == 503
        proxy.cut = None
        wait(lambda: site.push().status == 200, "the update")
        assert site.get("/About").status == 200


# --- hostile remotes ---


def read_request(peer):
    """A git:// request (one pkt-line)."""
    length = int(peer.recv(4), 16)
    return peer.recv(length - 4)


def drain(peer, seconds=0.2):
    """Whatever comes until the peer waits for us."""
    peer.settimeout(seconds)
    data = b""
    try:
        while not data.endswith(b"0000") and not data.endswith(b"0009done\n"):
            piece = peer.recv(65536)
            if not piece:
                break
            data += piece
    except TimeoutError:
        pass
    peer.settimeout(None)
    return data


def pack_of(objects, count=None, version=2, trailer=None):
    data = b"PACK" + struct.pack(">II", version, len(objects) if count is None else count)
    for kind, content in objects:
        size = len(content)
        byte, size = (kind << 4) | (size & 15), size >> 4
        while size:
            data += bytes([byte | 0x80])
            byte, size = size & 0x7f, size >> 7
        data += bytes([byte]) + zlib.compress(content)
    return data + (trailer if trailer is not None else hashlib.sha1(data).digest())


def oid(kind, content):
    return hashlib.sha1(b"%s %d\0%s" % (kind, len(content), content)).hexdigest()


BLOB = b"---\ntitle: Hello\n---\n\nHello.\n"
TREE = b"100644 Hello\0" + bytes.fromhex(oid(b"blob", BLOB))
COMMIT = (f"tree {oid(b'tree', TREE)}\nauthor A <a@x> 1700000000 +0000\n"
          f"committer A <a@x> 1700000000 +0000\n\nFirst\n").encode()
TIP = oid(b"commit", COMMIT)
OBJECTS = [(1, COMMIT), (2, TREE), (3, BLOB)]


def entry_head(kind, size):
    """Type and size of an entry of a pack (gitformat-pack)."""
    head, rest = (kind << 4) | (size & 15), size >> 4
    out = b""
    while rest:
        out, head, rest = out + bytes([head | 0x80]), rest & 0x7f, rest >> 7
    return out + bytes([head])


def varint(n):
    return bytes([n & 0x7f | 0x80]) + varint(n >> 7) if n > 0x7f else bytes([n])


def copies(base, total):
    """A delta that makes `total` bytes out of copies of its base."""
    out = varint(base) + varint(total)
    while total:
        n = min(base, total, 0xffffff)
        out, total = out + b"\xf0" + n.to_bytes(3, "little"), total - n
    return out


def labour(count, size, last):
    """A small pack that is much work: so many objects of that size, all of them deltas of one base,
    which comes first or last."""
    base = b"\0" * (1 << 20)
    name = bytes.fromhex(oid(b"blob", base))
    first = entry_head(3, len(base)) + zlib.compress(base, 9)
    deltas = [copies(len(base), size + n) for n in range(count)]
    entries = [entry_head(7, len(d)) + name + zlib.compress(d) for d in deltas]
    entries = entries + [first] if last else [first] + entries
    data = b"PACK" + struct.pack(">II", 2, count + 1) + b"".join(entries)
    return data + hashlib.sha1(data).digest()


def v0(pack, tip=TIP, banded=True, between=b""):
    """A remote that speaks v0, answers with one pack, and ends."""
    def script(peer):
        read_request(peer)
        caps = "side-band-64k ofs-delta thin-pack symref=HEAD:refs/heads/main agent=test"
        peer.sendall(pkt(f"{tip} HEAD\0{caps}\n") + pkt(f"{tip} refs/heads/main\n") + FLUSH)
        if not drain(peer, 5):
            return
        data = between + pkt("NAK\n")
        pieces = [pack[i:i + 60000] for i in range(0, len(pack), 60000)]
        for piece in pieces:
            data += pkt(b"\1" + piece) if banded else piece
        peer.sendall(data + FLUSH)
        drain(peer, 5)
    return script


def test_the_scripted_remote_is_a_good_one(canopy):
    """What the hostile ones are variations of does work."""
    with Remote(v0(pack_of(OBJECTS))) as remote:
        site = canopy("-r", remote.url("s"))
        assert "Hello." in site.get("/Hello").text
        assert site.status()["commit"] == TIP


@pytest.mark.parametrize("last", [False, True])
def test_readers_do_not_wait_for_a_packs_work(git_remote, canopy, last):
    """Half a GiB out of a few KiB: it is taken in turns, between which readers are answered."""
    git_remote.create("s", small())
    pack = labour(500 // FEWER, 1 << 20, last)
    with Proxy(git_remote.port) as proxy, Remote(v0(pack)) as hostile:
        site = canopy("-r", proxy.url("s"))
        proxy.remote_port = hostile.port
        longest = requests = 0
        with site.connect() as pusher, site.connect() as reader:
            pusher.send(pusher.encode("POST", "/push"))
            while site.status()["failed updates"] == "0":
                before = site.worked()
                assert reader.request("GET", "/About").status == 200
                longest = max(longest, site.worked() - before)
                requests += 1
        assert "is not whole" in site.wait_line(r"warning +content: ")
        assert requests > (5 if SANITIZED else 20)
        assert longest < (3 if SANITIZED else 0.5)


def flood(data):
    def script(peer):
        for _ in range(1 << 14):
            peer.sendall(data)
    return script


def say(*pieces):
    def script(peer):
        read_request(peer)
        for piece in pieces:
            peer.sendall(piece)
        drain(peer, 5)
    return script


REF = pkt(f"{TIP} refs/heads/main\0side-band-64k\n")
BOMB = zlib.compress(b"\0" * (64 << 20), 9)

HOSTILE = {
    "nothing": lambda peer: None,
    "only its end": say(),
    "rubbish": say(b"\xff\xfe\0\1rubbish" * 100),
    "a web server": say(b"HTTP/1.1 400 Bad Request\r\n\r\n"),
    "endless zeros": flood(b"0" * 65536),
    "endless bytes": flood(bytes(range(256)) * 256),
    "endless refs": flood(pkt(f"{TIP} refs/heads/{'x' * 900}\n") * 64),
    "endless progress": v0(b"", between=pkt(b"\2" + b"progress " * 6000) * 4000),
    "a length below four": say(b"0003"),
    "a length of three letters": say(b"00 7ab"),
    "an error line": say(pkt("ERR \x1b[31mno such repository here\n")),
    "a ref that is no id": say(pkt(f"{'z' * 40} refs/heads/main\0caps\n") + FLUSH),
    "no refs": say(pkt(f"{'0' * 40} capabilities^{{}}\0caps\n") + FLUSH),
    "not a pack": v0(b"this is not a pack at all, whatever it says"),
    "an empty pack": v0(pack_of([])),
    "a pack of another version": v0(pack_of(OBJECTS, version=9)),
    "a wrong checksum": v0(pack_of(OBJECTS, trailer=b"\0" * 20)),
    "a cut pack": v0(pack_of(OBJECTS)[:-25]),
    "more objects announced": v0(pack_of(OBJECTS, count=4)),
    "billions announced": v0(pack_of(OBJECTS, count=0xffffffff)),
    "fewer objects announced": v0(pack_of(OBJECTS, count=2)),
    "a missing blob": v0(pack_of(OBJECTS[:2])),
    "a missing tree": v0(pack_of(OBJECTS[:1])),
    "another commit": v0(pack_of([(1, COMMIT + b"x"), *OBJECTS[1:]])),
    "a changed blob": v0(pack_of([*OBJECTS[:2], (3, BLOB + b"x")])),
    "a tree as the tip": v0(pack_of(OBJECTS), tip=oid(b"tree", TREE)),
    "a reserved type": v0(pack_of([(5, b"x"), *OBJECTS])),
    "a broken stream": v0(pack_of(OBJECTS).replace(b"\x78\x9c", b"\x78\x00", 1)),
    "a bomb": v0(b"PACK" + struct.pack(">II", 2, 1) + bytes([0xb0, 0x01]) + BOMB),
    "a bomb that says its size": v0(b"PACK" + struct.pack(">II", 2, 1)
                                    + bytes([0xbf, 0xff, 0xff, 0xff, 0x7f]) + BOMB),
    "no side band": v0(pack_of(OBJECTS), banded=False),
    "an unknown band": v0(b"", between=pkt(b"\7what")),
    "a fatal message": v0(b"", between=pkt("NAK\n") + pkt(b"\3remote: out of memory")),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_remote(git_remote, canopy, name):
    """The old content stays; one line without control bytes says why; memory stays bounded."""
    git_remote.create("s", small())
    with Proxy(git_remote.port) as proxy, Remote(HOSTILE[name]) as hostile:
        site = canopy("-r", proxy.url("s"))
        page = site.get("/About").body
        proxy.remote_port = hostile.port
        answer = site.push()
        wait(lambda: int(site.status()["failed updates"]) >= 1, f"{name} to fail", 60)
        if answer.status != 202:
            assert answer.status == 502, answer
        line = site.wait_line(r"warning +content: ")
        assert "\x1b" not in line and len(line) < 700
        assert site.get("/About").body == page
        assert site.memory()["VmHWM"] < 600_000 or "sanitize" in str(site.command[0])
        proxy.remote_port = git_remote.port
        wait(lambda: site.push().status == 200, "the good remote again")
