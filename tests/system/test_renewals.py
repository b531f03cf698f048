"""Certificates that change while a site is served: in the image, and by the repository."""
import re

import pytest

import certs
from sites import small
from support import wait


@pytest.fixture
def site(git_remote, secure):
    return secure("-r", git_remote.create("s", small()).url)


def renewed(authority, key, *names, **options):
    return authority.issue(list(names), key, **options)[1]


def wait_for_certificate(site, certificate, name="localhost"):
    wait(lambda: site.certificate(name) == certs.fingerprint(certificate), "the new certificate")


def test_a_certificate_renewed_in_the_image(git_remote, secure, authority, tmp_path):
    key, first = authority.issue(["localhost"], days=40)
    site = secure("-r", git_remote.create("s", small()).url, pairs={"server": (key, first)})
    second = renewed(authority, key, "localhost", days=80.5)
    with site.connect() as old:
        assert old.request("GET", "/About").status == 200
        certs.write_pair(tmp_path / "tls", "server", key, second)
        site.renew(tmp_path / "tls")
        wait_for_certificate(site, second)
        assert old.request("GET", "/About").status == 200  # goes on with what it has
    assert site.get("/About").status == 200
    assert " 80 days left" in site.status()["certificate server"]
    site.wait_line("new certificates are in use")


def test_a_new_key_needs_a_new_start(git_remote, secure, authority, tmp_path):
    key, first = authority.issue(["localhost"])
    site = secure("-r", git_remote.create("s", small()).url, pairs={"server": (key, first)})
    certs.write_pair(tmp_path / "tls", "server", *authority.issue(["localhost"]))
    site.renew(tmp_path / "tls")
    line = site.wait_line("new certificates are refused")
    assert "server" in line and "key" in line
    assert site.certificate() == certs.fingerprint(first)
    third = renewed(authority, key, "localhost", days=99)
    certs.write_pair(tmp_path / "tls", "server", key, third)
    site.renew(tmp_path / "tls")
    wait_for_certificate(site, third)


def test_an_image_that_is_gone(site):
    kept = site.certificate()
    site.image.unlink()
    site.process.send_signal(1)
    site.wait_line("image: cannot read")
    site.image.write_bytes(b"\x7fELF nonsense")
    site.process.send_signal(1)
    site.wait_line("is not an image")
    assert site.certificate() == kept and site.get("/About").status == 200


def test_certificates_in_the_repository(git_remote, secure, authority):
    key, first = authority.issue(["localhost"], days=20)
    other, second = authority.issue(["a.example"], kind="p384")
    repository = git_remote.create("s", small())
    site = secure("-r", repository.url, pairs={"server": (key, first), "a.example": (other, second)})
    third = renewed(authority, key, "localhost", days=80)
    where = ".config/tls/server.pem"
    repository.publish({where: certs.pem_of(third)})
    with site.connect() as old:
        assert site.push().status == 200
        assert old.request("GET", "/About").status == 200
    assert site.certificate() == certs.fingerprint(third)
    assert site.certificate("a.example") == certs.fingerprint(second)
    for target in ("/" + where, "/.config/tls", "/.config"):
        assert site.get(target).status == 404
    # An older one does not take the place of a newer one; a name of its own may be added.
    fourth = renewed(authority, other, "b.example")
    repository.publish({where: certs.pem_of(renewed(authority, key, "localhost", days=10)),
                        ".config/tls/b.example.pem": certs.pem_of(fourth)})
    assert site.push().status == 200
    assert site.certificate() == certs.fingerprint(first)
    assert site.certificate("b.example") == certs.fingerprint(fourth)
    repository.publish({where: None, ".config/tls/b.example.pem": None})
    assert site.push().status == 200
    assert site.certificate("b.example") == certs.fingerprint(first)


def test_certificates_in_the_repository_that_are_refused(git_remote, secure, authority):
    key, first = authority.issue(["localhost"], days=20)
    repository = git_remote.create("s", small(**{".config/root": "https://localhost"}))
    site = secure("-r", repository.url, pairs={"server": (key, first)})
    middle = authority.below("Middle")
    stranger = authority.issue(["localhost"], days=300)[1]
    chained = middle.issue(["localhost"], key, days=300)[1]
    for pem, words in ((certs.pem_of(stranger), "a key that this image does not have"),
                       (certs.pem_of(chained, authority.certificate), "out of order"),
                       (certs.pem_of_key(key), "something else"), (b"nonsense", "no certificate"),
                       (certs.pem_of(chained)[:-50], "well-formed")):
        repository.publish({".config/tls/server.pem": pem})
        answer = site.push()
        assert answer.status == 200 and words in answer.text
        assert any(words in line for line in site.status()["mend"]), (words, site.status()["mend"])
        assert site.certificate() == certs.fingerprint(first)
    pem = certs.pem_of(chained, middle.certificate)
    repository.publish({".config/tls/server.pem": pem, ".config/tls/server.key": certs.pem_of_key(key)})
    assert ".config/tls/server.key is ignored" in site.push().text
    repository.publish({".config/tls/server.key": None})
    assert site.push().status == 200
    assert site.status()["mend"] == []
    assert site.certificate() == certs.fingerprint(chained)


def test_no_certificate_for_the_root(git_remote, secure, authority):
    repository = git_remote.create("s", small())  # https://small.example
    key, first = authority.issue(["localhost"])
    site = secure("-r", repository.url, pairs={"server": (key, first)})
    line = "no certificate is for small.example, which the content names in .config/root"
    assert site.status()["mend"] == [line]
    assert site.log.count(line) == 1
    both = renewed(authority, key, "localhost", "small.example", days=99)
    repository.publish({".config/tls/server.pem": certs.pem_of(both)})
    assert site.push().status == 200
    assert site.status()["mend"] == [] and site.log.count(line) == 1


def test_days_left_are_said(git_remote, secure, authority):
    site = secure("-r", git_remote.create("s", small()).url,
                  pairs={"server": authority.issue(["localhost"], days=30),
                         "a.example": authority.issue(["a.example"], days=60)})
    line = site.wait_line("warning .*certificate server .*CN=localhost.* days left")
    assert re.search(r"(29|30) days left", line)
    assert "a.example" not in site.log
