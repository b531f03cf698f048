"""What configure writes beside an image for whoever starts machines: xl, libvirt, a script for QEMU; and
what `ringlet run` makes of its options before there is a machine. (test_kvm.py starts some.)"""
import os
import re
import shlex
import socket
import subprocess

import pytest

from images import configure, tool
from lab import PERMITTED, Namespace
from support import BUILD, SANITIZED, free_port

ORIGINAL = ["--no-opam", "--xen", "-i", "Posts", "-n", "full stack engineer", "-r", "git://10.0.0.1/hannes",
            "--dhcp", "false", "--network", "0", "--ip", "198.167.222.205", "--netmask", "255.255.255.0",
            "--gateways", "198.167.222.1", "--tls", "443", "--port", "80"]


@pytest.fixture
def deploy(tmp_path):
    """deploy(OPTION...): the folder with the files that configure writes. (--no-opam is the door's.)"""
    def make(*arguments):
        configure(tmp_path / "d", *(a for a in arguments if a != "--no-opam"))
        return tmp_path / "d"
    return make


def test_xl(deploy):
    folder = deploy(*ORIGINAL)
    assert (folder / "canopy.xl").read_text() == f"""\
name = 'canopy'
type = 'pvh'
kernel = '{folder}/canopy.xen'
memory = 32
vcpus = 1
on_crash = 'preserve'
vif = [ 'bridge=br0' ]
"""
    assert (folder / "canopy.xl.in").read_text() == """\
name = '@NAME@'
type = 'pvh'
kernel = '@KERNEL@'
memory = @MEMORY@
vcpus = 1
on_crash = 'preserve'
vif = [ @VIF@ ]
"""
    assert not (folder / "canopy.sh").exists()


def test_lines_that_options_set(deploy):
    text = (deploy("--target", "xen", "--memory", "2G", "--bridge", "xenbr1", "--network", "1") /
            "canopy.xl").read_text()
    assert "memory = 2048\n" in text
    assert "vif = [ 'bridge=xenbr1', 'bridge=xenbr1' ]\n" in text
    assert "extra" not in text


def test_boot_arguments_where_they_are_asked_for(deploy):
    """Quoted as each file wants it; secrets stay in the image."""
    folder = deploy("--any", "--boot-args", "-n", "it's \"mine\" <&> \\", "--port", "80", "--hook-secret", "pa55word")
    line = '"--name=it\'s \\"mine\\" <&> \\\\" --port=80'
    extra = re.search(r"^extra = '(.*)'$", (folder / "canopy.xl").read_text(), re.M)[1]
    assert re.sub(r"\\(.)", r"\1", extra) == line
    script = (folder / "canopy.sh").read_text()
    assert shlex.split(re.search(r"^line=.*$", script, re.M)[0]) == ["line=" + line]
    for name in ("canopy.kvm.xml", "canopy.xen.xml"):
        shown = subprocess.run(["xmllint", "--xpath", "string(/domain/os/cmdline)", folder / name],
                               capture_output=True, text=True).stdout
        assert shown.rstrip("\n") == line
    for path in folder.glob("canopy.*"):
        assert "pa55word" not in path.read_text()


@pytest.mark.parametrize("arguments", [["--any", "--boot-args", "-n", "a <b> & 'c'", "--network", "2"], ["--any"]])
def test_libvirt_takes_them(deploy, arguments):
    """By libvirt's own schema."""
    folder = deploy(*arguments)
    for name in ("canopy.kvm.xml", "canopy.xen.xml"):
        done = subprocess.run(["virt-xml-validate", folder / name, "domain"], capture_output=True, text=True)
        assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("arguments, says", [
    (["--xen", "--memory", "3"], "--memory"),
    (["--xen", "--memory", "lots"], "lots"),
    (["--xen", "--bridge", "br 0"], "--bridge"),
    (["--xen", "--bridge", ""], "--bridge"),
    (["--xen", "--network", "64"], "--network"),
    (["--kvm", "--boot-args", "-n", "x" * 5000], "--boot-args"),
])
def test_refused(tmp_path, arguments, says):
    status, output, errors = tool("configure", "--to", tmp_path / "d", *arguments)
    assert (status, output) == (2, "")
    assert errors.startswith("ringlet: ") and says in errors and errors.count("\n") == 1
    assert not (tmp_path / "d").exists()


def test_the_script_for_qemu(deploy, tmp_path):
    """What it hands to QEMU: here a program that prints its arguments."""
    folder = deploy("--kvm", "--memory", "48", "--boot-args", "-n", "a 'b'")
    subprocess.run(["sh", "-n", folder / "canopy.sh"], check=True)
    fake = tmp_path / "bin/qemu-system-x86_64"
    fake.parent.mkdir()
    fake.write_text('#!/bin/sh\nprintf "%s\\n" "$@"\n')
    fake.chmod(0o755)
    said = subprocess.run([folder / "canopy.sh", "--index", 'x "y" \\z'], check=True, capture_output=True, text=True,
                          env={"PATH": f"{fake.parent}:/usr/bin:/bin", "PORTS": "8080:80 8443:443", "ACCEL": "tcg",
                               "DRIVES": "/a.raw b.raw"})
    words = said.stdout.splitlines()
    after = dict(zip(words, words[1:]))
    assert after["-append"] == '"--name=a \'b\'" "--index" "x \\"y\\" \\\\z"'
    assert after["-kernel"] == f"{folder}/canopy.kvm" and after["-m"] == "48"
    assert after["-netdev"] == "user,id=n0,hostfwd=tcp::8080-:80,hostfwd=tcp::8443-:443"
    drives = words.index("-drive")
    assert words[drives:drives + 8] == [
        "-drive", "if=none,id=d0,format=raw,file=/a.raw", "-device", "virtio-blk-device,drive=d0",
        "-drive", "if=none,id=d1,format=raw,file=b.raw", "-device", "virtio-blk-device,drive=d1"]
    bare = subprocess.run(["/bin/sh", folder / "canopy.sh"], capture_output=True, text=True,
                          env={"PATH": fake.parent.parent / "none"})
    assert bare.returncode != 0


@pytest.mark.skipif(not os.access("/dev/kvm", os.W_OK), reason="takes /dev/kvm")
@pytest.mark.parametrize("firmware, chosen", [
    # KVM that is as good as QEMU's own translation is good enough.
    ('shift 4; exec /usr/bin/qemu-system-x86_64 -machine microvm -accel tcg "$@"', "kvm"),
    ("exec sleep 0", "tcg"),
    ("while :; do :; done", "tcg"),
])
def test_the_script_looks_whether_kvm_helps(deploy, tmp_path, firmware, chosen):
    folder = deploy("--kvm")
    fake = tmp_path / "bin/qemu-system-x86_64"
    fake.parent.mkdir()
    fake.write_text(f"""#!/bin/sh
case "$*" in *-bios*) [ "$4" = kvm ] && set -- "$@" -cpu max && {firmware} ;; esac
printf '%s\\n' "$@"
""")
    fake.chmod(0o755)
    said = subprocess.run([folder / "canopy.sh"], check=True, capture_output=True, text=True,
                          env={"PATH": f"{fake.parent}:/usr/bin:/bin", "TMPDIR": str(tmp_path)})
    words = said.stdout.splitlines()
    assert words[words.index("-accel") + 1] == chosen
    assert said.stderr.count("\n") == ("translates" in said.stderr) == (chosen == "tcg")
    assert not list(tmp_path.glob("tmp.*"))


# --- ringlet run, as far as there is no machine ---


@pytest.fixture
def run(tmp_path):
    """run(OPTION...) of the echo, built for kvm: (status, output, errors)."""
    if SANITIZED:
        pytest.skip("there are no images for ring 0 in this build")
    (tmp_path / ".ringlet").mkdir()
    (tmp_path / ".ringlet/target").write_text("kvm")
    (tmp_path / "dist").mkdir()
    (tmp_path / "dist/echo.kvm").symlink_to(BUILD / "echo/echo.kvm")

    def start(*arguments, **variables):
        return tool("run", *arguments, RINGLET_APP="echo", RINGLET_APP_DIR=str(tmp_path), **variables)
    return start


def printed(run, *arguments):
    status, output, errors = run("--print", "--accel", "tcg", *arguments)
    assert (status, errors) == (0, "")
    words = shlex.split(output)
    return words, dict(zip(words, words[1:]))


def test_options_of_run(run, tmp_path):
    a, b = free_port(), free_port()
    words, after = printed(run, "-p", f"{a}:7", "-p", f"127.0.0.1:{b}:9/udp", "-m", "1G", "--machine", "q35",
                           "--port", "8", "-p", "9")
    assert after["-netdev"] == f"user,id=n0,hostfwd=tcp::{a}-:7,hostfwd=udp:127.0.0.1:{b}-:9"
    assert (after["-m"], after["-machine"], after["-accel"]) == ("1024M", "q35", "tcg")
    assert after["-append"] == "--port 8 -p 9"
    assert after["-kernel"] == f"{tmp_path}/dist/echo.kvm"
    (tmp_path / ".ringlet/memory").write_text("77")
    assert printed(run, "--", "-p", "9")[1]["-append"] == "-p 9"
    assert printed(run)[1]["-m"] == "77M"
    drives = [tmp_path / "a,b.raw", tmp_path / "c.raw"]
    for drive in drives:
        drive.write_bytes(bytes(512))
    words, _ = printed(run, "--drive", drives[0], "--drive", drives[1], "--machine", "pc")
    assert [w for w in words if ",file=" in w] == [f"if=none,id=d0,format=raw,file={tmp_path}/a,,b.raw",
                                                  f"if=none,id=d1,format=raw,file={tmp_path}/c.raw"]
    assert words.index("virtio-blk-pci,disable-legacy=on,drive=d0") < words.index(
        "virtio-blk-pci,disable-legacy=on,drive=d1")
    assert printed(run, "--gdb")[1]["-gdb"] == "tcp:127.0.0.1:1234"
    assert printed(run, "--gdb", "99", "--x")[1]["-gdb"] == "tcp:127.0.0.1:99"


@pytest.mark.skipif(not PERMITTED, reason="takes root")
def test_taps_of_run(run):
    with Namespace() as home:
        home.tap("tap7")
        home.tap("tap8")
        with home.inside():
            words, after = printed(run, "--tap", "tap7", "--tap", "tap8")
            assert "there is no network device 'tap9'" in run("--tap", "tap9")[2]
    assert "tap,id=n0,ifname=tap7,script=no,downscript=no" in words
    assert "tap,id=n1,ifname=tap8,script=no,downscript=no" in words
    assert len(set(re.findall("mac=([0-9a-f:]+)", " ".join(words)))) == 2


@pytest.mark.parametrize("arguments, says", [
    (["-p", "80"], "'80' is not of the form HOST:GUEST"),
    (["-p", "0:80"], "HOST:GUEST"),
    (["-p", "a:80"], "HOST:GUEST"),
    (["-p", "1:2:3:4"], "HOST:GUEST"),
    (["-p", "nowhere:7000:80"], "'nowhere' is not an IPv4 address"),
    (["-p"], "-p needs a value"),
    (["-m", "3"], "'3' is not a number of MiB"),
    (["--machine", "moon"], "'moon' is not microvm, pc or q35"),
    (["--accel", "steam"], "'steam' is not auto, kvm or tcg"),
    (["--gdb=0"], "'0' is not a port"),
    (["--tap", "no/where"], "no network device 'no/where'"),
    (["--drive", "/no/where"], "--drive: /no/where: No such file"),
    (["--", *["--port=7"] * 65], "64 words"),
])
def test_wrong_options_of_run(run, arguments, says):
    status, output, errors = run(*arguments)
    assert status in (1, 2) and output == ""
    assert errors.startswith("ringlet: ") and says in errors and errors.count("\n") == 1


def test_a_port_that_is_taken(run):
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        status, _, errors = run("-p", f"127.0.0.1:{port}:7")
    assert (status, errors) == (1, f"ringlet: -p: port {port} of this machine is in use already\n")


def test_without_qemu(run, tmp_path):
    status, _, errors = run("--accel", "tcg", PATH=str(tmp_path))
    assert status == 1 and "qemu-system-x86_64 is not installed" in errors and "apt install" in errors


def test_an_image_for_xen_is_not_run_here(run, tmp_path):
    (tmp_path / ".ringlet/target").write_text("xen")
    status, output, errors = run()
    assert (status, output) == (1, "") and "xl create" in errors
    (tmp_path / ".ringlet/target").write_text("moon")
    status, output, errors = run()
    assert (status, output) == (1, "") and "configure anew" in errors


def test_help_of_run(run):
    status, output, errors = run("--help")
    assert (status, errors) == (0, "")
    for word in ("-p [ADDRESS:]HOST:GUEST", "--tap", "--machine", "--gdb", "Ctrl-C", "--port"):
        assert word in output


def test_kvm_that_does_not_help(run):
    """Said in words that name the device, wherever it is of no use."""
    status, _, errors = run("--print", "--accel", "kvm")
    assert status == 0 or re.match(r"ringlet: --accel kvm: /dev/kvm \w+", errors)
    if not os.path.exists("/dev/kvm"):
        assert status == 1
