"""Stock `git http-backend` behind nginx, over TLS: what most git hosts look like from outside."""
import os
import shutil
import signal
import subprocess
from pathlib import Path

import certs
from gitremote import Repository, environment
from support import accepts, free_port, wait

# {rules}: of the test. What they do not answer is git's.
CONFIGURATION = """
daemon off; master_process off; worker_processes 1; user root;
pid {base}/.nginx.pid; error_log {base}/.nginx.error info;
events {{ worker_connections 256; }}
http {{
  access_log {base}/.nginx.log;
  client_max_body_size 100m; large_client_header_buffers 4 16k;
  client_body_temp_path {base}/.t1; proxy_temp_path {base}/.t2; fastcgi_temp_path {base}/.t3;
  uwsgi_temp_path {base}/.t4; scgi_temp_path {base}/.t5;
  server {{
    listen {host}:{port} ssl;
    listen {host}:{plain_port};
    ssl_certificate {base}/.server.pem; ssl_certificate_key {base}/.server.key;
    ssl_protocols TLSv1.2 TLSv1.3;
    {rules}
    location / {{
      fastcgi_pass unix:{base}/.fcgi;
      fastcgi_param SCRIPT_FILENAME {backend};
      fastcgi_param GIT_PROJECT_ROOT {base};
      fastcgi_param GIT_HTTP_EXPORT_ALL 1;
      fastcgi_param GIT_PROTOCOL $http_git_protocol;
      fastcgi_param PATH_INFO $uri;
      fastcgi_param QUERY_STRING $query_string;
      fastcgi_param REQUEST_METHOD $request_method;
      fastcgi_param CONTENT_TYPE $content_type;
      fastcgi_param CONTENT_LENGTH $content_length;
      fastcgi_param REMOTE_ADDR $remote_addr;
      fastcgi_param HOME {base};
    }}
  }}
}}
"""


def find(program):
    found = shutil.which(program) or shutil.which(program, path="/usr/sbin:/sbin")
    assert found, f"{program} is not here: run deps/install test"
    return found


class GitNginx:
    """pair: (key, certificate...) that it shows. rules: nginx directives of the server."""

    def __init__(self, base, pair, rules="", host="127.0.0.1"):
        self.base, self.host = Path(base), host
        self.port, self.plain_port = free_port(), free_port()
        self.rules = rules
        self.show(pair)

    def show(self, pair):
        (self.base / ".server.key").write_bytes(certs.pem_of_key(pair[0]))
        (self.base / ".server.pem").write_bytes(certs.pem_of(*pair[1:]))

    def __enter__(self):
        backend = Path(subprocess.check_output(["git", "--exec-path"], text=True).strip())
        rules = self.rules.format(port=self.port, plain_port=self.plain_port)
        at = f"[{self.host}]" if ":" in self.host else self.host
        (self.base / ".nginx.conf").write_text(CONFIGURATION.format(
            base=self.base, host=at, port=self.port, plain_port=self.plain_port, rules=rules,
            backend=backend / "git-http-backend"))
        log = open(self.base / ".fcgi.log", "ab")
        self.wrap = subprocess.Popen([find("fcgiwrap"), "-f", "-s", f"unix:{self.base}/.fcgi"],
                                     env=environment(self.base), stdin=subprocess.DEVNULL,
                                     stdout=log, stderr=log, start_new_session=True)
        self.nginx = None
        self.start()
        return self

    def start(self):
        self.nginx = subprocess.Popen([find("nginx"), "-c", str(self.base / ".nginx.conf")],
                                      stdin=subprocess.DEVNULL,
                                      stderr=open(self.base / ".nginx.said", "ab"))
        wait(lambda: accepts(self.port, self.host) or self.nginx.poll() is not None, "nginx")
        assert self.nginx.poll() is None, (self.base / ".nginx.said").read_text()

    def stop(self):
        self.nginx.terminate()
        self.nginx.wait(20)

    def __exit__(self, *_):
        self.stop()
        os.killpg(self.wrap.pid, signal.SIGTERM)
        self.wrap.wait(20)

    def restart(self, pair):
        self.stop()
        self.show(pair)
        self.start()

    def url(self, name, host="localhost", person=""):
        return f"https://{person}{host}:{self.port}/{name}"

    def plain_url(self, name):
        return f"http://localhost:{self.plain_port}/{name}"

    def create(self, name, files=None, **options):
        repository = Repository(self.base, name, self.url(name), **options).create()
        repository.run("git", "-C", str(repository.bare), "config", "safe.directory", "*")
        if files is not None:
            repository.publish(files, message="First")
        return repository

    @property
    def log(self):
        return (self.base / ".nginx.log").read_text()
