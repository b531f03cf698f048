"""The hook's secret: who may cause an update."""
import hashlib
import hmac

import pytest

from sites import article, small

SECRET = "it's a (s3cret) ü"
BODY = b'{"ref": "refs/heads/main", "text": "\xc3\xbc\\u0000"}'


def mac(body=BODY, secret=SECRET, kind=hashlib.sha256):
    return hmac.new(secret.encode(), body, kind).hexdigest()


@pytest.fixture
def site(git_remote, canopy):
    repository = git_remote.create("s", small())
    program = canopy("-r", repository.url, "--hook-secret", SECRET)
    repository.publish({"About": article("About", "Updated.")})
    return program


PROOFS = {
    "github": lambda: {"X-Hub-Signature-256": "sha256=" + mac()},
    "gitea": lambda: {"X-Gitea-Signature": mac()},
    "gitlab": lambda: {"X-Gitlab-Token": SECRET},
    "gitea, which sends github's as well": lambda: {
        "X-Gitea-Signature": mac(), "X-Hub-Signature-256": "sha256=" + mac()},
}


@pytest.mark.parametrize("name", PROOFS)
def test_a_proof_is_accepted(site, name):
    fields = {**PROOFS[name](), "Content-Type": "application/json"}
    with site.connect() as connection:
        head = "".join(f"{k}: {v}\r\n" for k, v in fields.items()).encode()
        connection.send(b"POST /push HTTP/1.1\r\nHost: x\r\n" + head
                        + b"Content-Length: %d\r\n\r\n" % len(BODY) + BODY)
        assert connection.response().status == 200
    assert "Updated." in site.get("/About").text


WRONG = {
    "none": {},
    "an empty signature": {"X-Hub-Signature-256": ""},
    "without its prefix": {"X-Hub-Signature-256": mac()},
    "with another prefix": {"X-Hub-Signature-256": "sha512=" + mac()},
    "of another body": {"X-Hub-Signature-256": "sha256=" + mac(BODY + b" ")},
    "with another secret": {"X-Hub-Signature-256": "sha256=" + mac(secret="other")},
    "cut": {"X-Hub-Signature-256": "sha256=" + mac()[:63]},
    "longer": {"X-Hub-Signature-256": "sha256=" + mac() + "0"},
    "sha1": {"X-Hub-Signature": "sha1=" + mac(kind=hashlib.sha1)},
    "sha1, said to be sha256": {"X-Hub-Signature-256": "sha256=" + mac(kind=hashlib.sha1)},
    "gitea, wrong": {"X-Gitea-Signature": mac(secret="")},
    "gitlab, wrong": {"X-Gitlab-Token": SECRET[:-1]},
    "gitlab, empty": {"X-Gitlab-Token": ""},
    "the secret in another field": {"Authorization": SECRET},
}


@pytest.mark.parametrize("name", WRONG)
def test_a_wrong_proof_is_refused(site, name):
    answer = site.push(WRONG[name], BODY)
    assert answer.status == 403
    assert "Updated." not in site.get("/About").text
    assert site.status()["updates"] == "1"


def test_the_secret_is_never_said(site):
    site.push({"X-Gitlab-Token": SECRET})
    site.push({"X-Gitlab-Token": "wrong"})
    seen = site.log + site.get("/status").text + site.get("/").text
    assert SECRET not in seen and "s3cret" not in seen


def test_a_body_without_a_secret_is_taken(git_remote, canopy):
    repository = git_remote.create("s", small())
    site = canopy("-r", repository.url)
    repository.publish({"About": article("About", "Updated.")})
    assert site.push(body=b"x" * (1 << 20)).status == 200
    assert "Updated." in site.get("/About").text


def test_a_body_beyond_the_limit_is_refused(git_remote, canopy):
    site = canopy("-r", git_remote.create("s", small()).url)
    with site.connect() as connection:
        connection.send(b"POST /push HTTP/1.1\r\nHost: x\r\nContent-Length: 8388609\r\n\r\n")
        assert connection.response().status == 413


def test_a_canopy_without_a_remote_has_no_hook(image, git_remote, canopy):
    repository = git_remote.create("s", small())
    site = canopy(program=image("--content", str(repository.bare)))
    assert site.push().status in (404, 405)
