"""Fetching over https://: whom to trust, redirects, credentials; nginx and git http-backend."""
import os
import subprocess

import pytest

import certs
from gitnginx import GitNginx
from images import build, configure, tool
from network import Proxy, Remote
from program import Canopy
from sites import article, small

CLIENT = certs.ExtendedKeyUsageOID.CLIENT_AUTH


@pytest.fixture(scope="session")
def bundle(authority, tmp_path_factory):
    path = tmp_path_factory.mktemp("trust") / "ca.pem"
    path.write_bytes(certs.pem_of(authority.certificate))
    return path


@pytest.fixture
def pair(authority):
    return authority.issue(["localhost", "127.0.0.1"])


@pytest.fixture
def start(tmp_path, pair):
    """start(PAIR, rules=...) runs an nginx with git behind it."""
    running = []

    def make(shown=None, rules=""):
        base = tmp_path / f"nginx-{len(running)}"
        base.mkdir()
        running.append(GitNginx(base, shown or pair, rules).__enter__())
        return running[-1]
    yield make
    for remote in running:
        remote.__exit__()


def fetch(url, folder, *options, token=None):
    return tool("fetch", *options, url, folder, **({"RINGLET_TOKEN": token} if token else {}))


def fetched(repository, folder, *options, url=None, token=None):
    status, output, errors = fetch(url or repository.url, folder, *options, token=token)
    assert status == 0, errors
    assert output == f"{repository.head()} refs/heads/main\n"
    return errors


def refused(url, folder, *options, words, token=None):
    """One line that says where and why, and no folder."""
    status, output, errors = fetch(url, folder, *options, token=token)
    assert status == 1 and output == "", errors
    assert errors.count("\n") == 1 and "https://" in errors or "http://" in errors, errors
    assert words in errors, errors
    assert not folder.exists()
    return errors


FILES = {"About": article("About", "Hello."), "Posts/A": article("A"), "static/x": "x" * 100_000}


# --- whom to trust ---


def test_a_private_authority(start, bundle, tmp_path):
    remote = start()
    repository = remote.create("r", FILES)
    fetched(repository, tmp_path / "a", "--trust", bundle)
    assert (tmp_path / "a/static/x").read_text() == "x" * 100_000
    fetched(repository, tmp_path / "b", "--trust", bundle, url=remote.url("r", "127.0.0.1"))
    clone = repository.run("git", "-c", f"http.sslCAInfo={bundle}", "clone", "-q", repository.url,
                           str(tmp_path / "c"))
    assert clone == ""
    refused(repository.url, tmp_path / "d", words="issuer")  # this machine does not know it
    status, _, errors = fetch(repository.url, tmp_path / "d", "--trust", tmp_path / "none.pem")
    assert status == 1 and "none.pem cannot be read" in errors


@pytest.mark.parametrize("kind", ["p384", "rsa2048", "ed25519"])
def test_kinds_of_keys(start, authority, bundle, tmp_path, kind):
    remote = start(authority.issue(["localhost"], certs.make_key(kind)))
    fetched(remote.create("r", FILES), tmp_path / "a", "--trust", bundle)


def test_chains(start, authority, bundle, tmp_path):
    middle = authority.below("Middle")
    key, leaf = middle.issue(["localhost"])
    remote = start((key, leaf, middle.certificate))
    repository = remote.create("r", FILES)
    fetched(repository, tmp_path / "a", "--trust", bundle)
    remote.restart((key, leaf))
    refused(repository.url, tmp_path / "b", "--trust", bundle, words="issuer")


WRONG = {
    "another name": (dict(names=["other.example"]), "localhost"),
    "no name": (dict(names=[], subject="localhost"), "localhost"),
    "expired": (dict(names=["localhost"], days=-1, since=9), "expired"),
    "not yet valid": (dict(names=["localhost"], since=-2), "not yet valid"),
    "for clients": (dict(names=["localhost"], usage=CLIENT), "purpose"),
    "weak": (dict(names=["localhost"], key="rsa1024"), "less than 2048 bits"),
}


@pytest.mark.parametrize("what", WRONG)
def test_certificates_that_are_refused(start, authority, bundle, tmp_path, what):
    options, words = WRONG[what]
    options = dict(options)
    if options.get("key"):
        options["key"] = certs.make_key(options["key"])
    remote = start(authority.issue(**options),
                   rules="ssl_ciphers DEFAULT:@SECLEVEL=0;" if what == "weak" else "")
    repository = remote.create("r", FILES)
    errors = refused(repository.url, tmp_path / "a", "--trust", bundle, words=words)
    assert f"localhost:{remote.port}" in errors


def test_another_authority_of_the_same_name(start, bundle, tmp_path):
    remote = start(certs.Authority().issue(["localhost"]))
    refused(remote.create("r", FILES).url, tmp_path / "a", "--trust", bundle, words="certificate")


def test_pins(start, pair, authority, bundle, tmp_path):
    key, certificate = certs.Authority("Nobody").issue(["localhost"])
    remote = start((key, certificate))
    repository = remote.create("r", FILES)
    good = certs.fingerprint(certificate)
    colons = ":".join(good[i:i + 2] for i in range(0, 64, 2)).upper()
    for number, pin in enumerate((good, colons, certs.spki_fingerprint(key))):
        fetched(repository, tmp_path / str(number), "--authenticator", "sha256:" + pin)
    for pin in ("0" * 64, certs.fingerprint(pair[1])):
        refused(repository.url, tmp_path / "x", "--authenticator", "sha256:" + pin, words="pin")
    refused(remote.url("r", "127.0.0.1"), tmp_path / "x", "--authenticator", "sha256:" + good,
            words="127.0.0.1")  # the name counts all the same
    for bad in ("sha256:12", "md5:" + "0" * 32, good, ""):
        status, _, errors = fetch(repository.url, tmp_path / "x", "--authenticator", bad)
        assert status == 1 and "--authenticator" in errors


# --- redirects ---


def test_redirects(start, bundle, tmp_path):
    # nginx cannot count: one rule for each step.
    steps = "".join(f"location ~ ^/m{i}/(.*)$ {{{{ return 302 https://localhost:{{port}}/m{i - 1}/$1"
                    f"$is_args$args; }}}}\n" for i in range(1, 9))
    rules = steps + "location ~ ^/m0/(.*)$ {{ return 301 /$1$is_args$args; }}"
    remote = start(rules=rules)
    repository = remote.create("r", FILES)
    fetched(repository, tmp_path / "a", "--trust", bundle, url=remote.url("m4/r"))
    refused(remote.url("m5/r"), tmp_path / "b", "--trust", bundle, words="more than 5 times")


def test_never_to_a_plain_scheme(start, bundle, tmp_path):
    rules = """
      location ~ ^/http/(.*)$ {{ return 302 http://localhost:{plain_port}/$1$is_args$args; }}
      location ~ ^/git/(.*)$ {{ return 302 git://localhost/$1$is_args$args; }}
      location ~ ^/up/(.*)$ {{ return 302 https://localhost:{port}/$1$is_args$args; }}
    """
    remote = start(rules=rules)
    repository = remote.create("r", FILES)
    for kind in ("http", "git"):
        refused(remote.url(f"{kind}/r"), tmp_path / "a", "--trust", bundle, words="redirects")
    fetched(repository, tmp_path / "b", url=remote.plain_url("r"))
    refused(remote.plain_url("up/r"), tmp_path / "c", words="nobody is trusted")


# --- credentials ---


BASIC = """
  add_header WWW-Authenticate 'Basic realm="git"' always;
  if ($http_authorization != "Basic YW5uOnAlczptKG9yZA==") {{ return 401; }}
"""
PASSWORD = "p%s:m(ord"  # ann:p%s:m(ord
BEARER = 'if ($http_authorization != "Bearer t0ken.x-y") {{ return 401; }}'


def test_names_and_passwords(start, bundle, tmp_path):
    remote = start(rules=BASIC)
    repository = remote.create("r", FILES)
    trust = ("--trust", bundle)
    fetched(repository, tmp_path / "a", *trust, url=remote.url("r", person="ann:p%25s%3Am(ord@"))
    fetched(repository, tmp_path / "b", *trust, url=remote.url("r", person="ann@"), token=PASSWORD)
    refused(repository.url, tmp_path / "x", *trust, words="asks for a name and a password")
    errors = refused(remote.url("r", person="ann:wrongish@"), tmp_path / "x", *trust,
                     words="does not accept the name and password")
    assert "wrongish" not in errors
    errors = refused(repository.url, tmp_path / "x", *trust, words="does not accept the token",
                     token="wrongish")
    assert "wrongish" not in errors


def test_tokens(start, bundle, tmp_path):
    remote = start(rules=BEARER)
    repository = remote.create("r", FILES)
    fetched(repository, tmp_path / "a", "--trust", bundle, token="t0ken.x-y")
    status, _, errors = fetch(remote.plain_url("r"), tmp_path / "x", token="t0ken.x-y")
    assert status == 1 and "https:// only" in errors and "t0ken" not in errors


def test_credentials_stay_with_their_host(start, bundle, tmp_path):
    """They are not sent along when a remote sends us elsewhere."""
    other = start(rules='if ($http_authorization) {{ return 403; }}')
    repository = other.create("r", FILES)
    target = f"https://localhost:{other.port}"
    remote = start(rules=BASIC + f"location ~ ^/(.*)$ {{{{ return 302 {target}/$1$is_args$args; }}}}")
    fetched(repository, tmp_path / "a", "--trust", bundle,
            url=remote.url("r", person="ann:p%25s%3Am(ord@"))
    fetched(repository, tmp_path / "b", "--trust", bundle, url=remote.url("r", person="ann@"),
            token=PASSWORD)


# --- bad remotes ---


def test_remotes_that_speak_no_tls(bundle, tmp_path, git_remote):
    git_remote.create("r", FILES)
    for port in (git_remote.port,):
        refused(f"https://localhost:{port}/r", tmp_path / "a", "--trust", bundle, words=":")

    def answer(data):
        def script(peer):
            peer.recv(4096)
            peer.sendall(data)
        return script
    for data in (b"HTTP/1.1 400 Bad Request\r\n\r\n", b"\0" * 100, b"", b"\x16\x03\x03\x40\x01" * 5,
                 b"\x15\x03\x03\x00\x02\x02\x28", b"\x16\x03\x03\x00\x04\x02\x00\x00\x00"):
        with Remote(answer(data)) as remote:
            refused(f"https://localhost:{remote.port}/r", tmp_path / "a", "--trust", bundle,
                    words=":")


def test_a_connection_that_is_cut(start, bundle, tmp_path):
    """At many places of the stream: a reason, never half a repository."""
    remote = start()
    repository = remote.create("r", {"big": os.urandom(300_000)})
    for limit in (0, 1, 100, 900, 1500, 2500, 5000, 100_000, 290_000):
        with Proxy(remote.port, cut=limit) as proxy:
            refused(f"https://localhost:{proxy.port}/r", tmp_path / "a", "--trust", bundle,
                    words=":")
    fetched(repository, tmp_path / "b", "--trust", bundle)


# --- canopy ---


@pytest.fixture(scope="module")
def trusting(tmp_path_factory, bundle):
    """An image that trusts the tests' authority."""
    folder = tmp_path_factory.mktemp("trusting")
    configure(folder, "--trust", bundle)
    return build(folder, folder)


def test_canopy_follows_a_remote_at_https(start, trusting, canopy):
    remote = start(rules=BEARER)
    repository = remote.create("s", small())
    site = canopy("-r", repository.url, "--remote-token", "t0ken.x-y", program=trusting)
    assert "We are" in site.get("/About").text
    for number in range(3):
        repository.publish({"About": article("About", f"Update {number}.")})
        assert site.push().status == 200
        assert f"Update {number}." in site.get("/About").text
    assert "t0ken" not in site.log + site.get("/status").text
    assert f"remote: https://localhost:{remote.port}/s" in site.get("/status").text


def test_canopy_goes_on_when_its_remote_is_not_trusted_any_more(start, authority, trusting, canopy):
    remote = start()
    repository = remote.create("s", small())
    site = canopy("-r", repository.url, program=trusting)
    repository.publish({"About": article("About", "Updated.")})
    for shown, words in ((certs.Authority("Other").issue(["localhost"]), "issuer"),
                         (authority.issue(["other.example"]), "localhost"),
                         (authority.issue(["localhost"], days=-1, since=5), "expired")):
        remote.restart(shown)
        answer = site.push()
        assert answer.status == 502 and words in answer.text, answer.text
        assert "We are" in site.get("/About").text
    remote.restart(authority.issue(["localhost"]))
    assert site.push().status == 200
    assert "Updated." in site.get("/About").text


def test_canopy_with_a_pin(start, canopy):
    key, certificate = certs.Authority("Nobody").issue(["localhost"])
    remote = start((key, certificate))
    site = canopy("-r", remote.create("s", small()).url, "--authenticator",
                  f"sha256:{'0' * 64},sha256:{certs.spki_fingerprint(key)}")
    assert site.get("/About").status == 200


def test_canopy_that_trusts_nobody(tmp_path):
    """The image of the tests was never configured."""
    program = Canopy(tmp_path, ["-r", "https://localhost:1/x"]).start()
    assert program.wait_ended() == 1
    assert "nobody is trusted" in program.log and "--trust" in program.log


def test_stock_git_agrees(start, bundle, tmp_path):
    """The set-up is one that git itself takes."""
    remote = start(rules=BASIC)
    repository = remote.create("r", FILES)
    url = remote.url("r", person="ann:p%25s%3Am(ord@")
    done = subprocess.run(["git", "-c", f"http.sslCAInfo={bundle}", "ls-remote", url],
                          capture_output=True, text=True, env=repository.environment)
    assert repository.head() in done.stdout, done.stderr
