"""Third-party sources: fetched, verified, built once into a cache; nothing is fetched twice."""
import os
import shutil
import subprocess
from pathlib import Path

import pytest

from support import ROOT

CACHE = Path(os.environ.get("RINGLET_CACHE") or
             Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "ringlet")
NAME, TARBALL = "media-types", "mime-db-1.54.0.tgz"  # small, and data only


@pytest.fixture
def cache(tmp_path):
    """A cache of the test's own, and a registry's client that puts there what the test wants."""
    recipe = (ROOT / "deps" / NAME / "recipe").read_text()
    assert f"file={TARBALL}" in recipe
    if not (CACHE / "tarballs" / TARBALL).exists():
        pytest.skip("the sources came from elsewhere")
    (tmp_path / "bin").mkdir()
    client = tmp_path / "bin" / "npm"
    client.write_text(f'#!/bin/sh\n[ -f "{tmp_path}/offer" ] || exit 1\n'
                      f'echo asked >>"{tmp_path}/asked"\ncp "{tmp_path}/offer" {TARBALL}\n')
    client.chmod(0o755)
    return tmp_path


def get(cache):
    done = subprocess.run([str(ROOT / "deps/get"), NAME], capture_output=True, text=True, timeout=120,
                          env={**os.environ, "RINGLET_CACHE": str(cache / "cache"),
                               "PATH": f"{cache}/bin:{os.environ['PATH']}"})
    return done.returncode, done.stdout.strip(), done.stderr


def made(cache):
    built = cache / "cache" / "built"
    return [p for p in built.iterdir() if p.is_dir()] if built.exists() else []


def good():
    return (CACHE / "tarballs" / TARBALL).read_bytes()


def test_what_is_fetched_is_built_once(cache):
    (cache / "offer").write_bytes(good())
    status, place, _ = get(cache)
    assert status == 0 and Path(place, "share/mime.types").stat().st_size > 10000
    (cache / "offer").unlink()  # from now on there is no network
    assert get(cache) == (0, place, "")
    shutil.rmtree(place)
    assert get(cache)[:2] == (0, place)
    assert (cache / "asked").read_text() == "asked\n"


@pytest.mark.parametrize("at", [0, 1000, -1])
def test_what_is_not_what_the_recipe_names_is_refused(cache, at):
    damaged = bytearray(good())
    damaged[at] ^= 1
    (cache / "offer").write_bytes(damaged)
    status, output, errors = get(cache)
    assert (status, output) == (1, "") and "sha256" in errors and TARBALL in errors
    assert made(cache) == [] and not (cache / "cache" / "tarballs" / TARBALL).exists()


def test_a_kept_source_that_is_damaged_is_fetched_again(cache):
    tarball = cache / "cache" / "tarballs" / TARBALL
    tarball.parent.mkdir(parents=True)
    tarball.write_bytes(good()[:-1])
    status, _, errors = get(cache)
    assert status == 1 and "damaged" in errors and made(cache) == []
    (cache / "offer").write_bytes(good())
    assert get(cache)[0] == 0 and tarball.read_bytes() == good()


def test_without_a_network_it_says_what_to_do(cache):
    status, _, errors = get(cache)
    assert status == 1 and "npm could not fetch" in errors and "check the network" in errors


# --- whole systems (deps/root) ---


def root(tmp_path, name, apt="exit 1"):
    (tmp_path / "bin").mkdir(exist_ok=True)
    (tmp_path / "bin/apt-get").write_text(f"#!/bin/sh\n{apt}\n")
    (tmp_path / "bin/apt-get").chmod(0o755)
    done = subprocess.run([str(ROOT / "deps/root"), name], capture_output=True, text=True, timeout=120,
                          env={**os.environ, "RINGLET_CACHE": str(tmp_path / "cache"),
                               "PATH": f"{tmp_path}/bin:{os.environ['PATH']}"})
    kept = list((tmp_path / "cache/roots").glob("*/")) if (tmp_path / "cache").exists() else []
    assert done.returncode != 0 and done.stdout == "" and kept == []
    return done.stderr


def test_a_root_that_there_is_not(tmp_path):
    assert "no root 'castle'; there are: lab" in root(tmp_path, "castle")


def test_a_root_without_a_mirror(tmp_path):
    assert "names no Debian mirror" in root(tmp_path, "lab")


def test_a_root_whose_mirror_does_not_answer(tmp_path):
    said = root(tmp_path, "lab", apt="case $* in *print-uris*) "
                "echo \"'http://127.0.0.1:9/debian/dists/stable/InRelease' x 0\" ;; *) "
                "echo 'E: Failed to fetch it: Connection refused'; exit 100 ;; esac")
    assert "Connection refused" in said and "check the network and run this again" in said
