"""Whole-system tests: the built programs, stock git and real sockets, on loopback only.

RINGLET_BUILD names the build to test (default: build). The helpers are modules beside this file.
"""
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))

import certs  # noqa: E402
from gitremote import GitRemote  # noqa: E402
from images import build, configure  # noqa: E402
from program import PLAIN, Canopy, SecureCanopy  # noqa: E402
from support import BUNDLE  # noqa: E402


# The files that take longest, longest first: a worker that gets one of them last keeps all waiting.
LONGEST = ["browser", "ring0", "keys", "net_setup", "kvm", "https", "https_browser", "kvm_net", "fetch", "tool",
           "updates", "net_peers", "net_ip", "git_https", "remotes", "serving", "net_hostile", "load", "memory"]


def pytest_configure(config):
    if not PLAIN.exists():
        raise pytest.UsageError(f"{PLAIN} is not built: run `make system`")


def pytest_collection_modifyitems(items):
    place = {f"test_{name}.py": at for at, name in enumerate(LONGEST)}
    items.sort(key=lambda item: place.get(item.path.name, len(LONGEST)))


@pytest.fixture
def git_remote(tmp_path):
    """A git daemon on 127.0.0.1; create() gives it repositories."""
    base = tmp_path / "remote"
    base.mkdir()
    with GitRemote(base) as remote:
        yield remote


class Running:
    """Canopies of one test (or module): all of them are ended with it, and must end well."""

    def __init__(self, folder):
        self.folder = folder
        self.started = []

    def __call__(self, *arguments, ready="content", kind=Canopy, **options):
        """ready: "content", "listening", or None to not wait at all."""
        program = kind(self.folder, arguments, **options)
        self.started.append(program)
        program.start()
        if ready:
            program.wait_listening()
        if ready == "content":
            program.wait_content()
        return program

    def stop(self):
        faults = []
        for program in self.started:
            try:
                program.stop()
            except AssertionError as fault:
                faults.append(str(fault))
        assert not faults, "\n".join(faults)


@pytest.fixture
def canopy(tmp_path):
    """canopy(ARGUMENT...) starts one on a free port and waits until it serves content."""
    running = Running(tmp_path)
    yield running
    running.stop()


@pytest.fixture(scope="session")
def authority():
    """A certificate authority that all tests share."""
    return certs.Authority()


@pytest.fixture
def secure(tmp_path, canopy, authority):
    """secure(ARGUMENT..., pairs={NAME: (KEY, CERTIFICATE...)}) starts one that serves HTTPS; without
    pairs it is localhost."""
    def start(*arguments, pairs=None, **options):
        for name, pair in (pairs or {"server": authority.issue(["localhost"])}).items():
            certs.write_pair(tmp_path / "tls", name, *pair)
        return canopy(*arguments, kind=SecureCanopy, keys=tmp_path / "tls",
                      authority=certs.pem_of(authority.certificate), **options)
    return start


@pytest.fixture(scope="module")
def module_remote(tmp_path_factory):
    with GitRemote(tmp_path_factory.mktemp("remote")) as remote:
        yield remote


@pytest.fixture(scope="module")
def module_canopy(tmp_path_factory):
    running = Running(tmp_path_factory.mktemp("canopy"))
    yield running
    running.stop()


def need_bundle():
    if not BUNDLE.exists():
        pytest.skip(f"the real site is not here: {BUNDLE}")


@pytest.fixture
def hannes(git_remote):
    """A real Canopy site with its history, served by git_remote."""
    need_bundle()
    return git_remote.adopt("hannes", BUNDLE)


@pytest.fixture(scope="module")
def module_hannes(module_remote):
    need_bundle()
    return module_remote.adopt("hannes", BUNDLE)


@pytest.fixture
def image(tmp_path):
    """image(OPTION...) is a canopy configured with these options: the path of the program."""
    made = []

    def make(*arguments):
        config = tmp_path / f"image-{len(made)}"
        made.append(config)
        configure(config, *arguments)
        return build(config, config)
    return make
