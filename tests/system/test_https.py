"""HTTPS as peers see it: curl, OpenSSL, GnuTLS, scanners; redirects, names, secrets."""
import json
import os
import re
import resource
import signal
import socket
import subprocess
import time

import pytest

import certs
from program import PLAIN, run
from sites import article, small
from support import SANITIZED, SLOWER, free_port, wait

YEAR = "max-age=31536000"


@pytest.fixture
def site(git_remote, secure):
    return secure("-r", git_remote.create("s", small()).url)


def output_of(*command, stdin="", status=0, seconds=60):
    done = subprocess.run([str(c) for c in command], input=stdin, capture_output=True, text=True,
                          errors="replace", timeout=seconds * SLOWER)
    assert status is None or done.returncode == status, done.stdout + done.stderr
    return done.stdout + done.stderr


def curl(site, path, *options, status=0):
    return output_of("curl", "-sS", "-i", "--cacert", site.authority, *options, site.base + path,
                     status=status)


# --- what is served ---


def test_pages_and_their_fields(site):
    answer = site.get("/About")
    assert answer.status == 200 and "We are" in answer.text
    assert answer.field("Strict-Transport-Security") == YEAR
    assert answer.field("X-Content-Type-Options") == "nosniff"
    assert answer.field("Referrer-Policy") == "strict-origin-when-cross-origin"
    assert "default-src 'self'" in answer.field("Content-Security-Policy")
    for target in ("/nowhere", "/status", "/static/css/bootstrap.min.css", "/atom"):
        answer = site.get(target)
        assert answer.field("Strict-Transport-Security") == YEAR, target
        assert answer.field("Referrer-Policy") and answer.field("X-Content-Type-Options")
    assert site.request("POST", "/About").field("Strict-Transport-Security") == YEAR


def test_requests_follow_each_other_on_a_connection(site):
    with site.connect() as connection:
        for _ in range(50):
            assert connection.request("GET", "/About").status == 200
        connection.send(connection.encode("GET", "/About") * 20)
        for _ in range(20):
            assert connection.response().status == 200


def test_a_large_file_arrives_whole(git_remote, secure):
    data = os.urandom(9 << 20)
    site = secure("-r", git_remote.create("s", small(**{"static/large.bin": data})).url)
    assert site.get("/static/large.bin").body == data
    assert site.get("/static/large.bin", {"Range": "bytes=5000000-5000099"}).body == \
        data[5000000:5000100]


def test_the_log_and_status_have_both(site):
    site.get("/About")
    site.plain("GET", "/About")
    site.wait_line(r"GET /About 200 ")
    site.wait_line(r"GET /About 301 ")
    status = site.status()
    assert int(status["tls finished"]) > 1 and status["tls malformed"] == "0"
    assert status["plain requests"] == "1" and int(status["requests"]) > 1
    assert re.fullmatch(r"CN=localhost, until 20..-..-.., (89|90) days left",
                        status["certificate server"])


def test_a_push_over_https(git_remote, secure):
    repository = git_remote.create("s", small())
    site = secure("-r", repository.url)
    repository.publish({"About": article("About", "Updated.")})
    assert site.plain("POST", "/push").status == 301
    assert site.push().status == 200
    assert "Updated." in site.get("/About").text


# --- the plain port ---


def plain(site, target="/", host="example.org:80", method="GET", **fields):
    return site.plain(method, target, {"Host": host, **fields})


def test_the_plain_port_sends_on(site):
    port = site.tls_port
    for host, target, location in (
            ("localhost", "/", f"https://localhost:{port}/"),
            ("example.org", "/a/b?c=d&e", f"https://example.org:{port}/a/b?c=d&e"),
            (f"EXAMPLE.org:{site.port}", "/%2e%20?%0a", f"https://EXAMPLE.org:{port}/%2e%20?%0a"),
            ("192.0.2.1:80", "//x", f"https://192.0.2.1:{port}//x"),
            ("[2001:db8::1]:80", "/x", f"https://[2001:db8::1]:{port}/x")):
        for method in ("GET", "HEAD", "POST"):
            answer = plain(site, target, host, method)
            assert answer.status == 301 and answer.field("Location") == location
            assert answer.field("Strict-Transport-Security") is None  # RFC 6797, 7.2
    assert site.plain("POST", "/push", body=b"x" * 60000).status == 301
    for target in ("/status", "/About", "/static/favicon.ico", "/nowhere"):
        assert plain(site, target).status == 301


@pytest.mark.parametrize("host", ["", "a b", "a/b", "evil.example/", "a@b", "[::1", "[x]", "a:b:c",
                                  "a:99999", "ü", "a%0d", "[::1]x", "a" * 300])
def test_hosts_that_are_none(site, host):
    with socket.create_connection(("127.0.0.1", site.port), timeout=20) as s:
        s.sendall(f"GET /x HTTP/1.1\r\nHost: {host}\r\n\r\n".encode())
        answer = s.recv(65536)
    assert answer.startswith(b"HTTP/1.1 400 "), answer
    assert b"Location" not in answer


def test_a_request_without_a_host(site):
    with socket.create_connection(("127.0.0.1", site.port), timeout=20) as s:
        s.sendall(b"GET /x HTTP/1.0\r\n\r\n")
        assert s.recv(65536).startswith(b"HTTP/1.1 400 ")


def test_port_443_is_not_named(git_remote, secure):
    """The one port that need not be; it can be taken only as root."""
    if os.geteuid() != 0:
        pytest.skip("not root")
    with socket.socket() as s:
        try:
            s.bind(("0.0.0.0", 443))
        except OSError:
            pytest.skip("port 443 is taken")
    site = secure("-r", git_remote.create("s", small()).url, tls_port=443)
    assert plain(site, "/a?b", "example.org").field("Location") == "https://example.org/a?b"


def test_challenges_of_a_certificate_authority(git_remote, secure):
    token = {".well-known/acme-challenge/T0-ken_x": "T0-ken_x.thumb"}
    site = secure("-r", git_remote.create("s", small(**token)).url)
    answer = plain(site, "/.well-known/acme-challenge/T0-ken_x")
    assert answer.status == 200 and answer.body == b"T0-ken_x.thumb"
    assert site.get("/.well-known/acme-challenge/T0-ken_x").body == b"T0-ken_x.thumb"
    assert plain(site, "/.well-known/acme-challenge/none").status == 404
    assert plain(site, "/.well-known/acme-challenge/..%2f..%2fAbout").status in (400, 404)
    assert plain(site, "/.well-known/other").status == 301


# --- peers ---


KINDS = ["p256", "p384", "rsa2048", "ed25519"]


@pytest.mark.parametrize("kind", KINDS)
def test_curl(git_remote, secure, authority, kind):
    site = secure("-r", git_remote.create("s", small()).url,
                  pairs={"server": authority.issue(["localhost"], kind=kind)})
    answer = curl(site, "/About", "-v", "--no-alpn")
    assert "TLSv1.3" in answer and "We are" in answer
    answer = curl(site, "/About", "-v", "--tls-max", "1.2", "--http1.1")
    assert "TLSv1.2 / ECDHE" in answer and re.search("ALPN.* accepted .*http/1.1", answer)
    curl(site, "/", "--tls-max", "1.1", "--ciphers", "DEFAULT@SECLEVEL=0", status=35)
    port = site.tls_port
    refused = output_of("curl", "-sS", f"https://localhost:{port}/", status=60)
    assert "self-signed" in refused or "unable to get local issuer" in refused
    other = output_of("curl", "-sS", "--cacert", site.authority, "--resolve",
                      f"other.example:{port}:127.0.0.1", f"https://other.example:{port}/", status=60)
    assert "matches target host" in other  # "host name" or "hostname": it depends on the version


def s_client(site, *options, stdin="GET /About HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n",
             status=0):
    # -ign_eof: stays until the server has answered and closed.
    return output_of("openssl", "s_client", "-connect", f"localhost:{site.tls_port}", "-CAfile",
                     site.authority, "-verify_return_error", "-ign_eof", *options, stdin=stdin,
                     status=status)


def test_openssl(site):
    for options in (("-tls1_3",), ("-tls1_2",), ("-groups", "X25519"), ("-groups", "P-256"),
                    ("-groups", "P-384"), ("-alpn", "http/1.1"), ("-alpn", "h2,http/1.1"),
                    ("-tls1_2", "-cipher", "ECDHE-ECDSA-CHACHA20-POLY1305"),
                    ("-ciphersuites", "TLS_CHACHA20_POLY1305_SHA256")):
        answer = s_client(site, "-servername", "localhost", *options)
        assert "Verify return code: 0 (ok)" in answer and "We are" in answer, options
    assert "ALPN protocol: http/1.1" in s_client(site, "-alpn", "h2,http/1.1")
    assert re.search("(Temp Key|Negotiated TLS1.3 group): X25519", s_client(site))
    for options in (("-tls1_1",), ("-tls1",), ("-alpn", "h2"), ("-tls1_2", "-cipher", "AES128-SHA"),
                    ("-tls1_2", "-cipher", "ECDHE-ECDSA-AES128-SHA256"), ("-groups", "P-521")):
        # What is so old, the client itself offers only when told that nothing has to be secure.
        old = ("-cipher", "DEFAULT@SECLEVEL=0") if options[0] in ("-tls1_1", "-tls1") else ("-quiet",)
        answer = s_client(site, *options, *old, status=None)
        assert "We are" not in answer and "alert" in answer, (options, answer)


def test_resumption(site, tmp_path):
    ticket = tmp_path / "session"
    for version in ("-tls1_3", "-tls1_2"):
        assert "Reused" not in s_client(site, version, "-sess_out", ticket)
        assert "Reused, TLS" in s_client(site, version, "-sess_in", ticket)
    assert site.status()["tls resumed"] == "2"
    (tmp_path / "early").write_text("GET /About HTTP/1.1\r\nHost: x\r\n\r\n")
    early = s_client(site, "-tls1_3", "-sess_in", ticket, "-early_data", tmp_path / "early",
                     status=None)
    assert "Early data was accepted" not in early and "Max Early Data: 0" in early


def test_renegotiation_ends_the_connection(site):
    with subprocess.Popen(["openssl", "s_client", "-connect", f"localhost:{site.tls_port}",
                           "-tls1_2"], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, text=True) as peer:
        for line in peer.stdout:
            if "Extended master secret" in line:
                break
        peer.stdin.write("R\n")  # s_client's own command
        peer.stdin.flush()
        assert "no renegotiation" in peer.stdout.read()
    assert site.status()["tls renegotiations"] == "1"
    assert site.get("/About").status == 200


def test_no_compression(site):
    """No peer of today offers it any more (CRIME): a hello by hand, for DEFLATE or none."""
    extensions = (b"\x00\x0a\x00\x04\x00\x02\x00\x17"        # group P-256
                  b"\x00\x0d\x00\x04\x00\x02\x04\x03")       # signed by ECDSA, SHA-256
    hello = (b"\x03\x03" + bytes(32) + b"\x00" + b"\x00\x02\xc0\x2b" + b"\x02\x01\x00" +
             len(extensions).to_bytes(2, "big") + extensions)
    message = b"\x01" + len(hello).to_bytes(3, "big") + hello
    with socket.create_connection(("127.0.0.1", site.tls_port), timeout=20) as s:
        s.sendall(b"\x16\x03\x01" + len(message).to_bytes(2, "big") + message)
        answer = s.recv(65536)
    assert answer[0] == 0x16 and answer[5] == 2, answer  # a server's hello
    session = 5 + 4 + 2 + 32
    chosen = answer[session + 1 + answer[session]:][:3]
    assert chosen == b"\xc0\x2b\x00", chosen


def test_gnutls(site):
    for options in ((), ("--priority=NORMAL:-VERS-TLS1.3",),
                    ("--priority=NORMAL:-GROUP-ALL:+GROUP-SECP256R1",)):
        answer = output_of("gnutls-cli", "--port", site.tls_port, "--x509cafile", site.authority,
                           "--alpn=http/1.1", *options, "localhost", status=None,
                           stdin="GET /About HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
        assert "Status: The certificate is trusted" in answer and "We are" in answer, answer
    refused = output_of("gnutls-cli", "--port", site.tls_port, "--x509cafile", site.authority,
                        "--priority=NORMAL:-VERS-ALL:+VERS-TLS1.1", "localhost", stdin="",
                        status=None)
    assert "We are" not in refused and "alert" in refused.lower()


def test_names_choose_the_certificate(git_remote, secure, authority):
    names = {"server": ["localhost"], "a.example": ["a.example"],
             "wild.example": ["*.wild.example", "wild.example"]}
    pairs = {stem: authority.issue(hosts, kind=kind)
             for (stem, hosts), kind in zip(names.items(), ("p256", "rsa2048", "ed25519"))}
    site = secure("-r", git_remote.create("s", small()).url, pairs=pairs)
    shown = {stem: certs.fingerprint(pair[1]) for stem, pair in pairs.items()}
    for name, stem in (("localhost", "server"), ("a.example", "a.example"),
                       ("A.EXAMPLE", "a.example"), ("b.wild.example", "wild.example"),
                       ("wild.example", "wild.example"), ("x.b.wild.example", "server"),
                       ("other.example", "server"), ("127.0.0.1", "server")):
        assert site.certificate(name) == shown[stem], name


def test_plain_requests_at_the_port_of_tls(site):
    said = output_of("curl", "-sS", "-i", f"http://127.0.0.1:{site.tls_port}/About")
    assert said.startswith("HTTP/1.1 400 ") and "This port speaks HTTPS" in said
    assert site.status()["tls plain http"] == "1"


# --- scanners ---


def test_sslscan(site):
    text = output_of("sslscan", "--no-colour", f"localhost:{site.tls_port}", seconds=300)
    for line in ("TLSv1.2   enabled", "TLSv1.3   enabled", "TLSv1.1   disabled",
                 "TLSv1.0   disabled", "SSLv3     disabled", "SSLv2     disabled"):
        assert line in text, text
    assert "not vulnerable to heartbleed" in text and "vulnerable to heartbleed" not in \
        text.replace("not vulnerable to heartbleed", "")
    assert "Session renegotiation not supported" in text or "Secure session" in text
    for line in re.findall(r"^(?:Accepted|Preferred).*", text, re.M):
        assert re.search(r"TLSv1.3 .* TLS_|TLSv1.2 .* ECDHE-", line) and "CBC" not in line, line


# What testssl.sh complains of and is not the server's fault: nobody can revoke a test's certificate;
# pages are the same for everybody and hold no secret that their compressed length could tell
# (BREACH); and what the OpenSSL of this machine cannot try.
NOT_OURS = {"cert_revocation", "DNS_CAArecord", "BREACH", "engine_problem", "RC4",
            "cert_notAfter", "cert_expirationStatus", "OCSP_stapling", "certificate_transparency"}
# `make scan` runs all that testssl.sh knows, for some minutes.
PARTS = [] if os.environ.get("RINGLET_SCAN") else ["-p", "-f", "-h", "-U"]


@pytest.mark.skipif(SANITIZED, reason="a scanner sees nothing new of sanitized code")
def test_testssl(site, tmp_path):
    """What would lower a grade from A: anything that is of medium severity at least."""
    report = tmp_path / "report.json"
    subprocess.run(["testssl", "--add-ca", site.authority, "--quiet", "--color", "0", "--warnings", "off", "--fast",
                    "--ip", "127.0.0.1", "--nodns", "none", *PARTS, "--jsonfile", str(report),
                    f"localhost:{site.tls_port}"], capture_output=True, timeout=900)
    findings = json.loads(report.read_text())
    assert len(findings) > 30
    bad = [f for f in findings if f["severity"] in ("MEDIUM", "HIGH", "CRITICAL", "WARN", "FATAL")
           and f["id"] not in NOT_OURS]
    assert not bad, json.dumps(bad, indent=1)


# --- starting ---


def test_an_image_without_keys(tmp_path):
    status, output, errors = run(["-r", "git://127.0.0.1:1/x", "--tls", free_port(), "--port",
                                  free_port()])
    assert status == 1 and "holds no keys" in output + errors


def test_a_port_that_is_taken(git_remote, secure):
    with socket.create_server(("0.0.0.0", 0)) as taken:
        port = taken.getsockname()[1]
        site = secure("-r", git_remote.create("s", small()).url)
        status, output, errors = run([*site.command[1:-1], port, "--port", free_port()],
                                     program=site.image)
    assert status == 1 and "choose one with --tls" in output + errors


# --- bad input ---


def test_connections_that_say_nothing(site):
    """Others are served meanwhile, and the silent ones are ended."""
    silent = [socket.create_connection(("127.0.0.1", site.tls_port)) for _ in range(300)]
    silent[0].sendall(b"\x16\x03\x01\x02\x00\x01")
    began = time.monotonic()
    assert site.get("/About").status == 200
    assert time.monotonic() - began < 5 * SLOWER
    wait(lambda: int(site.status()["tls timeouts"]) >= 300, "the end of them", 40)
    for s in silent:
        s.close()


def test_ten_thousand_that_never_finish(site):
    """More than there may be: the oldest give way, memory stays bounded, others are served."""
    limits = resource.getrlimit(resource.RLIMIT_NOFILE)
    many = min(10_000, limits[1] - 500)
    if many < 6000:
        pytest.skip(f"no more than {limits[1]} descriptors")
    resource.setrlimit(resource.RLIMIT_NOFILE, (limits[1], limits[1]))
    before = site.status(), site.memory()["VmRSS"]
    began = time.monotonic()
    unfinished = []
    try:
        for number in range(many):
            unfinished.append(socket.create_connection(("127.0.0.1", site.tls_port)))
            unfinished[-1].sendall(b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03")
            if number % 2500 == 2499:
                assert site.get("/About").status == 200
        status, grown = site.status(), site.memory()["VmRSS"] - before[1]
        took = time.monotonic() - began
    finally:
        for s in unfinished:
            s.close()
        resource.setrlimit(resource.RLIMIT_NOFILE, limits)
    assert int(status["tls unfinished"]) <= 4096
    given_way = sum(int(status[f"tls {name}"]) for name in ("shed", "timeouts"))
    assert given_way >= many - 4096 and (int(status["tls shed"]) > 0 or took > 9)
    bytes_more = int(status["memory bytes"]) - int(before[0]["memory bytes"])
    assert bytes_more < 4096 * 12 * 1024
    if not SANITIZED:
        assert grown < 4096 * 16  # KiB
    wait(lambda: site.status()["tls unfinished"] == "0", "the end of them")


GARBAGE = {
    "zeros": b"\0" * 2000,
    "random": bytes(range(256)) * 20,
    "a huge record": b"\x16\x03\x01\xff\xff" + b"x" * 70000,
    "a huge hello": b"\x16\x03\x01\x40\x00\x01\xff\xff\xff" + b"x" * 40000,
    "an alert": b"\x15\x03\x03\x00\x02\x02\x28",
    "data at once": b"\x17\x03\x03\x00\x05hello",
    "SSL 2": b"\x80\x2e\x01\x00\x02\x00\x15\x00\x00\x00\x10" + b"x" * 40,
}


@pytest.mark.parametrize("what", GARBAGE)
def test_garbage(site, what):
    for _ in range(20):
        with socket.create_connection(("127.0.0.1", site.tls_port), timeout=20) as s:
            try:
                s.sendall(GARBAGE[what])
                while s.recv(65536):
                    pass
            except ConnectionError:
                pass
    status = site.status()
    refused = sum(int(status[f"tls {name}"]) for name in (
        "malformed", "oversized", "nothing in common", "alerts", "lost", "plain http"))
    assert refused >= 20, status
    assert site.get("/About").status == 200
    assert int(status["tls unfinished"]) <= 1


# --- secrets ---


def memory_of(pid):
    """All that a process can read of itself, region by region."""
    with open(f"/proc/{pid}/maps") as maps, open(f"/proc/{pid}/mem", "rb", 0) as memory:
        for line in maps:
            span, access = line.split()[:2]
            begin, end = (int(x, 16) for x in span.split("-"))
            if access[0] != "r" or "[vvar" in line or "[vsyscall]" in line:
                continue
            try:
                memory.seek(begin)
                yield line.strip(), memory.read(end - begin)
            except OSError:
                continue


@pytest.mark.skipif(SANITIZED, reason="the sanitizers' shadow memory is too large to search")
@pytest.mark.parametrize("kind", KINDS)
def test_the_key_is_not_in_the_memory_that_serves(git_remote, secure, authority, kind):
    if os.geteuid() != 0:
        pytest.skip("needs to read another process")
    key, certificate = authority.issue(["localhost"], kind=kind)
    site = secure("-r", git_remote.create("s", small()).url, pairs={"server": (key, certificate)})
    for _ in range(20):
        site.get("/About")
    needles = certs.secret_parts(key) + [certs.der_of_key(key), certs.pem_of_key(key)]
    found = spki = 0
    for where, region in memory_of(site.process.pid):
        for needle in needles:
            assert needle not in region, where
        found += len(region)
        spki += certs.pem_of(certificate) is not None and \
            certificate.public_bytes(certs.serialization.Encoding.DER) in region
    assert found > 1 << 20 and spki > 0  # we did look at it


def test_no_secret_is_said(git_remote, secure, authority):
    key, certificate = authority.issue(["localhost"])
    site = secure("-r", git_remote.create("s", small()).url, "-l", "debug", "--hook-secret",
                  "hunter2", pairs={"server": (key, certificate)})
    for target in ("/", "/status", "/nowhere"):
        site.get(target)
    site.process.send_signal(1)
    site.wait_line("looking at the image")
    said = site.log + site.get("/status").text
    said += output_of(PLAIN.parent.parent / "tool/canopy/ringlet", "describe", site.image)
    for part in certs.secret_parts(key):
        assert part.hex() not in said.lower()
    assert "hunter2" not in said


def how_it_ended(pid):
    """CLD_KILLED, or CLD_DUMPED where it left a core dump."""
    return os.waitid(os.P_PID, pid, os.WEXITED | os.WNOWAIT).si_code


@pytest.mark.skipif(SANITIZED, reason="the sanitizers take these signals for themselves")
@pytest.mark.parametrize("sent", [signal.SIGABRT, signal.SIGSEGV])
def test_a_crash_leaves_no_core_dump(git_remote, secure, tmp_path, monkeypatch, sent):
    """Whatever is in the memory, tokens and what sessions are sealed with: it comes into no file."""
    limits = resource.getrlimit(resource.RLIMIT_CORE)
    monkeypatch.chdir(tmp_path)
    resource.setrlimit(resource.RLIMIT_CORE, (limits[1], limits[1]))
    try:
        other = subprocess.Popen(["sleep", "100"])
        site = secure("-r", git_remote.create("s", small()).url, "--hook-secret", "hunter2")
        site.get("/About")
    finally:
        resource.setrlimit(resource.RLIMIT_CORE, limits)
    other.send_signal(sent)
    dumps = how_it_ended(other.pid) == os.CLD_DUMPED
    other.wait()
    site.process.send_signal(sent)
    ended = how_it_ended(site.process.pid)
    site.kill()
    assert ended == os.CLD_KILLED
    if not dumps:
        pytest.skip("this host keeps no core dumps at all")


def test_the_end_of_the_signer_is_the_end(site):
    """Without the process that signs there is no HTTPS: better to be started anew."""
    children = open(f"/proc/{site.process.pid}/task/{site.process.pid}/children").read().split()
    assert len(children) == 1
    state = open(f"/proc/{children[0]}/status").read()
    assert "Seccomp:\t2" in state
    site.process.terminate()
    assert site.process.wait(20) == 0
    wait(lambda: not os.path.exists(f"/proc/{children[0]}"), "the signer's end")
