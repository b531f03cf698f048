"""docs/developing.md tells how to write a program: the one it shows is built and run as it stands."""

import os
import re
import shutil
import subprocess
import time
import urllib.request

import pytest

from support import ROOT, free_port

APP = ROOT / "apps" / "greet"


def shown_files():
    """The indented blocks of the manual, by the file that the line before them names."""
    text = (ROOT / "docs" / "developing.md").read_text()
    files = {}
    for name, block in re.findall(r"^`apps/greet/([\w.]+)`[^\n]*:\n\n((?:    [^\n]*\n|\n)+)", text, re.M):
        files[name] = re.sub(r"^    ", "", block, flags=re.M).rstrip("\n") + "\n"
    return files


@pytest.fixture
def greet():
    files = shown_files()
    assert sorted(files) == ["Makefile", "app.mk", "greet.c", "settings.c"]
    assert not APP.exists(), "apps/greet is in the way"
    APP.mkdir()
    try:
        for name, content in files.items():
            (APP / name).write_text(content)
        yield APP
    finally:
        shutil.rmtree(APP)
        shutil.rmtree(ROOT / "build" / "apps" / "greet", ignore_errors=True)
        shutil.rmtree(ROOT / "build" / "tool" / "greet", ignore_errors=True)


def test_the_program_of_the_manual_works(greet):
    env = {k: v for k, v in os.environ.items() if not k.startswith(("MAKE", "MFLAGS", "RINGLET", "SANITIZE", "BUILD"))}
    port = free_port()
    subprocess.run(["../../ringlet", "configure", "--no-depend", "--unix", "--text", "good morning",
                    "--port", str(port)], cwd=greet, env=env, check=True, timeout=300)
    subprocess.run(["make"], cwd=greet, env=env, check=True, timeout=300)
    process = subprocess.Popen([greet / "dist" / "greet"], stdout=subprocess.DEVNULL)
    try:
        for _ in range(200):
            try:
                answer = urllib.request.urlopen(f"http://127.0.0.1:{port}/", timeout=10)
                break
            except OSError:
                time.sleep(0.05)
        assert answer.read() == b"good morning"
    finally:
        process.terminate()
        assert process.wait(timeout=20) == 0
