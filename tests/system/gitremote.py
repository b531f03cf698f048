"""Git repositories, and a stock `git daemon` on loopback that serves them."""
import os
import shutil
import signal
import subprocess
from pathlib import Path

from support import accepts, free_port, wait

EPOCH = 1700000000  # the first commit of a repository made here; each next one is a day later
DAY = 86400


def environment(home):
    """Git's environment: nothing of the machine's own configuration."""
    clean = {k: v for k, v in os.environ.items() if not k.startswith("GIT_")}
    return {**clean, "HOME": str(home), "GIT_CONFIG_NOSYSTEM": "1",
            "GIT_CONFIG_GLOBAL": os.devnull, "GIT_TERMINAL_PROMPT": "0", "LC_ALL": "C.UTF-8"}


class Repository:
    """A bare repository with a work tree beside it. commit() writes, push() makes it public."""

    def __init__(self, base, name, url, branch="main", kind="sha1"):
        self.name = name
        self.bare = Path(base) / name
        self.work = Path(base) / f".work-{name}"
        self.url = url
        self.branch = branch
        self.environment = environment(base)
        self.commits = 0
        self._kind = kind

    def create(self):
        for path, bare in ((self.bare, ["--bare"]), (self.work, [])):
            self.run("git", "init", "-q", *bare, "-b", self.branch,
                     f"--object-format={self._kind}", str(path))
        self._configure()
        return self

    def adopt(self, source):
        """Takes another repository's (or bundle's) content as it is."""
        self.run("git", "clone", "-q", "--bare", str(source), str(self.bare))
        self.run("git", "clone", "-q", str(self.bare), str(self.work))
        self.branch = self.git("symbolic-ref", "--short", "HEAD")
        self._configure(remote=False)
        return self

    def _configure(self, remote=True):
        # Packing in the background would outlive the test.
        for folder in (self.bare, self.work):
            for key, value in (("gc.auto", "0"), ("receive.autogc", "false"),
                               ("user.name", "Ann Author"), ("user.email", "ann@example.org"),
                               ("commit.gpgsign", "false"), ("core.quotepath", "false")):
                self.run("git", "-C", str(folder), "config", key, value)
        if remote:
            self.git("remote", "add", "origin", str(self.bare))

    def run(self, *command, **options):
        done = subprocess.run(command, env=self.environment, capture_output=True, timeout=120,
                              **options)
        assert done.returncode == 0, f"{command}: {done.stderr.decode(errors='replace')}"
        return done.stdout.decode(errors="surrogateescape").strip()

    def git(self, *arguments, **options):
        return self.run("git", "-C", str(self.work), *arguments, **options)

    def write(self, files):
        """{path: text, bytes, or None to delete}."""
        for path, content in files.items():
            at = self.work / path
            if content is None:
                at.unlink()
                continue
            at.parent.mkdir(parents=True, exist_ok=True)
            at.write_bytes(content.encode() if isinstance(content, str) else content)

    def commit(self, files=None, message="Change", when=None, amend=False, author_when=None):
        """Commits; returns the new id. Not public until push()."""
        self.write(files or {})
        when = EPOCH + self.commits * DAY if when is None else when
        self.commits += 1
        self.environment["GIT_COMMITTER_DATE"] = f"{when} +0000"
        self.environment["GIT_AUTHOR_DATE"] = f"{author_when or when} +0000"
        self.git("add", "-A", "-f", ".")
        again = ["--amend", "--reset-author"] if amend else []
        self.git("commit", "-q", "--allow-empty", "-m", message, *again)
        return self.head()

    def push(self, force=False, refspec=None):
        force = ["--force"] if force else []
        self.git("push", "-q", *force, "origin", refspec or f"HEAD:refs/heads/{self.branch}")

    def publish(self, files=None, **options):
        commit = self.commit(files, **options)
        self.push(force=options.get("amend", False))
        return commit

    def publish_fast(self, files, replace=False):
        """As publish(), for texts, without a work tree: one process. replace: the tip goes away."""
        when = EPOCH + self.commits * DAY
        self.commits += 1
        branch = f"refs/heads/{self.branch}"
        stream = [f"commit {branch}\ncommitter Ann Author <ann@example.org> {when} +0000\n"
                  f"data 6\nChange\nfrom {branch}{'~1' if replace else '^0'}\n"]
        for path, text in files.items():
            stream.append(f"M 100644 inline {path}\ndata {len(text.encode())}\n{text}\n")
        self.run("git", "-C", str(self.bare), "fast-import", "--quiet", "--force",
                 input="".join(stream).encode())

    def head(self):
        return self.git("rev-parse", "HEAD")

    def hide(self):
        """The remote is gone, until show()."""
        self.bare.rename(self.bare.with_name(f".hidden-{self.name}"))

    def show(self):
        self.bare.with_name(f".hidden-{self.name}").rename(self.bare)


class GitRemote:
    """A git daemon on a free port that serves every repository below its folder."""

    def __init__(self, base, host="127.0.0.1"):
        self.base = Path(base)
        self.host = host
        self.port = free_port()
        self.process = None

    def __enter__(self):
        self.start()
        return self

    def __exit__(self, *_):
        self.stop()

    def start(self):
        program = Path(subprocess.check_output(["git", "--exec-path"], text=True).strip())
        self.log = open(self.base / ".daemon.log", "ab")
        self.process = subprocess.Popen(
            [str(program / "git-daemon"), "--export-all", "--reuseaddr", "--verbose",
             f"--base-path={self.base}", f"--listen={self.host}", f"--port={self.port}",
             "--informative-errors", str(self.base)],
            env=environment(self.base), stdin=subprocess.DEVNULL, stdout=self.log,
            stderr=self.log, start_new_session=True)
        wait(lambda: accepts(self.port, self.host) or self.process.poll() is not None,
             "git daemon")
        assert self.process.poll() is None, (self.base / ".daemon.log").read_text()

    def stop(self):
        """The daemon and its children: they are a process group of their own."""
        if self.process and self.process.poll() is None:
            os.killpg(self.process.pid, signal.SIGTERM)
            self.process.wait(20)
        self.process = None
        self.log.close()

    def url(self, name):
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"git://{host}:{self.port}/{name}"

    def create(self, name, files=None, **options):
        """A new repository; with files, their first commit is public."""
        repository = Repository(self.base, name, self.url(name), **options).create()
        if files is not None:
            repository.publish(files, message="First")
        return repository

    def adopt(self, name, source):
        return Repository(self.base, name, self.url(name)).adopt(source)

    def remove(self, name):
        shutil.rmtree(self.base / name)
