"""Keys in an image: `ringlet keys`, and the checks of `ringlet configure`."""
import hashlib
import os
import resource
import shutil
import signal
import socket
import stat
import subprocess

import pytest

import certs
from images import build, configure, tool
from program import PLAIN, TOOL
from sites import small
from support import BUILD, ROOT, SANITIZED


@pytest.fixture
def plain(tmp_path):
    """A built image without keys, of our own."""
    return shutil.copy(PLAIN, tmp_path / "canopy")


@pytest.fixture
def folder(tmp_path):
    return tmp_path / "tls"


def digest(path):
    return hashlib.sha256(path.read_bytes()).hexdigest()


def keys(*arguments):
    status, output, errors = tool("keys", *arguments)
    assert status == 0, errors
    return output


def refused(image, folder, *words):
    """One line that says what is wrong; and nothing has changed."""
    before, names = digest(image), sorted(os.listdir(image.parent))
    status, output, errors = tool("keys", image, folder)
    assert status == 1 and output == "", (output, errors)
    assert errors.count("\n") == 1, errors
    for word in words:
        assert word in errors, errors
    assert digest(image) == before and sorted(os.listdir(image.parent)) == names
    return errors


# --- what is shown, what is replaced ---


@pytest.mark.parametrize("kind, form, said", [
    ("p256", "pkcs8", "ECDSA P-256"), ("p256", "traditional", "ECDSA P-256"),
    ("p384", "pkcs8", "ECDSA P-384"), ("p384", "traditional", "ECDSA P-384"),
    ("rsa2048", "pkcs8", "RSA 2048"), ("rsa2048", "traditional", "RSA 2048"),
    ("rsa4096", "pkcs8", "RSA 4096"), ("ed25519", "pkcs8", "Ed25519")])
def test_keys_are_taken_and_shown(authority, plain, folder, kind, form, said):
    key, certificate = authority.issue(["example.org", "www.example.org", "192.0.2.1"],
                                       certs.make_key(kind), days=89.5)
    certs.write_pair(folder, "server", key, certificate, authority.certificate, form=form)
    assert keys(plain) == "no keys\n"
    shown = keys(plain, folder)
    assert shown == keys(plain)
    for text in ("server\n", "CN=example.org\n", "example.org, www.example.org, 192.0.2.1\n",
                 "CN=Test CA\n", "89 days left\n", f"{said}\n", "2 certificates\n",
                 certs.fingerprint(certificate)):
        assert text in shown, shown
    assert certs.der_of_key(key) in plain.read_bytes()
    described = tool("describe", plain)[1]
    assert "server: CN=example.org, until" in described


def test_nothing_of_a_key_is_ever_printed(authority, plain, folder):
    for number, kind in enumerate(("p256", "rsa2048", "ed25519")):
        key, certificate = authority.issue([f"h{number}.example"], certs.make_key(kind))
        certs.write_pair(folder, f"h{number}.example", key, certificate)
        printed = "".join(tool("keys", plain, folder)[1:] + tool("describe", plain)[1:])
        lines = [line for line in certs.pem_of_key(key).decode().splitlines() if line[0] != "-"]
        for line in lines:
            assert line[:20] not in printed
        for part in certs.secret_parts(key):
            assert part.hex() not in printed.lower()


def test_an_image_is_as_before_when_its_keys_are_gone(authority, plain, folder):
    before = digest(plain)
    for names in (["a.example"], ["b.example"]):
        key, certificate = authority.issue(names)
        certs.write_pair(folder, "server", key, certificate)
        keys(plain, folder)
        assert certs.der_of_key(key) in plain.read_bytes()
        image = plain.read_bytes()
    assert keys(plain, "--none") == "no keys\n"
    assert digest(plain) == before
    assert certs.der_of_key(key) not in plain.read_bytes() and certs.der_of_key(key) in image


def test_mode_is_kept_and_the_file_is_new(authority, plain, folder):
    certs.write_pair(folder, "server", *authority.issue(["a.example"]))
    plain.chmod(0o751)
    with open(plain, "rb") as old:
        before = old.read()
        status, _, errors = tool("keys", plain, folder)
        assert status == 0 and "chmod go-r" in errors
        old.seek(0)
        assert old.read() == before  # who runs the old one goes on with it
    assert stat.S_IMODE(plain.stat().st_mode) == 0o751
    plain.chmod(0o700)
    assert "chmod" not in tool("keys", plain, folder)[2]
    assert sorted(os.listdir(plain.parent)) == ["canopy", "tls"]


def test_names_are_in_order_the_default_first(authority, plain, folder):
    for stem in ("z.example", "server", "a.example"):
        certs.write_pair(folder, stem, *authority.issue([stem, "localhost"]))
    (folder / "README").write_text("not ours")
    (folder / ".hidden.pem").write_text("not ours")
    shown = [line for line in keys(plain, folder).splitlines() if line[0] != " "]
    assert shown == ["server", "a.example", "z.example"]


# --- what is refused ---


def test_a_key_that_does_not_fit(authority, plain, folder):
    key, _ = authority.issue(["a.example"])
    _, other = authority.issue(["a.example"])
    certs.write_pair(folder, "server", key, other)
    refused(plain, folder, "server.key does not fit", "server.pem")


@pytest.mark.parametrize("kind, form", [("p256", "pkcs8"), ("rsa2048", "traditional"),
                                        ("p384", "traditional")])
def test_an_encrypted_key(authority, plain, folder, kind, form):
    key, certificate = authority.issue(["a.example"], certs.make_key(kind))
    certs.write_pair(folder, "server", key, certificate, form=form, password=b"secret")
    errors = refused(plain, folder, "server.key is encrypted")
    assert "secret" not in errors


def test_times(authority, plain, folder):
    certs.write_pair(folder, "server", *authority.issue(["a.example"], days=-1, since=9))
    refused(plain, folder, "server.pem: certificate 1 (CN=a.example) expired on 2")
    certs.write_pair(folder, "server", *authority.issue(["a.example"], since=-2))
    refused(plain, folder, "server.pem: certificate 1 (CN=a.example) is not valid before 2")


def test_chains_out_of_order(authority, plain, folder):
    middle = authority.below("Middle")
    key, leaf = middle.issue(["a.example"])
    chain = (leaf, middle.certificate, authority.certificate)
    certs.write_pair(folder, "server", key, *chain)
    assert "3 certificates" in keys(plain, folder)
    for wrong, number in ((chain[::-1], 1), ((leaf, authority.certificate, middle.certificate), 1),
                          ((leaf, middle.certificate, leaf), 2),
                          ((leaf, authority.certificate), 1), ((leaf, leaf), 1)):
        certs.write_pair(folder, "server", key, *wrong)
        refused(plain, folder, f"server.pem is out of order: certificate {number} was not")
    certs.write_pair(folder, "server", key, *chain[:1], *([middle.certificate] * 9))
    refused(plain, folder, "server.pem")


def test_weak_keys(authority, plain, folder):
    certs.write_pair(folder, "server", *authority.issue(["a.example"], certs.make_key("rsa1024")))
    refused(plain, folder, "server.key is weak", "2048")
    weak = authority.below("Weak", "rsa1024")
    key, leaf = weak.issue(["a.example"])
    certs.write_pair(folder, "server", key, leaf, weak.certificate)
    refused(plain, folder, "server.pem: certificate 2 (CN=Weak) is weak", "1024")


def test_kinds_that_are_not_supported(authority, plain, folder):
    certs.write_pair(folder, "server", *authority.issue(["a.example"], certs.make_key("p521")))
    refused(plain, folder, "server.key", "P-384")


def test_halves_that_are_missing(authority, plain, folder):
    certs.write_pair(folder, "server", *authority.issue(["a.example"]))
    (folder / "b.example.pem").write_bytes((folder / "server.pem").read_bytes())
    refused(plain, folder, "b.example.key is missing")
    (folder / "b.example.pem").rename(folder / "b.example.key")
    refused(plain, folder, "b.example.pem is missing")
    shutil.rmtree(folder)
    refused(plain, folder, "No such file")
    folder.mkdir()
    refused(plain, folder, "neither server.pem")


DAMAGED = {
    "empty": (b"", "no private key"),
    "text": (b"nonsense\n", "no private key"),
    "zeros": (b"\0" * 1000, "no private key"),
    "short": (b"-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n", "damaged"),
    "cut": (b"-----BEGIN PRIVATE KEY-----\nAAAA\n", "damaged"),
    "huge": (b"x" * (1 << 20), "cannot be read: larger"),
}


@pytest.mark.parametrize("what", DAMAGED)
def test_damaged_keys(authority, plain, folder, what):
    text, words = DAMAGED[what]
    certs.write_pair(folder, "server", *authority.issue(["a.example"]))
    (folder / "server.key").write_bytes(text)
    refused(plain, folder, "server.key", words)


def test_damaged_certificates(authority, plain, folder):
    key, certificate = authority.issue(["a.example"])
    pem = certs.pem_of(certificate)
    certs.write_pair(folder, "server", key, certificate)
    for text, words in ((b"", "holds no certificate"), (pem[:-40], "damaged"),
                        (pem + certs.pem_of_key(key), "something else"),
                        (pem.replace(b"MI", b"MX", 1), "damaged")):
        (folder / "server.pem").write_bytes(text)
        refused(plain, folder, "server.pem", words)
    (folder / "server.pem").write_bytes(b"Subject: whatever openssl says\n" + pem)
    keys(plain, folder)


def test_two_keys_in_a_file(authority, plain, folder):
    key, certificate = authority.issue(["a.example"])
    certs.write_pair(folder, "server", key, certificate)
    with open(folder / "server.key", "ab") as file:
        file.write(certs.pem_of_key(certs.make_key()))
    refused(plain, folder, "server.key holds more than one")


def test_a_curve_before_the_key(authority, plain, folder):
    """As `openssl ecparam -genkey` writes it."""
    made = subprocess.run(["openssl", "ecparam", "-genkey", "-name", "prime256v1"], check=True,
                          capture_output=True).stdout
    assert b"EC PARAMETERS" in made
    key = certs.serialization.load_pem_private_key(made[made.index(b"-----BEGIN EC PRIVATE"):],
                                                   None)
    _, certificate = authority.issue(["a.example"], key)
    certs.write_pair(folder, "server", key, certificate)
    (folder / "server.key").write_bytes(made)
    keys(plain, folder)


def test_more_than_there_is_room_for(authority, plain, folder):
    key, certificate = authority.issue(["*.example.org"])
    for number in range(33):
        certs.write_pair(folder, f"n{number}.example.org", key, certificate)
    refused(plain, folder, "33 pairs", "at most 32")
    shutil.rmtree(folder)
    large, certificate = authority.issue(["*.example.org"], certs.make_key("rsa4096"))
    for number in range(14):
        certs.write_pair(folder, f"n{number}.example.org", large, certificate)
    refused(plain, folder, "room", "32 KiB of keys")


def test_what_is_no_image(authority, folder, tmp_path):
    certs.write_pair(folder, "server", *authority.issue(["a.example"]))
    for content in (b"", b"\x7fELF", PLAIN.read_bytes()[:5000]):
        path = tmp_path / "image"
        path.write_bytes(content)
        status, _, errors = tool("keys", path, folder)
        assert status == 1 and errors.count("\n") == 1
        assert path.read_bytes() == content
    assert tool("keys", tmp_path / "none")[0] == 1
    assert tool("keys", "/bin/true", folder) == (1, "", "ringlet: /bin/true was not built by ringlet\n")
    keyless = BUILD / "hello/hello"
    if keyless.exists():  # not in a sanitized build
        assert "it is a program that takes none" in tool("keys", keyless, folder)[2]
    for arguments in ((), ("a", "b", "c"), ("--help",), ("a", "--all")):
        assert tool("keys", *arguments)[0] == 2


def test_names_that_are_not_the_files(authority, plain, folder):
    certs.write_pair(folder, "b.example.org", *authority.issue(["a.example.org"]))
    status, _, errors = tool("keys", plain, folder)
    assert status == 0 and "warning" in errors
    assert "b.example.org.pem is not for b.example.org" in errors
    certs.write_pair(folder, "b.example.org", *authority.issue(["*.example.org"]))
    assert ".pem is not for" not in tool("keys", plain, folder)[2]


# --- configure ---


def configured(path, *arguments):
    status, output, errors = tool("configure", "--to", path, *arguments)
    assert status == 0, errors
    return output, errors


def test_configure_takes_keys(authority, tmp_path, folder):
    key, certificate = authority.issue(["a.example"])
    certs.write_pair(folder, "server", key, certificate)
    config = tmp_path / "config"
    configured(config, "--tls", "8443", "--tls-dir", folder)
    assert certs.der_of_key(key) in (config / "keys").read_bytes()
    for name in ("keys", "certs", "settings"):
        assert stat.S_IMODE((config / name).stat().st_mode) == 0o600
    image = build(config, tmp_path / "dist")
    assert certs.fingerprint(certificate) in keys(image)
    assert stat.S_IMODE(image.stat().st_mode) & 0o077 == 0
    for made in image.parent.iterdir():
        if certs.der_of_key(key) in made.read_bytes():
            assert stat.S_IMODE(made.stat().st_mode) & 0o077 == 0, made
    output, errors = configured(config, "--tls-dir", folder)
    assert "not used" in errors and not (config / "keys").exists()
    assert not (config / "certs").exists()


def test_configure_refuses_what_keys_refuses(authority, tmp_path, folder):
    key, _ = authority.issue(["a.example"])
    certs.write_pair(folder, "server", *authority.issue(["a.example"]))
    config = tmp_path / "config"
    configured(config, "--tls", "--tls-dir", folder, "--name", "first")
    before = {f.name: f.read_bytes() for f in config.iterdir()}
    (folder / "server.key").write_bytes(certs.pem_of_key(key))
    status, _, errors = tool("configure", "--to", config, "--tls", "--tls-dir", folder, "--name",
                             "second")
    assert status == 1 and "server.key does not fit" in errors
    assert {f.name: f.read_bytes() for f in config.iterdir()} == before


def test_a_folder_that_is_named_is_not_made(tmp_path, folder):
    status, output, errors = tool("configure", "--to", tmp_path / "config", "--tls", "--tls-dir", folder)
    assert status == 1 and output == "", (output, errors)
    assert errors == f"ringlet: --tls-dir: {folder}: No such file or directory\n"
    assert not folder.exists()


def test_configure_makes_a_pair_for_localhost(tmp_path, folder):
    config = tmp_path / "config"
    folder.mkdir()
    output, _ = configured(config, "--tls", "--tls-dir", folder)
    assert f"made {folder}/server.key" in output and "localhost" in output
    assert stat.S_IMODE((folder / "server.key").stat().st_mode) == 0o600
    image = build(config, tmp_path / "dist")
    shown = keys(image)
    for text in ("CN=localhost", "localhost, 127.0.0.1, ::1", "itself", "365 days left",
                 "ECDSA P-256"):
        assert text in shown.replace("364 days", "365 days"), shown
    checked = subprocess.run(["openssl", "verify", "-CAfile", folder / "server.pem",
                              "-verify_hostname", "localhost", folder / "server.pem"],
                             capture_output=True, text=True)
    assert checked.returncode == 0, checked.stderr
    pair = (folder / "server.key").read_bytes()
    output, _ = configured(config, "--tls", "--tls-dir", folder)
    assert "made" not in output and (folder / "server.key").read_bytes() == pair


def test_the_root_of_the_content(authority, tmp_path, folder, git_remote):
    repository = git_remote.create("s", small())  # https://small.example
    certs.write_pair(folder, "server", *authority.issue(["other.example"]))
    arguments = ("--content", repository.bare, "--tls", "--tls-dir", folder)
    _, errors = configured(tmp_path / "config", *arguments)
    assert "warning: no certificate is for small.example" in errors
    image = build(tmp_path / "config", tmp_path / "dist")
    assert "small.example" in tool("keys", image, folder)[2]
    certs.write_pair(folder, "server", *authority.issue(["small.example"]))
    _, errors = configured(tmp_path / "config", *arguments)
    assert "warning" not in errors
    assert "small.example, which" not in tool("keys", image, folder)[2]


def test_whom_to_trust(authority, tmp_path, folder):
    config, bundle = tmp_path / "config", tmp_path / "ca.pem"
    der = authority.certificate.public_bytes(certs.serialization.Encoding.DER)
    bundle.write_bytes(certs.pem_of(authority.certificate))
    configured(config)
    machine = (config / "anchors").read_bytes()
    assert len(machine) > 50_000 and der not in machine
    configured(config, "--trust", bundle)
    assert (config / "anchors").read_bytes() == der
    assert "1 certificate authorities" in tool("describe", build(config, tmp_path / "dist"))[1]
    configured(config, "--authenticator", "sha256:" + "0" * 64)
    assert not (config / "anchors").exists()
    bundle.write_bytes(b"nothing")
    status, _, errors = tool("configure", "--to", config, "--trust", bundle)
    assert status == 1 and "ca.pem holds no certificate" in errors
    status, _, errors = tool("configure", "--to", config, "--authenticator", "sha256:12")
    assert status == 2 and "--authenticator" in errors


def test_secrets_are_not_described(tmp_path):
    image = tmp_path / "dist"
    configure(tmp_path / "config", "-r", "https://ann:hunter2@h.example/x", "--remote-token",
              "t0ken")
    output = tool("describe", build(tmp_path / "config", image))[1]
    assert "https://...@h.example/x" in output and "remote-token = (not shown)" in output
    assert "hunter2" not in output and "t0ken" not in output


@pytest.mark.skipif(SANITIZED, reason="the sanitizers take this signal for themselves")
def test_the_tool_leaves_no_core_dump(tmp_path):
    """Keys and tokens pass through its memory."""
    limits = resource.getrlimit(resource.RLIMIT_CORE)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        command = [TOOL, "fetch", f"git://127.0.0.1:{silent.getsockname()[1]}/x", tmp_path / "x"]
        resource.setrlimit(resource.RLIMIT_CORE, (limits[1], limits[1]))
        process = subprocess.Popen(command, cwd=tmp_path, stderr=subprocess.DEVNULL)
        resource.setrlimit(resource.RLIMIT_CORE, limits)
        peer = silent.accept()[0]
        process.send_signal(signal.SIGABRT)
        ended = os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOWAIT)
        process.wait()
        peer.close()
    assert ended.si_code == os.CLD_KILLED


# --- the same bits ---


def copy_tree(into):
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, check=True)
    for path in listed.stdout.decode().split("\0")[:-1]:
        (into / path).parent.mkdir(parents=True, exist_ok=True)
        if (ROOT / path).exists():
            shutil.copy(ROOT / path, into / path)
    (into / "build").mkdir()
    (into / "build/deps").symlink_to((ROOT / "build/deps").resolve())


@pytest.mark.skipif(SANITIZED, reason="once is enough")
def test_an_image_is_the_same_whoever_builds_it(tmp_path):
    """Two folders of different names, two users' names and masks, two clocks."""
    made = []
    for where, mask, user in (("here", 0o022, "ann"), ("some/where/else", 0o077, "bob")):
        tree = tmp_path / where
        copy_tree(tree)
        done = subprocess.run(["make", "-s", f"-j{os.cpu_count()}", "app", "APP=canopy",
                               "CONFIG=/nowhere", "DIST=out"], cwd=tree, capture_output=True,
                              text=True, timeout=600, umask=mask,
                              env={"PATH": os.environ["PATH"], "HOME": os.environ["HOME"],
                                   "USER": user, "LOGNAME": user, "HOSTNAME": user,
                                   "LANG": "C" if user == "ann" else "C.UTF-8"})
        assert done.returncode == 0, done.stderr
        image = tree / "out" / "canopy"
        made.append(digest(image))
        # Nor does it know who built it, or where the libraries were built.
        for path in (str(tree), str(ROOT), os.environ["HOME"] + "/"):
            assert path.encode() not in image.read_bytes(), path
    assert made[0] == made[1]
