"""HTTPS in a real browser: no warning for the real site when it knows who signed, one when not."""
import json
import os
import subprocess
from pathlib import Path

import pytest

import certs
from sites import small
from support import SANITIZED, SLOWER
from test_browser import AUTHORS, AUTHORS_RULES, DEPS, complaints, look

SECURE = Path(__file__).parent / "browser" / "secure.mjs"

pytestmark = pytest.mark.skipif(SANITIZED, reason="a browser shows nothing new of sanitized code")


@pytest.fixture
def home(tmp_path, authority, monkeypatch):
    """A home whose browser trusts the tests' authority."""
    folder = tmp_path / "home"
    database = folder / ".pki" / "nssdb"
    database.mkdir(parents=True)
    pem = folder / "ca.pem"
    pem.write_bytes(certs.pem_of(authority.certificate))
    for command in (["-N", "--empty-password"], ["-A", "-t", "C,,", "-n", "tests", "-i", pem]):
        subprocess.run(["certutil", "-d", f"sql:{database}", *map(str, command)], check=True)
    monkeypatch.setenv("HOME", str(folder))
    return folder


def visit(url):
    done = subprocess.run(["node", str(SECURE)], input=json.dumps({"url": url}), text=True,
                          capture_output=True, timeout=180 * SLOWER, env={
                              **os.environ, "NODE_PATH": str(DEPS / "playwright-core/share")})
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def test_the_real_site(hannes, secure, home):
    site = secure("-r", hannes.url, "-i", "Posts")
    reports = look(site, ["/", "/Posts/OperatingSystem", "/About"], ["desktop-light", "phone-dark"],
                   AUTHORS, AUTHORS_RULES)
    assert len(reports) == 6 and not complaints(reports)


def test_what_the_browser_thinks(git_remote, secure, home):
    site = secure("-r", git_remote.create("s", small()).url)
    report = visit(site.base + "/About")
    assert report["error"] is None and report["console"] == [] and "About us" in report["title"]
    state, details = report["state"], report["details"]
    assert state["securityState"] == "secure", state
    assert not state["securityStateIssueIds"], state
    assert details["protocol"] == "TLS 1.3"
    assert details["keyExchangeGroup"] == "X25519MLKEM768"  # post-quantum, since Chromium 131
    assert details["certificateTransparencyCompliance"] != "not-compliant"
    # From the plain port the browser comes here by itself, and remembers to.
    report = visit(f"http://localhost:{site.port}/About?x=1")
    assert report["address"] == site.base + "/About?x=1"


def test_a_browser_that_does_not_know_the_authority(git_remote, secure, home):
    authority = certs.Authority("Nobody")
    site = secure("-r", git_remote.create("s", small()).url, ready="listening",
                  pairs={"server": authority.issue(["localhost"])})
    assert "ERR_CERT_AUTHORITY_INVALID" in visit(site.base + "/")["error"]
