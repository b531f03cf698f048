"""What an operator says at the start: arguments, help, and clear lines for what cannot be."""
import re

import pytest

from program import run
from sites import small
from support import free_port

ALL = ["remote", "index", "name", "no-html", "port", "hook", "hook-secret", "poll", "dhcp",
       "net", "ipv6", "network", "ip", "netmask", "gateways", "resolver", "logs"]
LETTERS = {"remote": "r", "index": "i", "name": "n", "port": "p", "logs": "l"}


def test_help_names_every_setting():
    status, output, errors = run(["--help"])
    assert (status, errors) == (0, "")
    for name in ALL:
        line = re.search(rf"^ +(-(\w), )?--{name}\b.*$", output, re.M)
        assert line, name
        assert line[2] == LETTERS.get(name), name
    assert re.search(r"default\s+8080", output) and re.search(r"default\s+/push", output)
    assert max(map(len, output.splitlines())) <= 80
    assert run(["-h"])[1] == output


@pytest.mark.parametrize("arguments, says", [
    (["--colour", "red"], "--colour"),
    (["--prot", "80"], "--port"),  # what was meant
    (["-z"], "-z"),
    (["extra"], "extra"),
    (["--port"], "--port"),
    (["--port", "0x50"], "--port"),
    (["--port", "65536"], "--port"),
    (["--port", "-1"], "--port"),
    (["--port", ""], "--port"),
    (["--poll", "often"], "--poll"),
    (["--remote", "ftp://host/x"], "--remote"),
    (["--remote", "git://"], "--remote"),
    (["--remote", "not a url"], "--remote"),
    (["--hook", "push"], "--hook"),
    (["--hook", "/a?b"], "--hook"),
    (["--ip", "1.2.3"], "--ip"),
    (["--gateways", "1.2.3.4,x"], "--gateways"),
    (["--dhcp=perhaps"], "--dhcp"),
    (["--logs", "loud"], "--logs"),
    (["-l", "web:loud"], "--logs"),
])
def test_bad_arguments(arguments, says):
    status, output, errors = run(arguments)
    assert status == 2
    said = (output + errors).strip().splitlines()
    assert 1 <= len(said) <= 3 and says in said[0], said


def test_a_secret_that_is_refused_is_not_said():
    status, output, errors = run(["--hook-secret", "pa55word", "--port", "x"])
    assert status == 2 and "pa55word" not in output + errors


def test_nothing_to_serve():
    status, output, errors = run(["--port", free_port()])
    assert status == 1
    assert "nothing to serve" in output + errors


def test_forms_of_arguments(git_remote, canopy):
    url = git_remote.create("s", small()).url
    for arguments in (["--remote", url, "--name", "N ü"], [f"--remote={url}", "--name=N ü"],
                      ["-r", url, "-n", "N ü"], [f"-r{url}", "-nN ü"]):
        assert "N ü" in canopy(*arguments).get("/").text


def test_the_last_one_counts(git_remote, canopy):
    url = git_remote.create("s", small()).url
    assert "Beta" in canopy("-r", url, "-n", "Alpha", "-n", "Beta").get("/").text


def test_settings_of_no_use_are_said(git_remote, canopy, image):
    url = git_remote.create("s", small()).url
    site = canopy("-r", url, "--remote-user", "ann", "--poll", "60")
    assert re.findall("warning +canopy: (.*)", site.log) == ["--remote-user is of no use: there is no --remote-token"]
    baked = image("--content", git_remote.create("t", small()).work, "--poll", "60")
    assert "--poll is of no use: there is no remote" in canopy(program=baked).log
    assert "of no use" not in canopy("-r", url, program=baked).log


def test_network_settings_are_taken(git_remote, canopy):
    """They take effect where the image has its own network stack; here they are checked only."""
    url = git_remote.create("s", small()).url
    site = canopy("-r", url, "--dhcp", "false", "--network", "0", "--ip", "10.0.0.2",
                  "--netmask", "255.255.255.0", "--gateways", "10.0.0.1,fe80::1",
                  "--resolver", "10.0.0.1")
    assert site.get("/About").status == 200
