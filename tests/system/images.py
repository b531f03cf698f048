"""Programs made by the ringlet command, with settings and content of a test's own."""
import os
import subprocess

from program import TOOL
from support import BUILD, ROOT, SANITIZED, SLOWER

APP = ROOT / "apps" / "canopy"


def clean_environment(**more):
    """Without what a make above us, or a git hook, has put there."""
    kept = {k: v for k, v in os.environ.items()
            if not k.startswith(("MAKE", "MFLAGS", "GIT_", "RINGLET"))}
    return {**kept, **more}


def tool(*arguments, cwd=ROOT, seconds=120, **variables):
    """The ringlet command itself, without its door: (status, output, errors). variables: more of
    its environment."""
    done = subprocess.run([str(TOOL), *map(str, arguments)], capture_output=True, text=True,
                          timeout=seconds * SLOWER, cwd=cwd, env=clean_environment(
                              **{"RINGLET_ROOT": str(ROOT), "RINGLET_APP": "canopy",
                                 "RINGLET_APP_DIR": str(APP), **variables}))
    for mark in ("AddressSanitizer", "LeakSanitizer", "runtime error:"):
        assert mark not in done.stderr, done.stderr
    return done.returncode, done.stdout, done.stderr


SUFFIX = {"kvm": ".kvm", "xen": ".xen", "any": ".elf"}


def build(config, into, app="canopy", **variables):
    """What `make` in apps/APP does, for a configuration and a destination of our own. variables:
    more of those of make."""
    target = (config / "target").read_text() if (config / "target").exists() else ""
    flavour = ["SANITIZE=1"] if SANITIZED else []
    folder = BUILD.relative_to(ROOT) if BUILD.is_relative_to(ROOT) else BUILD
    done = subprocess.run(["make", "--no-print-directory", "app", f"APP={app}", *flavour,
                           f"BUILD={folder}", f"CONFIG={config}", f"DIST={into}",
                           *(f"{name}={value}" for name, value in variables.items())],
                          cwd=ROOT, capture_output=True, text=True, timeout=300 * SLOWER,
                          env=clean_environment())
    assert done.returncode == 0, done.stdout + done.stderr
    return into / (app + SUFFIX.get(target, ""))


def configure(folder, *arguments):
    status, output, errors = tool("configure", "--to", folder, *arguments)
    assert status == 0, errors
    return output
