"""An Atom feed: validated against what RFC 4287 says, and read."""
import subprocess
import xml.etree.ElementTree as xml
from datetime import datetime
from pathlib import Path

ATOM = "{http://www.w3.org/2005/Atom}"
SCHEMA = Path(__file__).parent / "atom.rng"


def seconds(text):
    return int(datetime.fromisoformat(text.replace("Z", "+00:00")).timestamp())


class Feed:
    def __init__(self, body):
        done = subprocess.run(["xmllint", "--noout", "--nonet", "--relaxng", str(SCHEMA), "-"],
                              input=body, capture_output=True, timeout=60)
        assert done.returncode == 0, done.stderr.decode()
        self.root = xml.fromstring(body)
        self.entries = [Entry(e) for e in self.root.findall(ATOM + "entry")]
        ids = [e.id for e in self.entries]
        assert len(set(ids)) == len(ids)

    def text(self, name):
        return self.root.findtext(ATOM + name)

    def link(self, rel):
        found = [e.get("href") for e in self.root.findall(ATOM + "link") if e.get("rel") == rel]
        assert len(found) == 1, found
        return found[0]


class Entry:
    def __init__(self, element):
        self.element = element
        self.id = element.findtext(ATOM + "id")
        self.title = element.findtext(ATOM + "title")
        self.published = seconds(element.findtext(ATOM + "published"))
        self.updated = seconds(element.findtext(ATOM + "updated"))
        self.link = [e.get("href") for e in element.findall(ATOM + "link")
                     if e.get("rel", "alternate") == "alternate"][0]
        self.tags = [e.get("term") for e in element.findall(ATOM + "category")]
        self.author = element.findtext(f"{ATOM}author/{ATOM}name")
        self.content = element.findtext(ATOM + "content")
