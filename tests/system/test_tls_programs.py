"""The two small programs of TLS, to point other people's tests at: an echo, and a client."""
import re
import subprocess

import pytest

import certs
from images import build
from program import put_keys, run
from support import SLOWER, accepts, free_port, wait

CLIENT = certs.ExtendedKeyUsageOID.CLIENT_AUTH


@pytest.fixture(scope="module")
def images(tmp_path_factory, authority):
    """Both, with the tests' authority as the one that they trust."""
    folder = tmp_path_factory.mktemp("images")
    anchors = authority.certificate.public_bytes(certs.serialization.Encoding.DER)
    (folder / "config").mkdir()
    (folder / "config/anchors").write_bytes(anchors)
    certs.write_pair(folder / "tls", "server", *authority.issue(["localhost"]))
    made = {app: build(folder / "config", folder / app, app) for app in ("tlsecho", "tlsclient")}
    put_keys(made["tlsecho"], folder / "tls")
    (folder / "ca.pem").write_bytes(certs.pem_of(authority.certificate))
    return {**made, "ca": folder / "ca.pem"}


@pytest.fixture
def echo(canopy, images):
    """echo(ARGUMENT...) starts one."""
    def start(*arguments):
        program = canopy(*arguments, ready=None, program=images["tlsecho"])
        wait(lambda: accepts(program.port), "the echo")
        return program
    return start


@pytest.fixture
def client(images):
    def connect(port, *arguments, host="localhost"):
        return run(["--port", port, "--host", host, *arguments], images["tlsclient"])
    return connect


def s_client(images, port, *options, text="hello\n"):
    """What comes back: it goes on until it has been echoed, or the server ends."""
    with subprocess.Popen(["openssl", "s_client", "-connect", f"localhost:{port}", "-CAfile",
                           images["ca"], "-verify_return_error", "-quiet", *map(str, options)],
                          stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                          text=True) as peer:
        try:
            peer.stdin.write(text)
            peer.stdin.flush()
            return peer.stdout.readline()
        except BrokenPipeError:
            return ""
        finally:
            peer.kill()


@pytest.mark.parametrize("version", ["-tls1_2", "-tls1_3"])
def test_echo(echo, images, version):
    site = echo()
    assert s_client(images, site.port, version) == "hello\n"
    long = "x" * 60_000 + "\n"
    assert s_client(images, site.port, version, text=long) == long
    line = site.wait_line("TLS 1")
    assert "TLS 1." + version[-1] in line and "client verified" not in line


def pem(folder, name, key, certificate):
    certs.write_pair(folder, name, key, certificate)
    return "-cert", folder / f"{name}.pem", "-key", folder / f"{name}.key"


@pytest.mark.parametrize("version", ["-tls1_2", "-tls1_3"])
def test_client_certificates(echo, images, authority, tmp_path, version):
    known = pem(tmp_path, "known", *authority.issue(["ann"], usage=CLIENT))
    others = [pem(tmp_path, "stranger", *certs.Authority("Nobody").issue(["ann"], usage=CLIENT)),
              pem(tmp_path, "server", *authority.issue(["ann"])),  # is for servers
              pem(tmp_path, "old", *authority.issue(["ann"], usage=CLIENT, days=-1, since=5))]
    site = echo("--client-auth")
    assert s_client(images, site.port, version, *known) == "hello\n"
    site.wait_line("client verified")
    assert s_client(images, site.port, version) == "hello\n"  # who has none is served as well
    assert site.log.count("client verified") == 1
    for other in others:
        assert s_client(images, site.port, version, *other) == ""
    site = echo()
    assert s_client(images, site.port, version, *known) == "hello\n"  # nobody asks
    assert "client verified" not in site.log


def test_the_one_speaks_to_the_other(echo, client):
    site = echo()
    status, output, errors = client(site.port, "--send", "good morning")
    assert status == 0 and "good morning" in output and "verified" in output, output + errors
    status, output, errors = client(site.port, host="127.0.0.1")
    assert status == 1 and "its certificate is for localhost, not for 127.0.0.1" in output


def test_a_client_without_trust(echo, images, tmp_path, authority):
    site = echo()
    (tmp_path / "config").mkdir()
    nobody = build(tmp_path / "config", tmp_path / "dist", "tlsclient")
    status, output, _ = run(["--port", site.port], nobody)
    assert status == 1 and "nobody would be trusted" in output
    status, output, _ = run(["--port", site.port, "--authenticator", "sha256:" + "0" * 64], nobody)
    assert status == 1 and "pinned" in output


# --- a server that renegotiates ---


@pytest.fixture
def s_server(tmp_path, authority):
    started = []

    def start(*options):
        certs.write_pair(tmp_path, "peer", *authority.issue(["localhost"]))
        port = free_port()
        started.append(subprocess.Popen(
            ["timeout", "60", "openssl", "s_server", "-accept", str(port), "-cert",
             tmp_path / "peer.pem", "-key", tmp_path / "peer.key", *options], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT, text=True))
        return port, started[-1]
    yield start
    for process in started:
        process.terminate()
        process.communicate()


def test_a_server_that_renegotiates(s_server, images):
    """It asks for a second handshake within the first one's connection (RFC 5246, 7.4.1.1)."""
    port, server = s_server("-tls1_2")
    wait(lambda: "ACCEPT" in server.stdout.readline(), "openssl s_server")
    with subprocess.Popen([images["tlsclient"], "--port", str(port), "--send", "hello\n"],
                          stdout=subprocess.PIPE, text=True) as peer:
        while "hello" not in server.stdout.readline():
            pass
        server.stdin.write("r\n")
        server.stdin.flush()
        said = peer.communicate(timeout=20 * SLOWER)[0]
    assert peer.returncode == 1 and re.search("TLS 1.2, .*verified", said)
    assert "the connection ended" in said


def test_a_server_of_old(s_server, images):
    port, server = s_server("-tls1_1", "-cipher", "DEFAULT@SECLEVEL=0")
    wait(lambda: "ACCEPT" in server.stdout.readline(), "openssl s_server")
    status, output, _ = run(["--port", port], images["tlsclient"])
    assert status == 1 and "TLS handshake" in output
