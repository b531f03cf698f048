"""docs/developing.md tells how to write a program: the one it shows is built and run as it stands."""

import os
import re
import shutil
import subprocess
import urllib.request

import pytest

from support import ROOT, free_port, wait

APP = ROOT / "apps" / "greet"


def shown_files():
    """The indented blocks of the manual, by the file that the line before them names."""
    text = (ROOT / "docs" / "developing.md").read_text()
    files = {}
    for name, block in re.findall(r"^`((?:tests/)?apps/greet/[\w.]+)`[^\n]*:\n\n((?:    [^\n]*\n|\n)+)", text, re.M):
        files[name] = re.sub(r"^    ", "", block, flags=re.M).rstrip("\n") + "\n"
    return files


@pytest.fixture
def greet():
    files = shown_files()
    assert sorted(files) == [f"apps/greet/{name}" for name in ("Makefile", "app.mk", "greet.c", "settings.c")] + \
        ["tests/apps/greet/greet_test.c"]
    folders = [APP, ROOT / "tests/apps/greet"]
    for folder in folders:
        assert not folder.exists(), f"{folder} is in the way"
        folder.mkdir()
    try:
        for name, content in files.items():
            (ROOT / name).write_text(content)
        yield APP
    finally:
        for folder in folders:
            shutil.rmtree(folder)
        for name in ("apps/greet", "tests/apps/greet", "ring0/apps/greet", "tool/greet"):
            shutil.rmtree(ROOT / "build" / name, ignore_errors=True)


def says_good_morning(command, port):
    """Starts the program, asks it, ends it as an operator does."""
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        answer = wait(lambda: ask(port), f"{command} to answer", 60)
        assert answer == b"good morning"
    finally:
        process.terminate()
        assert process.wait(timeout=20) == 0


def ask(port):
    try:
        return urllib.request.urlopen(f"http://127.0.0.1:{port}/", timeout=10).read()
    except OSError:
        return None


def test_the_program_of_the_manual_works(greet):
    env = {k: v for k, v in os.environ.items() if not k.startswith(("MAKE", "MFLAGS", "RINGLET", "SANITIZE", "BUILD"))}

    def do(*command):
        return subprocess.run(command, cwd=greet, env=env, check=True, timeout=300, capture_output=True, text=True).stdout

    port = free_port()
    do("../../ringlet", "configure", "--no-depend", "--unix", "--text", "good morning", "--port", str(port))
    do("make")
    says_good_morning([greet / "dist" / "greet"], port)
    do("../../ringlet", "configure", "--no-depend", "--target", "kvm", "--text", "good morning")
    do("make")
    says_good_morning([ROOT / "ringlet", "run", "--no-depend", "-C", greet, "-p", f"{port}:8080"], port)
    described = do("../../ringlet", "describe", "--no-depend")
    assert "aws-lc" in described and "bootstrap" not in described and "md4c" not in described


def test_the_test_of_the_manual_passes(greet):
    env = {k: v for k, v in os.environ.items() if not k.startswith(("MAKE", "MFLAGS", "RINGLET", "SANITIZE", "BUILD"))}
    program = "build/tests/apps/greet/greet_test"
    subprocess.run(["make", "APP=greet", program], cwd=ROOT, env=env, check=True, timeout=600, capture_output=True)
    subprocess.run([ROOT / program], check=True, timeout=60, capture_output=True)


@pytest.mark.parametrize("wrong, why", [
    ("APP=nosuch", "'nosuch' is not a program: there is no apps/nosuch/*.c"),
    ("APP_LIBS=htpp", "'htpp' in APP_LIBS is not a library: atom"),
    ("APP_SIGNATURES=stac", "'stac' in APP_SIGNATURES is nothing that a program is given: block"),
    ("APP_SIGNATURES=clock", "apps/hello includes signatures/console.h: APP_SIGNATURES of its app.mk has to name it"),
    ("FUZZ=http", "'http' in FUZZ is not a target: acpi"),
    ("TARGET=vax", "'vax' is not a target: process kvm xen any"),
])
def test_make_says_what_it_does_not_know(wrong, why):
    done = subprocess.run(["make", "app", "APP=hello", wrong], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 2 and why in done.stderr
