"""ringlet fetch against stock git: what it writes is what git has, by both transports and all
versions of the protocol; and what it says where there is nothing to be written."""
import hashlib
import os
import pty
import re
import socket
import stat
import subprocess

import pytest

from conftest import need_bundle
from gitremote import GitRemote
from httpremote import HttpRemote
from images import TOOL, tool
from network import FLUSH, Proxy, Remote, pkt
from support import BUNDLE, free_port
from test_remotes import pack_of, say

FILES = {
    "README.md": "# Read me\n",
    "empty": "",
    "deep/er/and/deeper": "x" * 100000,
    "binary": bytes(range(256)) * 64,
    "white space /tab\there": "a",
    "new\nline": "b",
    "ä/ö 中文": "c",
    "-dash": "d",
    "quote\"'\\": "e",
    ".gitattributes": "* text=auto\n",
}
ODD_NAME = b"not \xff utf-8"


def tree_of(folder):
    """{path: (kind and permissions, content)} of everything in a folder, as bytes."""
    found = {}
    folder = os.fsencode(folder)
    for base, folders, files in os.walk(folder):
        for name in folders + files:
            path = os.path.join(base, name)
            mode = os.lstat(path).st_mode
            if stat.S_ISLNK(mode):
                what = ("link", os.readlink(path))
            elif stat.S_ISDIR(mode):
                what = ("folder", None)
            else:
                with open(path, "rb") as f:
                    what = ("program" if mode & 0o100 else "file", f.read())
            found[os.path.relpath(path, folder)] = what
    return found


def expected(repository, commit, into):
    """The same, as git writes it."""
    into.mkdir()
    for command in (("read-tree", commit), ("checkout-index", "-a", "-f")):
        subprocess.run(["git", f"--git-dir={repository.bare}", f"--work-tree={into}",
                        "-c", "core.bare=false", "-c", "core.autocrlf=false",
                        "-c", "core.attributesFile=/dev/null", *command],
                       check=True, env={**repository.environment,
                                        "GIT_INDEX_FILE": f"{into}.index"}, cwd=into)
    return tree_of(into)


def fetched(url, into):
    """(commit, ref) that a fetch that works prints."""
    status, output, errors = tool("fetch", url, into)
    assert status == 0, errors
    return tuple(output.split())


def fill(repository):
    """Everything that a tree may hold, in a few commits."""
    repository.write(FILES)
    with open(os.path.join(os.fsencode(repository.work), ODD_NAME), "wb") as f:
        f.write(b"odd")
    program = repository.work / "bin" / "run"
    program.parent.mkdir()
    program.write_text("#!/bin/sh\n")
    program.chmod(0o755)
    (repository.work / "link").symlink_to("deep/er")
    (repository.work / "dangling").symlink_to("/nowhere/ä")
    first = repository.commit(message="First")
    for i in range(6):
        repository.commit({"deep/changing": "".join(f"{i} {k}\n" for k in range(500))})
    repository.push()
    return first


def check(repository, url, into, branch="HEAD", ref="refs/heads/main"):
    commit = repository.run("git", "-C", str(repository.bare), "rev-parse", f"{branch}^{{commit}}")
    assert fetched(url, into / "got") == (commit, ref)
    assert tree_of(into / "got") == expected(repository, commit, into / "git")


@pytest.fixture(scope="module", params=["sha1", "sha256"])
def everything(request, module_remote):
    """A repository with all of it, of each kind; no test alters it."""
    repository = module_remote.create(f"all-{request.param}", kind=request.param)
    fill(repository)
    return repository


# --- git:// ---


def test_over_git(everything, tmp_path):
    check(everything, everything.url, tmp_path)


def ipv6():
    try:
        socket.create_server(("::1", 0), family=socket.AF_INET6).close()
        return True
    except OSError:
        return False


def test_over_ipv6(tmp_path):
    base = tmp_path / "remote"
    base.mkdir()
    if not ipv6():
        pytest.skip("there is no IPv6 here")
    with GitRemote(base, "::1") as remote:
        repository = remote.create("six", {"a": "b"})
        check(repository, repository.url, tmp_path)


@pytest.mark.parametrize("version", ["0", "1", "2"])
def test_every_version_over_git(everything, version, tmp_path):
    """The daemon speaks what it is asked for: here upload-pack is told otherwise."""

    def script(peer):
        length = int(peer.recv(4), 16)
        request = peer.recv(length - 4)
        assert request.endswith(b"\0\0version=2\0")
        variables = {**everything.environment, "GIT_PROTOCOL": f"version={version}"}
        if version == "0":
            del variables["GIT_PROTOCOL"]
        subprocess.run(["git", "upload-pack", str(everything.bare)], stdin=peer, stdout=peer,
                       env=variables, timeout=60)

    with Remote(script) as remote:
        check(everything, remote.url("v"), tmp_path)


@pytest.mark.parametrize("setting", ["uploadpack.keepAlive=1", "core.compression=0",
                                     "uploadpack.allowRefInWant=true", "pack.window=0",
                                     "uploadpack.hideRefs=refs/tags", "uploadpack.allowFilter=true",
                                     "lsrefs.unborn=ignore", "uploadpack.advertiseBundleURIs=true"])
def test_configured_remotes(git_remote, setting, tmp_path):
    repository = git_remote.create("c", FILES)
    repository.publish({"README.md": "# Another\n"})
    name, value = setting.split("=")
    repository.run("git", "-C", str(repository.bare), "config", name, value)
    check(repository, repository.url, tmp_path)


@pytest.fixture
def branched(git_remote):
    repository = git_remote.create("branches", {"a": "1"})
    repository.git("tag", "light")
    repository.git("branch", "feature/x")
    repository.publish({"a": "2"})
    repository.git("tag", "-a", "-m", "annotated", "v1")
    repository.git("tag", "-a", "-m", "of a tag", "v1-again", "v1")
    repository.git("branch", "v1")  # a branch and a tag of one name
    repository.publish({"a": "3"})
    repository.git("update-ref", "refs/pull/7/head", "HEAD~2")
    repository.git("push", "-q", "origin", "feature/x", "refs/heads/v1", "--tags",
                   "refs/pull/7/head")
    return repository


@pytest.mark.parametrize("branch, revision, ref", [
    ("", "HEAD", "refs/heads/main"),
    ("#main", "main", "refs/heads/main"),
    ("#feature/x", "feature/x", "refs/heads/feature/x"),
    ("#light", "light", "refs/tags/light"),
    ("#v1-again", "refs/tags/v1-again", "refs/tags/v1-again"),
    ("#v1", "refs/heads/v1", "refs/heads/v1"),
    ("#refs/tags/v1", "refs/tags/v1", "refs/tags/v1"),
    ("#refs/pull/7/head", "refs/pull/7/head", "refs/pull/7/head"),
])
def test_branches_and_tags(branched, branch, revision, ref, tmp_path):
    check(branched, branched.url + branch, tmp_path, revision, ref)


def test_detached_head(branched, tmp_path):
    commit = branched.git("rev-parse", "HEAD~1")
    (branched.bare / "HEAD").write_text(commit + "\n")
    check(branched, branched.url, tmp_path, ref="HEAD")


def test_merges_and_many_roots(git_remote, tmp_path):
    repository = git_remote.create("merges", {"a": "1"})
    repository.git("checkout", "-q", "--orphan", "second")
    repository.commit({"b": "2"})
    repository.git("checkout", "-q", "main")
    repository.git("merge", "-q", "--allow-unrelated-histories", "-m", "both", "second")
    repository.push()
    check(repository, repository.url, tmp_path)


def test_submodules_are_empty_folders(git_remote, tmp_path):
    repository = git_remote.create("sub", {"a": "1"})
    repository.git("update-index", "--add", "--cacheinfo", f"160000,{'1' * 40},module")
    repository.git("commit", "-q", "-m", "module")
    repository.push()
    fetched(repository.url, tmp_path / "got")
    assert tree_of(tmp_path / "got")[b"module"] == ("folder", None)


def test_names_in_urls(git_remote, tmp_path):
    repository = git_remote.create("na me ä%.git")
    repository.publish({"a": "b"})
    check(repository, git_remote.url("na%20me%20%C3%A4%25.git"), tmp_path)


def test_a_large_repository(git_remote, tmp_path):
    repository = git_remote.create("large")
    repository.commit({f"d{i % 40}/f{i}": os.urandom(2000) + b"x" * (i * 20) for i in range(1000)})
    repository.commit({"one": os.urandom(3 << 20)})
    repository.push()
    check(repository, repository.url, tmp_path)


def test_the_real_site(git_remote, tmp_path):
    need_bundle()
    repository = git_remote.adopt("hannes", BUNDLE)
    check(repository, repository.url, tmp_path, ref=f"refs/heads/{repository.branch}")


# --- http:// ---


@pytest.fixture
def http_base(tmp_path):
    base = tmp_path / "web"
    base.mkdir()
    return base


@pytest.mark.parametrize("framing", ["length", "chunked", "close", "lost"])
@pytest.mark.parametrize("protocol", ["version=2", "version=1", None])
def test_over_http(everything, framing, protocol, tmp_path):
    with HttpRemote(everything.bare.parent, framing, protocol) as remote:
        name = everything.bare.name
        check(everything, remote.url(name), tmp_path)
        paths = [path for _, path, _, _ in remote.requests]
        assert paths[0] == f"/{name}/info/refs?service=git-upload-pack"
        assert paths[1:] == [f"/{name}/git-upload-pack"] * (2 if protocol == "version=2" else 1)


def test_names_in_http_urls(http_base, tmp_path):
    with HttpRemote(http_base) as remote:
        repository = remote.create("na me ä.git", {"a": "b"})
        for i, path in enumerate(("na%20me%20%C3%A4.git", "na%20me%20ä.git/")):
            (tmp_path / str(i)).mkdir()
            check(repository, remote.url(path), tmp_path / str(i))


def test_branches_over_http(http_base, tmp_path):
    with HttpRemote(http_base) as remote:
        repository = remote.create("b", {"a": "1"})
        repository.git("push", "-q", "origin", "HEAD:refs/heads/side")
        repository.publish({"a": "2"})
        check(repository, repository.url + "#side", tmp_path, "side", "refs/heads/side")


def test_passwords(http_base, tmp_path):
    with HttpRemote(http_base) as remote:
        repository = remote.create("p", {"a": "1"})
        remote.password = "me:pass word@"
        status, _, errors = tool("fetch", repository.url, tmp_path / "x")
        assert status == 1 and "name and a password" in errors
        status, _, errors = tool("fetch", remote.url("p", "me:wr%6fng@"), tmp_path / "x")
        assert status == 1 and "does not accept" in errors
        assert "wr" not in errors and "me" not in errors.split(":", 2)[2].split("/")[2]
        check(repository, remote.url("p", "me:pass%20word%40@"), tmp_path)


def test_redirects(http_base, tmp_path):
    with HttpRemote(http_base) as remote, HttpRemote(http_base) as other:
        repository = other.create("real", {"a": "1"})
        remote.moved["/old"] = other.url("real")
        check(repository, remote.url("old"), tmp_path)
        assert len(remote.requests) == 1
        remote.moved["/round"] = remote.url("round")
        status, _, errors = tool("fetch", remote.url("round"), tmp_path / "x")
        assert status == 1 and "redirects more than" in errors


def test_no_smart_http(http_base, tmp_path):
    with HttpRemote(http_base) as remote:
        remote.dumb = True
        status, _, errors = tool("fetch", remote.url("x"), tmp_path / "x")
        assert status == 1 and "smart HTTP" in errors
        remote.dumb = False
        status, _, errors = tool("fetch", remote.url("missing"), tmp_path / "x")
        assert status == 1 and "no such repository" in errors


# --- what cannot be ---


def refused(url, into, words, status=1):
    """One line, nothing written, and the folder is not left behind."""
    got, output, errors = tool("fetch", url, into)
    assert got == status and output == "", errors
    assert len(errors.splitlines()) == 1 and errors.startswith("ringlet: "), errors
    assert words in errors
    assert not into.exists()


def test_nothing_to_fetch(git_remote, tmp_path):
    git_remote.create("empty")
    repository = git_remote.create("some", {"a": "b"})
    refused(git_remote.url("empty"), tmp_path / "x", "HEAD")
    refused(git_remote.url("missing"), tmp_path / "x", "no such repository")
    refused(repository.url + "#none", tmp_path / "x", "no branch or tag none")
    repository.run("git", "-C", str(repository.bare), "symbolic-ref", "HEAD", "refs/heads/gone")
    refused(repository.url, tmp_path / "x", "refs/heads/gone")
    refused(f"git://127.0.0.1:{free_port()}/x", tmp_path / "x", "refused")
    refused("git://no-such-host.invalid/x", tmp_path / "x", "not known")
    shallow = git_remote.base / "shallow"
    repository.publish({"a": "c"})
    repository.run("git", "clone", "-q", "--bare", "--depth=1", "-b", "main",
                   f"file://{repository.bare}", str(shallow))
    refused(git_remote.url("shallow"), tmp_path / "x", "shallow")


def test_urls_that_are_none(tmp_path):
    for url in ("ssh://h/x", "file:///x", "/x", "x", "git://h", "git://u@h/x"):
        refused(url, tmp_path / "x", "must be", 2)
    for arguments in ((), ("git://h/x",), ("git://h/x", "a", "b"), ("--depth", "git://h/x")):
        status, _, errors = tool("fetch", *arguments, cwd=tmp_path)
        assert status == 2 and "usage" in errors


def test_folders(git_remote, tmp_path):
    repository = git_remote.create("f", {"a": "b"})
    (tmp_path / "empty").mkdir()
    fetched(repository.url, tmp_path / "empty")
    assert (tmp_path / "empty" / "a").read_text() == "b"
    status, _, errors = tool("fetch", repository.url, tmp_path / "empty")
    assert status == 1 and "not empty" in errors
    (tmp_path / "file").write_text("")
    status, _, errors = tool("fetch", repository.url, tmp_path / "file")
    assert status == 1 and (tmp_path / "file").read_text() == ""
    status, _, errors = tool("fetch", repository.url, tmp_path / "no" / "where")
    assert status == 1


def test_cut_off(module_remote, everything, tmp_path):
    with Proxy(module_remote.port) as proxy:
        url = proxy.url(everything.bare.name)
        fetched(url, tmp_path / "whole")
        whole = proxy.passed
        for cut in range(0, whole * 9 // 10, max(1, whole // 25)):  # lengths differ a little
            proxy.cut = cut
            refused(url, tmp_path / "x", "127.0.0.1")


# --- hostile trees ---


def oid(kind, content):
    return hashlib.sha1(b"%s %d\0%s" % (kind, len(content), content)).digest()


def remote_with(tree_entries, blobs, trees=()):
    """A v2 remote that gives one commit with this tree."""
    tree = b"".join(b"%s %s\0%s" % (mode, name, which) for mode, name, which in tree_entries)
    commit = (b"tree %s\nauthor A <a@x> 1700000000 +0000\ncommitter A <a@x> 1700000000 +0000\n\nx\n"
              % oid(b"tree", tree).hex().encode())
    tip = oid(b"commit", commit).hex()
    pack = pack_of([(1, commit), (2, tree)] + [(2, t) for t in trees] + [(3, b) for b in blobs])
    bands = b"".join(pkt(b"\1" + pack[i:i + 60000]) for i in range(0, len(pack), 60000))
    return Remote(say(pkt("version 2\n") + pkt("ls-refs\n") + pkt("fetch\n") + FLUSH +
                      pkt(f"{tip} HEAD symref-target:refs/heads/main\n") + FLUSH +
                      pkt("packfile\n") + bands + FLUSH))


BLOB = b"evil"
FILE = oid(b"blob", BLOB)


def attempt(remote, tmp_path):
    with remote:
        status, _, errors = tool("fetch", remote.url("evil"), tmp_path / "got")
    assert os.listdir(tmp_path / "outside") == ["kept"]
    assert (tmp_path / "outside" / "kept").read_text() == "kept"
    return status, errors


@pytest.fixture
def outside(tmp_path):
    (tmp_path / "outside").mkdir()
    (tmp_path / "outside" / "kept").write_text("kept")
    return os.fsencode(tmp_path / "outside")


@pytest.mark.parametrize("name", [b"..", b".", b"../outside/new", b"/tmp/x", b"a/b", b".git", b""])
def test_forbidden_names(name, outside, tmp_path):
    status, errors = attempt(remote_with([(b"100644", name, FILE)], [BLOB]), tmp_path)
    assert status == 1 and errors.startswith("ringlet: ")


def test_links_are_not_followed(outside, tmp_path):
    """A link and a folder (or file) of one name: what comes second is refused."""
    inner = b"100644 new\0" + FILE
    folder = oid(b"tree", inner)
    for mode, second, name in ((b"40000", folder, b"x"), (b"100644", FILE, b"x")):
        for target in (outside, outside + b"/kept"):
            link = oid(b"blob", target)
            remote = remote_with([(b"120000", name, link), (mode, name, second)], [BLOB, target],
                                 [inner])
            status, errors = attempt(remote, tmp_path)
            assert status == 1
            subprocess.run(["rm", "-rf", str(tmp_path / "got")], check=True)


def test_errors_are_escaped(outside, tmp_path):
    """What a tree says is not written to the terminal as it is."""
    name = b"\x1b[2Jx" * 60
    status, errors = attempt(remote_with([(b"100644", name, FILE)], [BLOB]), tmp_path)
    assert status == 1 and "\x1b" not in errors and "\\x1b[2J" in errors


def test_what_is_missing(outside, tmp_path):
    status, errors = attempt(remote_with([(b"100644", b"a", FILE)], []), tmp_path)
    assert status == 1 and FILE.hex() in errors


# --- progress ---


def on_a_terminal(*arguments):
    main, other = pty.openpty()
    process = subprocess.Popen([str(TOOL), *map(str, arguments)], stdout=subprocess.PIPE,
                               stderr=other, stdin=subprocess.DEVNULL)
    os.close(other)
    seen = b""
    try:
        while piece := os.read(main, 65536):
            seen += piece
    except OSError:
        pass
    os.close(main)
    output = process.stdout.read()
    assert process.wait(60) == 0
    return output.decode(), seen.decode(errors="replace")


def test_progress(everything, tmp_path):
    output, seen = on_a_terminal("fetch", everything.url, tmp_path / "got")
    assert re.fullmatch(r"[0-9a-f]{40,64} refs/heads/main\n", output)
    assert "connecting" in seen and "remote: " in seen
    lines = seen.replace("\r\n", "\n").split("\n")
    assert len(lines) == 2 and lines[1] == ""  # one line, written over and over, then the sum
    assert re.search(r"\r\x1b\[K\d+ files, \d+ KiB$", lines[0])
