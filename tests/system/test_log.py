"""What a canopy says of itself: one line a request, levels, no way for a client to forge lines."""
import re
from datetime import datetime, timezone

import pytest

from network import Proxy
from sites import small
from support import wait

LINE = re.compile(r'^(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z) (\S+) (\S+) (\S+) (\d{3}) (\d+) '
                  r'(\d+\.\d{3}) "((?:[^"\\]|\\x[0-9a-f]{2})*)" "((?:[^"\\]|\\x[0-9a-f]{2})*)"$')


@pytest.fixture
def site(git_remote, canopy):
    return canopy("-r", git_remote.create("s", small()).url)


def logged(site, pattern):
    """The access line for a target."""
    line = site.wait_line(pattern)
    match = LINE.match(line)
    assert match, line
    return match.groups()


def test_the_fields_of_a_line(site):
    answer = site.get("/About?x=y", {"Referer": "http://from.example/", "User-Agent": "Test/1.0"})
    when, client, method, target, status, size, took, referrer, agent = logged(site, r"x=y")
    said = datetime.fromisoformat(when.replace("Z", "+00:00"))
    assert abs((datetime.now(timezone.utc) - said).total_seconds()) < 60
    assert client == "127.0.0.1"
    assert (method, target, status, size) == ("GET", "/About?x=y", "200", str(len(answer.body)))
    assert 0 <= float(took) < 10000
    assert (referrer, agent) == ("http://from.example/", "Test/1.0")


def test_what_is_not_there_is_a_dash(site):
    site.get("/nowhere")
    _, _, _, _, status, _, _, referrer, agent = logged(site, "/nowhere")
    assert (status, referrer, agent) == ("404", "-", "-")


def test_head_and_304_send_no_bytes(site):
    tag = site.get("/About").field("ETag")
    site.request("HEAD", "/About?head")
    site.get("/About?same", {"If-None-Match": tag})
    assert logged(site, r"\?head")[2:6] == ("HEAD", "/About?head", "200", "0")
    assert logged(site, r"\?same")[4:6] == ("304", "0")


def test_an_ipv6_client(site):
    site.get("/About?six", host="::1")
    assert logged(site, r"\?six")[1] == "::1"


def test_what_a_client_says_is_escaped(site):
    site.get("/About?evil", {"User-Agent": 'a"b\\c \u00fc\u0085', "Referer": '" 200 0 "'})
    *_, referrer, agent = logged(site, r"\?evil")
    assert agent == "a\\x22b\\x5cc \\xc3\\xbc\\xc2\\x85"
    assert referrer == "\\x22 200 0 \\x22"


def test_a_request_that_is_not_understood_has_a_line(site):
    with site.connect() as connection:
        connection.send(b"GET /\x01 HTTP/1.1\r\nHost: x\r\n\r\n")
        assert connection.response().status == 400
    match = LINE.match(site.wait_line(r" 400 \d+ "))
    assert match and "\x01" not in match[0]


def test_every_request_has_one_line(site):
    with site.connect() as connection:
        for number in range(50):
            connection.request("GET", f"/About?count={number}")
    site.wait_line(r"count=49")
    lines = [line for line in site.lines() if "count=" in line]
    assert [int(re.search(r"count=(\d+)", line)[1]) for line in lines] == list(range(50))


def test_all_other_lines_have_level_and_source(site):
    site.push()
    site.stop()
    form = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z (error|warning|info|debug) +"
                      r"[a-z]+: .+")
    for line in site.lines():
        assert LINE.match(line) or form.match(line), line


@pytest.mark.parametrize("levels, access, info, warning", [
    ("info", True, True, True), ("info,access:quiet", False, True, True),
    ("warning", False, False, True), ("warning,access:info", True, False, True),
    ("quiet", False, False, False), ("*:error,content:warning", False, False, True),
    ("debug", True, True, True)])
def test_levels(git_remote, canopy, levels, access, info, warning):
    git_remote.create("s", small())
    with Proxy(git_remote.port) as proxy:
        site = canopy("-r", proxy.url("s"), "-l", levels)
        site.get("/About?seen")
        proxy.cut = 1
        assert site.push().status == 502
        site.stop()
        assert ("/About?seen" in site.log) == access
        assert ("at commit" in site.log) == info
        assert (re.search(r"warning +content", site.log) is not None) == warning


def test_the_remotes_progress_is_shown_on_request(git_remote, canopy):
    url = git_remote.create("s", small()).url
    site = canopy("-r", url, "-l", "info,content:debug")
    assert re.search(r"debug +content: remote: ", site.log)
    assert "remote:" not in canopy("-r", url).log


def test_status_holds_what_operators_need(site):
    site.get("/nowhere")
    wait(lambda: site.status()["responses 4xx"] == "1", "the counter")
    status = site.status()
    for name in ("uptime seconds", "update", "remote", "phase", "asked", "loaded", "updates",
                 "failed updates", "commit", "pages", "articles", "problems", "objects",
                 "pack bytes", "connections", "requests", "malformed", "timeouts", "memory bytes",
                 "memory blocks", "memory peak", "timers", "bodies refused", "failed in a row"):
        assert name in status, name
    assert status["articles"] == "3" and status["updates"] == "1"
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", status["loaded"])
    answer = site.get("/status")
    assert "no-store" in answer.field("Cache-Control")


def test_the_password_in_a_remotes_url_is_not_said(canopy):
    site = canopy("-r", "http://user:pa55word@127.0.0.1:1/x", ready="listening")
    site.wait_line(r"warning +content: ")
    assert "pa55word" not in site.log + site.get("/status").text
