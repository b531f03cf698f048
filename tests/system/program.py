"""A running canopy: started with arguments, asked over HTTP, ended with a look at how it ended."""
import os
import re
import signal
import subprocess
import time

import client
from support import BUILD, SLOWER, accepts, free_port, wait

PLAIN = BUILD / "plain" / "canopy"
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

    def memory(self):
        """Resident and peak kilobytes, as the host sees them."""
        text = open(f"/proc/{self.process.pid}/status").read()
        return {k: int(v) for k, v in re.findall(r"^(VmRSS|VmHWM):\s+(\d+)", text, re.M)}


def run(arguments, program=PLAIN, seconds=30, **options):
    """A program that is to end by itself: (status, standard output, standard error)."""
    done = subprocess.run([str(program), *map(str, arguments)], capture_output=True,
                          timeout=seconds * SLOWER, text=True, env={**os.environ}, **options)
    complaint = SANITIZER.search(done.stdout + done.stderr)
    assert not complaint, done.stdout + done.stderr
    return done.returncode, done.stdout, done.stderr
