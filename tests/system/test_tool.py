"""The ringlet command, end to end: configure, make, run, describe, fetch, help."""
import hashlib
import os
import re
import shutil
import ssl
import subprocess

import pytest

import certs
import client
from gitnginx import GitNginx
from images import APP, clean_environment, configure, tool
from program import PLAIN, Canopy
from sites import article, small
from support import BUILD, ROOT, SANITIZED, free_port, wait

door_builds_elsewhere = pytest.mark.skipif(
    SANITIZED or BUILD != ROOT / "build", reason="the door builds in build/, not in this build")


@pytest.fixture
def app_folder():
    """apps/canopy, whose configuration and build are put back afterwards."""
    kept = []
    for name in (".ringlet", "dist", "tls"):
        if (APP / name).exists():
            (APP / name).rename(APP / f".kept-{name}")
            kept.append(name)
    yield APP
    for name in (".ringlet", "dist", "tls"):
        shutil.rmtree(APP / name, ignore_errors=True)
        if name in kept:
            (APP / f".kept-{name}").rename(APP / name)


def shell(command, cwd):
    done = subprocess.run(command, shell=True, cwd=cwd, env=clean_environment(), timeout=600,
                          capture_output=True, text=True)
    return done.returncode, done.stdout, done.stderr


# --- through the door, as the manual says ---


@door_builds_elsewhere
def test_the_command_line_of_the_manual(app_folder, hannes, tmp_path):
    port = free_port()
    status, output, errors = shell(
        f'../../ringlet configure --unix -i Posts -n "full stack engineer" -r {hannes.url} '
        f'--port {port} && make', app_folder)
    assert status == 0, output + errors
    for program in (app_folder / "dist/canopy", ROOT / "ringlet"):
        site = Canopy(tmp_path, [], program=program, port=port)
        if program.name == "ringlet":
            site.command += ["run", "-C", str(app_folder)]
        site.start()
        try:
            site.wait_listening().wait_content()
            assert "full stack engineer" in site.get("/").text
            assert "/Posts/OperatingSystem" in site.get("/").text
        finally:
            site.stop()
    status, output, errors = shell("../../ringlet describe", app_folder)
    assert status == 0 and "full stack engineer" in output


@door_builds_elsewhere
def test_the_command_line_with_tls(app_folder, authority, tmp_path):
    """No tls/ folder yet: a pair for localhost is made. The remote is of a private authority."""
    (tmp_path / "ca.pem").write_bytes(certs.pem_of(authority.certificate))
    (tmp_path / "remote").mkdir()
    port, tls_port = free_port(), free_port()
    with GitNginx(tmp_path / "remote", authority.issue(["localhost"])) as remote:
        repository = remote.create("garden", small())
        status, output, errors = shell(
            f'../../ringlet configure --unix -i Posts -n "full stack engineer" -r {repository.url} '
            f'--tls {tls_port} --port {port} --trust {tmp_path}/ca.pem && make', app_folder)
        assert status == 0, output + errors
        assert f"made {app_folder}/tls/server.key" in output and "localhost" in output
        site = Canopy(tmp_path, [], program=app_folder / "dist/canopy", port=port)
        site.start()
        try:
            site.wait_line(f"serving https://localhost:{tls_port}/")
            assert site.get("/").field("Location") == f"https://127.0.0.1:{tls_port}/"
            context = ssl.create_default_context(cafile=app_folder / "tls/server.pem")
            assert "full stack engineer" in client.request(tls_port, "GET", "/",
                                                           context=context).text
        finally:
            site.stop()
    tracked = subprocess.run(["git", "status", "--short", "apps/canopy/tls"], cwd=ROOT,
                             capture_output=True, text=True)
    assert tracked.stdout == ""


@door_builds_elsewhere
def test_the_command_line_for_a_virtual_machine(app_folder, hannes, tmp_path):
    port, tls_port = free_port(), free_port()
    remote = hannes.url.replace("127.0.0.1", "10.0.2.2")
    status, output, errors = shell(
        f'../../ringlet configure --target kvm -i Posts -n "full stack engineer" -r {remote} '
        '--dhcp true --tls 443 --port 80 && make', app_folder)
    assert status == 0, output + errors
    site = Canopy(tmp_path, [], program=ROOT / "ringlet", port=port)
    site.command += ["run", "-C", str(app_folder), "-p", f"{port}:80", "-p", f"{tls_port}:443"]
    site.start()
    try:
        site.wait_line(r"content: at commit", 60)
        site.wait_line(r"net: address 10\.0\.2\.15", 60)
        assert site.get("/").status == 301
        context = ssl.create_default_context(cafile=app_folder / "tls/server.pem")
        assert "/Posts/OperatingSystem" in client.request(tls_port, "GET", "/", context=context).text
    finally:
        site.stop()
    status, output, errors = shell("../../ringlet describe && ../../ringlet keys dist/canopy.kvm", app_folder)
    assert status == 0 and "full stack engineer" in output and "localhost" in output, errors


@door_builds_elsewhere
def test_the_command_line_of_the_original(app_folder):
    """Word for word but for the name of the tool and the host."""
    status, output, errors = shell(
        '../../ringlet configure --no-opam --xen -i Posts -n "full stack engineer" -r git://10.0.0.1/hannes '
        '--dhcp false --network 0 --ip 198.167.222.205 --netmask 255.255.255.0 --gateways 198.167.222.1 '
        '--tls 443 --port 80 && make', app_folder)
    assert status == 0, output + errors
    assert (app_folder / "dist/canopy.xen").exists()
    assert f"kernel = '{app_folder}/dist/canopy.xen'" in (app_folder / "dist/canopy.xl").read_text()


@door_builds_elsewhere
def test_the_door_says_where_it_wants_to_be_called(tmp_path):
    status, _, errors = shell(f"{ROOT}/ringlet configure --unix", tmp_path)
    assert status == 2 and "-C apps/NAME" in errors
    for order in ("-C /nowhere describe", "describe -C /nowhere"):
        status, _, errors = shell(f"{ROOT}/ringlet {order}", tmp_path)
        assert status == 2 and "there is no folder /nowhere" in errors
    for order in (f"-C {ROOT}/apps/canopy configure --help", f"configure --help -C {ROOT}/apps/canopy"):
        status, output, _ = shell(f"{ROOT}/ringlet --no-depend {order}", tmp_path)
        assert status == 0 and "--remote" in output
    status, _, errors = shell(f"{ROOT}/ringlet describe", tmp_path)
    assert status == 2 and "-C apps/NAME" in errors and "image" in errors
    status, _, errors = shell(f"{ROOT}/ringlet conjure", tmp_path)
    assert status == 2 and errors == "ringlet: there is no command 'conjure'; `ringlet help` lists them\n"
    link = tmp_path / "linked"
    link.symlink_to(ROOT / "ringlet")
    status, output, _ = shell(f"{link} help", tmp_path)
    assert status == 0 and "configure" in output


# --- the command itself ---


def test_help():
    for arguments in (["help"], ["--help"], ["-h"], []):
        status, output, errors = tool(*arguments)
        assert (status, errors) == (0, "")
        for name in ("configure", "run", "describe", "fetch", "help"):
            assert re.search(rf"^ +{name}\b.*\w", output, re.M), name


def test_unknown_commands():
    status, output, errors = tool("conjure")
    assert (status, output) == (2, "") and "conjure" in errors and "help" in errors


@pytest.mark.parametrize("command", ["configure", "run"])
def test_the_manual_has_all_options(command):
    manual = (ROOT / "docs/ringlet.1").read_text().replace("\\-", "-")
    own = tool(command, "--help")[1].split("The settings of the program")[0]
    options = re.findall(r"--[a-z][a-z-]*|(?<= )-[a-zA-Z]\b", own)
    assert len(options) > 8
    assert [o for o in options if not re.search(rf"{o}(?![a-z-])", manual)] == []


def test_help_of_configure_names_all_settings():
    status, output, _ = tool("configure", "--help")
    assert status == 0
    for name in ("target", "content", "to", "remote", "index", "name", "port", "hook",
                 "hook-secret", "poll", "dhcp", "network", "ip", "netmask", "gateways", "resolver",
                 "logs"):
        assert f"--{name}" in output, name


@pytest.mark.parametrize("arguments, says", [
    (["--prot", "80"], "--port"),
    (["--port", "eighty"], "--port"),
    (["--remote", "ftp://x"], "--remote"),
    (["--target", "moon"], "moon"),
    (["--target"], "--target"),
    (["--content", "/no/such/folder"], "/no/such/folder: No such file or directory"),
    (["--content", "/etc/passwd"], "/etc/passwd is no folder, no git repository and no bundle"),
    (["--content", ""], "--content: the name of a repository"),
    (["--hook-secret", ""], "--hook-secret: the secret is empty"),
    (["-r", "http://x/y", "--remote-token", "t"], "--remote-token: a token is sent to https:// only"),
    (["--name", "two\nlines"], "--name"),
    (["--target", "kvm", "--net", "tap:tap0"], "--net: a machine has a card of its own"),
    (["--port", "8443", "--tls"], "--tls: 8443 is the port of plain HTTP"),
    (["stray"], "stray"),
])
def test_a_wrong_configuration_changes_nothing(tmp_path, arguments, says):
    configure(tmp_path / "c", "-r", "git://127.0.0.1/x")
    before = (tmp_path / "c/settings").read_bytes()
    status, output, errors = tool("configure", "--to", tmp_path / "c", *arguments)
    assert status in (1, 2) and says in errors
    assert all(line.startswith("ringlet: ") for line in errors.splitlines())
    assert (tmp_path / "c/settings").read_bytes() == before


def test_content_without_a_commit(tmp_path, git_remote):
    empty, full = git_remote.create("empty"), git_remote.create("full", small())
    for content, says in ((str(empty.bare), f"{empty.bare} has no commit yet"),
                          (f"{full.bare}#no", f"{full.bare} has no branch no"),
                          (f"{full.bare}#--all", "has no branch --all")):
        status, output, errors = tool("configure", "--to", tmp_path / "c", "--content", content)
        assert (status, output) == (1, "") and says in errors and errors.count("\n") == 1, errors


def test_a_configuration_is_for_its_owner_only(tmp_path):
    configure(tmp_path / "c", "-r", "git://127.0.0.1/x", "--hook-secret", "pa55word")
    assert (tmp_path / "c/settings").stat().st_mode & 0o777 == 0o600


def test_each_configuration_says_everything(tmp_path):
    configure(tmp_path / "c", "-r", "git://127.0.0.1/x", "-n", "Old name")
    configure(tmp_path / "c", "-r", "git://127.0.0.1/x")
    assert "Old name" not in (tmp_path / "c/settings").read_text()


def test_settings_with_line_ends_and_backslashes(tmp_path, image, git_remote, canopy):
    url = git_remote.create("s", small()).url
    name = "a\\nb = c # d"
    site = canopy(program=image("-r", url, "-n", name))
    assert name in site.get("/").text


def test_arguments_come_before_configuration_before_defaults(image, git_remote, canopy, tmp_path):
    repository = git_remote.create("s", small())
    port = free_port()
    program = image("-r", repository.url, "-n", "Configured", "-p", port, "--hook", "/hook")
    site = canopy(program=program, port=port)
    assert "Configured" in site.get("/").text
    assert site.push(path="/hook").status == 200
    site.stop()
    site = canopy("-n", "Argued", program=program)
    assert site.port != port and "Argued" in site.get("/").text
    assert site.push(path="/hook").status == 200
    site = canopy("-r", repository.url)
    assert site.push(path="/push").status == 200


def test_describe(image, tmp_path):
    program = image("-r", "git://127.0.0.1/garden#main", "-n", "My garden", "--hook-secret",
                    "pa55word")
    status, output, errors = tool("describe", program)
    assert (status, errors) == (0, "")
    assert "My garden" in output and "git://127.0.0.1/garden#main" in output
    assert "pa55word" not in output and re.search(r"hook-secret = \(not shown\)", output)
    for word in ("canopy", "process", "stack", "clock", "git", "markdown", "http", "store"):
        assert re.search(rf"^ +{word}$", output, re.M), word
    for name in ("aws-lc", "libdeflate", "md4c", "sha1dc", "bootstrap", "highlight"):
        line = re.search(rf"^ +{name} (\S+) (.+) ([0-9a-f]{{64}})$", output, re.M)
        assert line and re.search(r"\d", line[1]) and re.search(r"[A-Z]", line[2]), name


def test_describe_says_what_is_not_an_image(tmp_path):
    for name, content in (("text", b"#!/bin/sh\n"), ("empty", b""), ("short", b"\x7fELF\2\1"),
                          ("wild", b"\x7fELF\2\1" + b"\xff" * 200)):
        path = tmp_path / name
        path.write_bytes(content)
        status, output, errors = tool("describe", path)
        assert status == 1 and str(path) in errors and len(errors.splitlines()) == 1
    assert tool("describe", tmp_path / "none")[0] == 1
    assert tool("describe", "/bin/true")[0] == 1
    damaged = bytearray(PLAIN.read_bytes())
    for at in (40, 44, 58, 60, 62):
        damaged[at] ^= 0xff
    (tmp_path / "damaged").write_bytes(damaged)
    assert tool("describe", tmp_path / "damaged")[0] == 1


def test_describe_names_the_content(image, git_remote):
    repository = git_remote.create("s", small())
    output = tool("describe", image("--content", str(repository.bare)))[1]
    assert repository.head() in output


# --- content in the image ---


def offline(canopy, program):
    """A canopy that asks nobody: it has no remote."""
    return canopy(program=program)


def test_content_of_a_repository_with_its_history(image, git_remote, canopy):
    repository = git_remote.create("s", small())
    repository.publish({"Posts/First": article("The first", "Changed.", author="Ada")})
    program = image("--content", str(repository.bare))
    git_remote.stop()
    site = offline(canopy, program)
    assert site.status()["commit"] == repository.head()
    text = site.get("/Posts/First").text
    assert "Changed." in text
    assert "2023-11-14T22:13:20Z" in text and "2023-11-15T22:13:20Z" in text


def test_content_of_a_work_tree_a_branch_and_a_bundle(image, git_remote, canopy, tmp_path):
    repository = git_remote.create("s", small())
    repository.git("checkout", "-q", "-b", "draft")
    draft = repository.commit({"About": article("About", "A draft.")})
    repository.git("checkout", "-q", "main")
    assert "We are" in offline(canopy, image("--content", str(repository.work))).get("/About").text
    site = offline(canopy, image("--content", f"{repository.work}#draft"))
    assert site.status()["commit"] == draft and "A draft." in site.get("/About").text
    repository.git("bundle", "create", "-q", str(tmp_path / "b.bundle"), "HEAD", "main")
    site = offline(canopy, image("--content", str(tmp_path / "b.bundle")))
    assert "We are" in site.get("/About").text


def test_content_within_a_hook(git_remote, tmp_path):
    """git tells a hook of the repository that it is of: that is not the one that is meant."""
    repository = git_remote.create("garden", small())
    other = git_remote.create("other", {"a": "b"})
    (tmp_path / "folder").mkdir()
    (tmp_path / "folder/About").write_text("text")
    before = other.bare.joinpath("HEAD").read_text(), sorted(other.bare.rglob("*"))
    for i, content in enumerate((repository.bare, repository.work, tmp_path / "folder")):
        status, _, errors = tool("configure", "--to", tmp_path / f"c{i}", "--content", content,
                                 GIT_DIR=str(other.bare), GIT_WORK_TREE=str(other.work),
                                 GIT_INDEX_FILE=str(tmp_path / "index"))
        assert status == 0, errors
        heads = subprocess.run(["git", "bundle", "list-heads", tmp_path / f"c{i}/content"], check=True,
                               capture_output=True, text=True).stdout
        assert (heads.split()[0] == repository.head()) == (i < 2) and other.head() not in heads
    assert not (tmp_path / "index").exists()
    assert before == (other.bare.joinpath("HEAD").read_text(), sorted(other.bare.rglob("*")))


def test_content_runs_nobodys_hooks(tmp_path):
    """A folder's commit is made with hooks that the user has for every repository: they have no part in it."""
    (tmp_path / "hooks").mkdir()
    for name in ("prepare-commit-msg", "commit-msg", "post-commit", "reference-transaction"):
        (tmp_path / "hooks" / name).write_text(f"#!/bin/sh\ntouch {tmp_path}/ran\n")
        (tmp_path / "hooks" / name).chmod(0o755)
    (tmp_path / "template").mkdir()
    (tmp_path / "template/hooks").symlink_to(tmp_path / "hooks")
    (tmp_path / "folder").mkdir()
    (tmp_path / "folder/About").write_text("text")
    for setting in (f"[core]\nhooksPath = {tmp_path}/hooks\n", f"[init]\ntemplateDir = {tmp_path}/template\n"):
        (tmp_path / "config").write_text(setting)
        status, _, errors = tool("configure", "--to", tmp_path / "c", "--content", tmp_path / "folder",
                                 GIT_CONFIG_GLOBAL=str(tmp_path / "config"))
        assert status == 0, errors
        assert not (tmp_path / "ran").exists()


def test_content_of_a_plain_folder(image, canopy, tmp_path):
    folder = tmp_path / "plain"
    for path, text in small().items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_text(text)
        os.utime(folder / path, (1600000000, 1600000000))
    program = image("--content", str(folder))
    site = offline(canopy, program)
    assert "We are" in site.get("/About").text
    assert "2020-09-13T12:26:40Z" in site.get("/About").text
    assert not (folder / ".git").exists()
    again = image("--content", str(folder))
    assert hashlib.sha256(again.read_bytes()).digest() == \
        hashlib.sha256(program.read_bytes()).digest()


def test_content_as_old_as_time(image, canopy, tmp_path):
    """Stores of packages have all files at the beginning of 1970."""
    (tmp_path / "old").mkdir()
    (tmp_path / "old/About").write_text(article("About us"))
    os.utime(tmp_path / "old/About", (1, 1))
    site = offline(canopy, image("--content", str(tmp_path / "old")))
    assert "1970-01-01T00:00:01Z" in site.get("/About").text


def test_content_is_served_without_a_network(image, git_remote, tmp_path):
    """In a network of its own, which leads nowhere: the remote is out of reach."""
    if subprocess.run(["unshare", "-rn", "true"], capture_output=True).returncode != 0:
        pytest.skip("this machine does not let us make a network namespace")
    repository = git_remote.create("s", small())
    program = image("--content", str(repository.bare), "-r", repository.url, "-p", "8080")
    script = ("ip link set lo up && exec \"$0\" & sleep 0.3; "
              "for i in $(seq 200); do curl -sf http://127.0.0.1:8080/About && break; "
              "sleep 0.05; done; kill $!; wait $!; echo \"status $?\"")
    done = subprocess.run(["unshare", "-rn", "sh", "-c", script, str(program)],
                          capture_output=True, text=True, timeout=120)
    assert "<strong>here</strong>" in done.stdout, done.stdout + done.stderr
    assert "status 0" in done.stdout


def test_content_is_updated_from_the_remote(image, git_remote, canopy):
    repository = git_remote.create("s", small())
    program = image("--content", str(repository.bare), "-r", repository.url)
    commit = repository.publish({"About": article("About", "Newer.")})
    site = canopy(program=program)
    wait(lambda: site.status()["commit"] == commit, "the update")
    assert "Newer." in site.get("/About").text
    assert int(site.status()["updates"]) == 2
    git_remote.stop()
    site = canopy(program=program)
    assert "We are" in site.get("/About").text
    site.wait_line(r"warning +content: .*refused")
    git_remote.start()
    wait(lambda: site.status()["commit"] == commit, "the retry")


def test_content_of_sha256(image, git_remote, canopy):
    repository = git_remote.create("s", small(), kind="sha256")
    site = offline(canopy, image("--content", str(repository.bare)))
    assert site.status()["commit"] == repository.head()


def test_content_of_the_real_site(image, hannes, canopy):
    site = offline(canopy, image("--content", str(hannes.bare)))
    assert site.status()["commit"] == hannes.head()
    assert "What is an operating system?" in site.get("/Posts/OperatingSystem").text
