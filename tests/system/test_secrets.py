"""What holds a secret is its owner's alone, from its first byte on: the image whose settings have one, and what it
is made of on the way. (Of private keys: test_keys.py.)"""
import os
import re
import shutil
import stat

import pytest

from images import build, configure, tool
from sites import article, small
from support import SANITIZED

SECRET = "pa55word"
TARGETS = ["process"] + ([] if SANITIZED else ["kvm", "xen", "any"])
# A setting that is a secret, one more, and a URL with one in it.
KINDS = {"process": ["--hook-secret", SECRET], "kvm": ["-r", "https://h/x", "--remote-token", SECRET],
         "xen": ["-r", f"https://ann:{SECRET}@h/x"], "any": ["--hook-secret", SECRET]}
# In the place of what writes files: which of them hold the secret when it has run, and its umask.
WATCH = """#!/bin/sh
PATH='{path}'
'{real}' "$@"
status=$?
grep -lars {secret} '{folder}' | xargs -r stat -c "$(umask) %a %n" >>'{log}'
exit $status
"""


def mode(path):
    return stat.S_IMODE(path.stat().st_mode)


@pytest.fixture
def umask():
    before = os.umask(0o022)
    yield
    os.umask(before)


@pytest.fixture
def watched(tmp_path, monkeypatch):
    """watched(): {name of a file with the secret: (umask of who made it, its mode, whenever it was looked at)}"""
    log = tmp_path / "log"
    (tmp_path / "bin").mkdir()
    for name in ("gcc", "ld", "objcopy"):
        script = tmp_path / "bin" / name
        script.write_text(WATCH.format(path=os.environ["PATH"], real=shutil.which(name), secret=SECRET,
                                       folder=tmp_path / "dist", log=log))
        script.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}/bin:{os.environ['PATH']}")

    def found():
        seen = {}
        for mask, is_, name in re.findall(r"^(\d+) (\d+) .*/(.*)$", log.read_text(), re.M):
            made_by, modes = seen.setdefault(name, (int(mask, 8), set()))
            modes.add(int(is_, 8))
        return seen
    return found


@pytest.mark.parametrize("target", TARGETS)
def test_an_image_with_a_secret_is_its_owners_alone(target, git_remote, tmp_path, umask, watched):
    content = git_remote.create("s", small()).bare
    configure(tmp_path / "c", "--target", target, "--content", content, *KINDS[target])
    image = build(tmp_path / "c", tmp_path / "dist")
    assert SECRET.encode() in image.read_bytes() and os.access(image, os.X_OK)
    assert mode(image) & 0o077 == 0
    seen = watched()
    assert {image.name, f".image-{target}.o", ".preparer", ".preparer.o"} <= set(seen)
    for name, (mask, modes) in seen.items():
        assert mask == 0o077 and all(m & 0o077 == 0 for m in modes), (name, oct(mask), modes)
    assert SECRET not in tool("describe", image)[1]


def test_one_without_is_everybodys(tmp_path, umask):
    """Whatever it was before; and who has the old one open, does not read the new one."""
    before = None
    for settings, others in (([], 0o055), (KINDS["process"], 0), ([], 0o055)):
        configure(tmp_path / "c", *settings)
        image = build(tmp_path / "c", tmp_path / "dist")
        assert mode(image) & 0o077 == others, settings
        if before:
            before.seek(0)
            assert SECRET.encode() not in before.read()
            before.close()
        before = open(image, "rb")
        if not others:
            before.close()
            before = None


def test_a_url_with_a_password_is_no_boot_argument(tmp_path):
    configure(tmp_path / "d", "--any", "--boot-args", "--port", "80", "-r", f"https://ann:{SECRET}@h/x")
    for path in tmp_path.glob("d/canopy.*"):
        assert SECRET not in path.read_text(), path
    assert "--port=80" in (tmp_path / "d/canopy.sh").read_text()
