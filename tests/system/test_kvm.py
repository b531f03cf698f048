"""Canopy as a kernel of its own, in machines of QEMU behind its user network: started as the manual has it,
it serves what the Linux process serves, byte for byte. (test_kvm_net.py: on a TAP.)"""
import os
import re
import shlex
import shutil
import signal
import socket
import ssl
import subprocess
import time
from types import SimpleNamespace

import pytest

import certs
from guest import Guest
from images import build, clean_environment, configure, tool
from program import TOOL, SecureCanopy
from sites import article
from support import BUILD, BUNDLE, ROOT, SANITIZED, free_port, wait
from test_browser import AUTHORS, AUTHORS_RULES, complaints, look
from test_https_browser import home  # noqa: F401 (a fixture)

pytestmark = pytest.mark.skipif(SANITIZED, reason="ring 0 has checks of its own, no sanitizers")

SAMPLE = ROOT / "examples/site"
SETTINGS = ["-i", "Posts", "-n", "full stack engineer", "--dhcp", "true", "--tls", "443", "--port", "80"]


@pytest.fixture(scope="module")
def place(tmp_path_factory, authority):
    """A folder with an image for kvm, its keys, and the authority that signed them."""
    folder = tmp_path_factory.mktemp("kvm")
    (folder / "ca.pem").write_bytes(certs.pem_of(authority.certificate))
    certs.write_pair(folder / "tls", "server", *authority.issue(["localhost"]))
    configure(folder / "image", "--target", "kvm", "-r", "git://10.0.2.2/hannes", "--tls-dir", folder / "tls", *SETTINGS)
    return SimpleNamespace(folder=folder, image=build(folder / "image", folder / "image"), trusted=folder / "ca.pem")


@pytest.fixture(scope="module")
def repository(module_remote):
    """The real site, or where it is not here the sample."""
    if BUNDLE.exists():
        return module_remote.adopt("hannes", BUNDLE)
    files = {str(p.relative_to(SAMPLE)): p.read_bytes() for p in SAMPLE.rglob("*") if p.is_file()}
    return module_remote.create("hannes", files)


def as_the_guest_sees(repository):
    return repository.url.replace("127.0.0.1", "10.0.2.2")


@pytest.fixture(scope="module")
def guest(place, repository, module_canopy):
    return module_canopy("-r", as_the_guest_sees(repository), kind=Guest, image=place.image, trusted=place.trusted)


@pytest.fixture(scope="module")
def process(place, repository, module_canopy, authority):
    return module_canopy("-r", repository.url, "-i", "Posts", "-n", "full stack engineer", kind=SecureCanopy,
                         keys=place.folder / "tls", authority=certs.pem_of(authority.certificate))


def paths(repository):
    files = repository.git("ls-tree", "-r", "--name-only", "HEAD").splitlines()
    return ["/", "/atom", "/tags", "/nowhere", "/static/canopy.css", "/Posts"] + \
        [f"/{name}" for name in files if not name.startswith(".")]


def told(answer):
    """Last-Modified is when each of them made the page."""
    return answer.status, answer.body, [(k, v) for k, v in answer.fields if k not in ("Date", "Last-Modified")]


def test_images_are_small(place):
    """With TLS and the theme; and with nothing but a line to print."""
    assert place.image.stat().st_size <= 3 << 20
    assert (BUILD / "hello/hello.kvm").stat().st_size <= 150 << 10


def test_every_page_is_that_of_the_process(guest, process, repository):
    assert guest.status()["commit"] == process.status()["commit"] == repository.head()
    asked = paths(repository)
    assert len(asked) > 10
    assert [p for p in asked if told(guest.get(p)) != told(process.get(p))] == []


def test_it_says_where_it_serves(guest):
    """Nobody's localhost."""
    guest.wait_line(r"info +canopy: serving HTTPS at port 443$")


def test_it_says_how_much_memory_there_is(guest, process):
    """What the machine has, less the image and what firmware keeps; a process has no limit of its own."""
    status = guest.status()
    assert 0.8 * (64 << 20) < int(status["memory total"]) < 64 << 20
    assert int(status["memory peak"]) < int(status["memory total"])
    assert "memory total" not in process.status()


def test_readers_are_sent_on_to_https(guest):
    answer = guest.plain("GET", "/Posts?x=1")
    assert answer.status == 301 and answer.field("Location").startswith("https://")


def test_a_real_browser(guest, repository, home):  # noqa: F811
    article_path = next(p for p in paths(repository) if p.startswith(("/Posts/", "/Writing/")))
    reports = look(guest, ["/", article_path], ["desktop-light"], AUTHORS, AUTHORS_RULES)
    assert len(reports) == 2 and not complaints(reports)


def test_a_push_is_followed(guest, repository):
    commit = repository.publish({"Posts/New": article("News from the kernel", "Fresh.")})
    assert guest.push().status == 200
    assert guest.status()["commit"] == commit
    assert "Fresh." in guest.get("/Posts/New").text


# --- other machines, baked content, keys ---


@pytest.mark.parametrize("machine", ["pc", "q35"])
def test_http_with_baked_content_and_a_remote_that_is_gone(machine, tmp_path, canopy):
    """The content in the image is served, and its end is clean."""
    configure(tmp_path / "i", "--target", "kvm", "--content", SAMPLE, "-r", "git://10.0.2.2:1/gone", "--port", "80")
    image = build(tmp_path / "i", tmp_path / "i")
    site = canopy(kind=Guest, image=image, machine=machine, secure=False, memory=32)
    assert site.status()["commit"] and site.get("/Writing").status == 200
    site.wait_line(r"warning +content: ")
    assert site.get("/nowhere").status == 404
    site.stop()
    assert "canopy: stopping" in site.log


def served_certificate(guest):
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    with socket.create_connection((guest.host, guest.tls_port), timeout=30) as plain:
        with context.wrap_socket(plain, server_hostname="other.example") as s:
            return s.getpeercert(binary_form=True)


def test_keys_are_replaced_in_the_image(place, authority, tmp_path, canopy):
    image = shutil.copy(place.image, tmp_path / "canopy.kvm")
    assert image.stat().st_mode & 0o077 == 0
    status, shown, _ = tool("keys", image)
    assert status == 0 and "localhost" in shown
    key, certificate = authority.issue(["other.example"], kind="ed25519")
    certs.write_pair(tmp_path / "new", "server", key, certificate)
    status, shown, errors = tool("keys", image, tmp_path / "new")
    assert status == 0 and "other.example" in shown, errors
    status, output, _ = tool("describe", image)
    assert status == 0 and "  kvm" in output and "  virtio" in output and "full stack engineer" in output
    site = canopy("-r", "git://10.0.2.2:1/gone", kind=Guest, image=image, ready="listening")
    assert ssl.DER_cert_to_PEM_cert(served_certificate(site)).encode() == certs.pem_of(certificate)


# --- what is wrong ---


def ends(place, folder, *arguments, memory=64):
    """What a machine says that does not come to serve."""
    site = Guest(folder, arguments, place.image, memory=memory)
    status = site.start().wait_ended()
    return status, site.log


@pytest.mark.parametrize("arguments, says", [
    (["--port=70000"], "--port: '70000' is not a port (1 to 65535)"),
    (["--prot", "80"], "'--prot' is not a setting of this program; did you mean --port?"),
    (["--ip=1.2.3"], "--ip"),
    (["--ip=192.0.2.7"], "--ip: of 192.0.2.7 it is not said how many bits name the network"),
    (["--network=3"], "--network 3: there is no network card of that number"),
    (["--hook-secret=pa55word", "--port", "x"], "--port: 'x'"),
    (["--hook-secrt=pa55word"], "'--hook-secrt' is not a setting"),
    (["--poll=1y"], "--poll: '1y'"),
])
def test_a_wrong_boot_argument(place, tmp_path, arguments, says):
    status, log = ends(place, tmp_path, *arguments)
    assert status == 1
    assert says in log and log.count("\n") == 1, log
    assert "pa55word" not in log


def test_secrets_are_not_echoed(place, tmp_path, canopy):
    site = canopy("-r", "https://10.0.2.2:1/gone", "--remote-token", "pa55word", "--hook-secret", "pa55word", "-l",
                  "debug", kind=Guest, image=place.image, ready="listening")
    site.wait_line(r"warning +content: ")
    assert "pa55word" not in site.log


def test_too_little_memory(place, tmp_path):
    """The image does not fit, or the heap is too small: a line, not silence."""
    status, log = ends(place, tmp_path, memory=4)
    assert status == 1 and "too little memory: the image itself does not fit" in log


# --- ringlet run ---


def test_the_second_interrupt_ends_it_at_once(place, tmp_path):
    """Also a machine that does nothing any more."""
    site = Guest(tmp_path, ["-r", "git://10.0.2.2:1/gone"], place.image).start()
    site.wait_listening()
    qemu = int(subprocess.check_output(["ps", "-o", "pid=", "--ppid", str(site.process.pid)], text=True))
    os.kill(qemu, signal.SIGSTOP)
    site.process.send_signal(signal.SIGINT)
    time.sleep(0.2)
    assert not site.ended()
    site.process.send_signal(signal.SIGINT)
    assert site.wait_ended(5) == 1


def test_the_machine_does_not_outlive_the_command(place, tmp_path):
    site = Guest(tmp_path, ["-r", "git://10.0.2.2:1/gone"], place.image).start()
    wait(lambda: subprocess.run(["ps", "--ppid", str(site.process.pid)], capture_output=True).returncode == 0, "QEMU")
    qemu = int(subprocess.check_output(["ps", "-o", "pid=", "--ppid", str(site.process.pid)], text=True))
    site.kill()
    wait(lambda: not os.path.exists(f"/proc/{qemu}") or "Z (zombie)" in open(f"/proc/{qemu}/status").read(),
         "the end of QEMU")


def test_hello_on_every_target(tmp_path):
    """The first thing that a target has to run."""
    assert subprocess.run([BUILD / "hello/hello"], capture_output=True, text=True).stdout == "Hello, world.\n"
    (tmp_path / ".ringlet").mkdir()
    (tmp_path / ".ringlet/target").write_text("kvm")
    (tmp_path / "dist").mkdir()
    (tmp_path / "dist/hello.kvm").symlink_to(BUILD / "hello/hello.kvm")
    for machine in ("microvm", "pc", "q35"):
        status, output, errors = tool("run", "--accel", "tcg", "--machine", machine, "-m", "8",
                                      RINGLET_APP="hello", RINGLET_APP_DIR=str(tmp_path))
        assert (status, output.replace("\r", ""), errors) == (0, "Hello, world.\n", "")


@pytest.mark.parametrize("machine", ["microvm", "pc"])
def test_a_debugger_sees_names_where_the_image_has_moved(tmp_path, machine):
    """gdb, started as ringlet says."""
    folder = tmp_path / "with a space"
    (folder / ".ringlet").mkdir(parents=True)
    (folder / ".ringlet/target").write_text("kvm")
    shutil.copytree(BUILD / "hello", folder / "dist")
    run = subprocess.Popen([TOOL, "run", "--accel", "tcg", "--machine", machine, "-m", "16", "--gdb", str(free_port())],
                           env=clean_environment(RINGLET_ROOT=str(ROOT), RINGLET_APP="hello", RINGLET_APP_DIR=str(folder)),
                           stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    try:
        line = shlex.split(re.fullmatch(r"ringlet: waiting for: (gdb .*)\n", run.stderr.readline())[1])
        said = subprocess.run([*line[:1], "-nx", "-batch", *line[1:], "-ex", "info registers rip", "-ex", "backtrace 1",
                               "-ex", "thbreak power_off", "-ex", "continue", "-ex", "backtrace 2", "-ex", "detach"],
                              capture_output=True, text=True, stdin=subprocess.DEVNULL, timeout=60).stdout
        assert re.search(r"^rip +0xffff[0-9a-f]{12} ", said, re.M)
        assert "#0  start () at platform/pvh/start.c:" in said
        assert re.search(r"^#0 +power_off \(status=.*\n#1 .* in start \(\) at platform/pvh/start\.c:", said, re.M)
        assert run.wait(20) == 0 and "Hello, world." in run.stdout.read()
    finally:
        run.kill()
        run.wait()
