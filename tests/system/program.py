"""A running canopy: started with arguments, asked over HTTP, ended with a look at how it ended."""
import hashlib
import os
import re
import shutil
import signal
import socket
import ssl
import subprocess
import time

import client
from support import BUILD, SLOWER, accepts, free_port, wait

PLAIN = BUILD / "plain" / "canopy"
TOOL = BUILD / "tool" / "canopy" / "ringlet"
STOP_SECONDS = 6 * SLOWER
SANITIZER = re.compile(r"AddressSanitizer|LeakSanitizer|UndefinedBehavior|runtime error:|panic")


class Canopy:
    def __init__(self, folder, arguments, program=PLAIN, port=None):
        """port: where it was told otherwise to listen; without one it is given a free one."""
        self.port = port or free_port()
        self.command = [str(program), *map(str, arguments)]
        if port is None:
            self.command += ["--port", str(self.port)]
        self.log_path = folder / f"canopy-{self.port}.log"
        self.process = None

    # --- the process -----------------------------------------------------------------------------

    def start(self):
        with open(self.log_path, "ab") as log:
            self.process = subprocess.Popen(self.command, stdin=subprocess.DEVNULL, stdout=log,
                                            stderr=log, start_new_session=True)
        return self

    def ended(self):
        return self.process.poll() is not None

    def wait_listening(self):
        wait(lambda: accepts(self.port) or self.ended(), f"{self.command} to listen")
        assert not self.ended(), f"ended with {self.process.returncode}:\n{self.log}"
        return self

    def wait_content(self, seconds=60):
        wait(lambda: self.ended() or "commit" in self.status(), f"content\n{self.log}", seconds)
        assert not self.ended(), f"ended with {self.process.returncode}:\n{self.log}"
        return self

    def wait_ended(self, seconds=20):
        """The exit status of a program that ends by itself."""
        return self.process.wait(seconds * SLOWER)

    def stop(self):
        """Asks it to end, and looks whether it does so in time, with status 0 and no complaint."""
        if self.process is None:
            return
        process, self.process = self.process, None
        began = time.monotonic()
        if process.poll() is None:
            process.send_signal(signal.SIGTERM)
            try:
                process.wait(STOP_SECONDS + 20)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
                raise AssertionError(f"does not end when asked to:\n{self.log}") from None
        took = time.monotonic() - began
        complaint = SANITIZER.search(self.log)
        assert not complaint, f"{complaint[0]}:\n{self.log[complaint.start():][:8000]}"
        assert process.returncode == 0, f"status {process.returncode}:\n{self.log}"
        assert took < STOP_SECONDS, f"took {took:.1f} s to end:\n{self.log}"

    def kill(self):
        if self.process and self.process.poll() is None:
            self.process.kill()
            self.process.wait()
        self.process = None

    @property
    def base(self):
        return f"http://127.0.0.1:{self.port}"

    # --- what it says ----------------------------------------------------------------------------

    @property
    def log(self):
        return self.log_path.read_text(errors="backslashreplace")

    def lines(self):
        return self.log.splitlines()

    def wait_line(self, pattern, seconds=20, count=1):
        """Waits until so many log lines match; returns the last of them."""
        found = []

        def look():
            found[:] = [line for line in self.lines() if re.search(pattern, line)]
            return len(found) >= count
        wait(look, f"a line {pattern!r} in the log", seconds)
        return found[-1]

    def request(self, method, target, fields=None, body=b"", **options):
        return client.request(self.port, method, target, fields, body, **options)

    def get(self, target, fields=None, **options):
        return self.request("GET", target, fields, **options)

    def connect(self, **options):
        return client.Connection(self.port, **options)

    def push(self, fields=None, body=b"", path="/push"):
        return self.request("POST", path, fields, body)

    def status(self):
        """What /status says: {name: value}; mend holds a list."""
        answer = self.get("/status")
        assert answer.status == 200, answer
        table = {"mend": []}
        for line in answer.text.splitlines():
            name, separator, value = line.partition(": ")
            assert separator, line
            if name == "mend":
                table["mend"].append(value)
            else:
                table[name] = value
        return table

    def worked(self):
        """The seconds that the host's cores have spent on it."""
        fields = open(f"/proc/{self.process.pid}/stat").read().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def memory(self):
        """Resident and peak kilobytes, as the host sees them."""
        text = open(f"/proc/{self.process.pid}/status").read()
        return {k: int(v) for k, v in re.findall(r"^(VmRSS|VmHWM):\s+(\d+)", text, re.M)}


class SecureCanopy(Canopy):
    """A canopy that serves HTTPS with keys of a folder; requests go there, and trust `authority`."""

    def __init__(self, folder, arguments, keys, authority, program=PLAIN, tls_port=None):
        image = folder / f"image-{free_port()}"
        shutil.copy(program, image)
        put_keys(image, keys)
        super().__init__(folder, arguments, image)
        self.image = image
        self.tls_port = tls_port or free_port()
        self.command += ["--tls", str(self.tls_port)]
        self.authority = folder / "authority.pem"
        self.authority.write_bytes(authority)
        self.context = ssl.create_default_context(cafile=self.authority)
        self.context.verify_flags &= ~ssl.VERIFY_X509_STRICT  # the tests' certificates are plain ones

    @property
    def base(self):
        return f"https://localhost:{self.tls_port}"

    def renew(self, keys):
        """Other certificates in the image's file, and the program is told to look."""
        put_keys(self.image, keys)
        self.process.send_signal(signal.SIGHUP)

    def wait_listening(self):
        wait(lambda: accepts(self.tls_port) or self.ended(), f"{self.command} to listen")
        return super().wait_listening()

    def request(self, method, target, fields=None, body=b"", **options):
        return client.request(self.tls_port, method, target, fields, body,
                              **{"context": self.context, **options})

    def plain(self, method, target, fields=None, body=b"", **options):
        """The same without TLS."""
        return client.request(self.port, method, target, fields, body, **options)

    def connect(self, **options):
        return client.Connection(self.tls_port, **{"context": self.context, **options})

    def certificate(self, name="localhost"):
        """What is shown to a client that asks for this name: the SHA-256 of its DER."""
        trusting = ssl._create_unverified_context()
        with socket.create_connection(("127.0.0.1", self.tls_port), timeout=20) as plain:
            with trusting.wrap_socket(plain, server_hostname=name) as secure:
                return hashlib.sha256(secure.getpeercert(True)).hexdigest()


def put_keys(image, folder):
    done = subprocess.run([str(TOOL), "keys", str(image), str(folder)], capture_output=True,
                          text=True, timeout=60 * SLOWER)
    assert done.returncode == 0, done.stderr


def run(arguments, program=PLAIN, seconds=30, **options):
    """A program that is to end by itself: (status, standard output, standard error)."""
    done = subprocess.run([str(program), *map(str, arguments)], capture_output=True,
                          timeout=seconds * SLOWER, text=True, env={**os.environ}, **options)
    complaint = SANITIZER.search(done.stdout + done.stderr)
    assert not complaint, done.stdout + done.stderr
    return done.returncode, done.stdout, done.stderr
