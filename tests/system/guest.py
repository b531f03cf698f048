"""A canopy without an operating system, in a machine of QEMU that translates (TCG): started by `ringlet
run`, or by the script that configure writes beside an image. Stopped by its power button."""
import json
import os
import signal
import socket
import ssl
import subprocess

import client
from images import APP, clean_environment
from lab import OURS
from program import TOOL, Canopy
from support import ROOT, free_port, wait

BOOT_SECONDS = 60  # of a busy machine


class Guest(Canopy):
    """Behind QEMU's own network: `port` and `tls_port` of this machine lead to 80 and 443 of the guest.
    With taps it is reached at `host` from inside of the namespace `home` instead."""

    def __init__(self, folder, arguments, image, machine="microvm", memory=64, taps=(), home=None, host=OURS,
                 secure=True, trusted=None):
        self.folder, self.image, self.home, self.secure = folder, image, home, secure
        self.host = host if home else "127.0.0.1"
        self.port, self.tls_port = (80, 443) if home else (free_port(), free_port())
        self.command = [str(TOOL), "run", "--accel", "tcg", "-m", str(memory), "--machine", machine,
                        *(word for tap in taps for word in ("--tap", tap))]
        if not home:
            self.command += ["-p", f"127.0.0.1:{self.port}:80", "-p", f"127.0.0.1:{self.tls_port}:443"]
        self.command += ["--", *map(str, arguments)]
        self.log_path = folder / f"guest-{free_port()}.log"
        self.process = None
        self.context = ssl.create_default_context(cafile=trusted)
        self.context.check_hostname = False
        self.context.verify_flags &= ~ssl.VERIFY_X509_STRICT

    @property
    def base(self):
        return f"https://localhost:{self.tls_port}" if self.secure else f"http://localhost:{self.port}"

    def environment(self):
        """`ringlet run` finds the image where a program's folder has it."""
        app = self.folder / f"app-{self.log_path.stem}"
        (app / ".ringlet").mkdir(parents=True)
        (app / ".ringlet/target").write_text("kvm")
        (app / "dist").mkdir()
        (app / "dist/canopy.kvm").symlink_to(self.image)
        return clean_environment(RINGLET_ROOT=str(ROOT), RINGLET_APP="canopy", RINGLET_APP_DIR=str(app))

    def start(self):
        with open(self.log_path, "ab") as log:
            options = {"stdin": subprocess.DEVNULL, "stdout": log, "stderr": log, "start_new_session": True,
                       "env": self.environment()}
            if self.home:
                with self.home.inside():
                    self.process = subprocess.Popen(self.command, **options)
            else:
                self.process = subprocess.Popen(self.command, **options)
        return self

    def wait_listening(self):
        """QEMU's forwarding accepts at once, whether or not there is a guest."""
        self.wait_line(r"net: address \d", BOOT_SECONDS)
        return self

    def wait_content(self, seconds=BOOT_SECONDS):
        self.wait_line(r"content: at commit", seconds)
        return self

    def request(self, method, target, fields=None, body=b"", **options):
        if self.secure:
            options = {"context": self.context, **options}
        return self.at(self.tls_port if self.secure else self.port, method, target, fields, body, **options)

    def plain(self, method, target, fields=None, body=b"", **options):
        return self.at(self.port, method, target, fields, body, **options)

    def at(self, port, *arguments, **options):
        options = {"host": self.host, **options}
        if not self.home:
            return client.request(port, *arguments, **options)
        with self.home.inside():
            return client.request(port, *arguments, **options)

    def wait_ended(self, seconds=BOOT_SECONDS):
        """A machine that ends by itself: the status of the command that started it."""
        process, self.process = self.process, None
        return process.wait(seconds)


class Scripted(Guest):
    """Started by the script beside the image, which leaves a control socket to talk to QEMU itself."""

    def start(self):
        self.control = self.folder / "qmp"
        variables = {"ACCEL": "tcg", "QMP": str(self.control), "TAP": "tap0", "MACHINE": "q35", "MEMORY": "64",
                     "PATH": os.environ["PATH"]}
        arguments = self.command[self.command.index("--") + 1:]
        with open(self.log_path, "ab") as log, self.home.inside():
            self.process = subprocess.Popen([self.image.with_suffix(".sh"), *arguments], stdin=subprocess.DEVNULL,
                                            stdout=log, stderr=log, start_new_session=True, env=variables)
        return self

    def tell(self, command, **arguments):
        wait(self.control.exists, "QEMU's control socket")
        with socket.socket(socket.AF_UNIX) as s, s.makefile("rw") as lines:
            s.connect(str(self.control))
            lines.readline()
            for execute in ({"execute": "qmp_capabilities"}, {"execute": command, "arguments": arguments}):
                lines.write(json.dumps(execute) + "\n")
                lines.flush()
                while "event" in (answer := json.loads(lines.readline())):
                    pass
                assert "return" in answer, answer

    def stop(self):
        if self.process is None:
            return
        self.tell("system_powerdown")
        self.ended() or self.process.wait(20)
        process, self.process = self.process, None
        assert process.returncode == 0, self.log
        assert "canopy: stopping" in self.log


def interrupt(guest):
    guest.process.send_signal(signal.SIGINT)


__all__ = ["APP", "Guest", "Scripted", "interrupt"]
