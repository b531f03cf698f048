"""HTML as a test sees it: elements by class, links, text; and whether tags are balanced."""
from html.parser import HTMLParser

VOID = {"area", "base", "br", "col", "embed", "hr", "img", "input", "link", "meta", "source",
        "track", "wbr"}
OPTIONAL = {"p", "li", "dt", "dd", "tr", "td", "th", "tbody", "thead", "option"}


class Element:
    def __init__(self, tag, attributes, parent):
        self.tag = tag
        self.attributes = attributes
        self.parent = parent
        self.children = []  # elements and texts

    @property
    def classes(self):
        return (self.attributes.get("class") or "").split()

    @property
    def text(self):
        return "".join(c if isinstance(c, str) else c.text for c in self.children)

    def walk(self):
        for child in self.children:
            if not isinstance(child, str):
                yield child
                yield from child.walk()

    def find(self, tag=None, cls=None, **attributes):
        return [e for e in self.walk()
                if (tag is None or e.tag == tag) and (cls is None or cls in e.classes)
                and all(e.attributes.get(k) == v for k, v in attributes.items())]

    def one(self, *arguments, **named):
        found = self.find(*arguments, **named)
        assert len(found) == 1, f"{len(found)} elements {arguments} {named}"
        return found[0]

    def links(self):
        """Every URL that is referred to: [(attribute's element, URL)]."""
        return [(e.tag, e.attributes[a]) for e in self.walk()
                for a in ("href", "src") if a in e.attributes]


class Page(HTMLParser):
    """strict: unbalanced tags are a fault (raw HTML of authors need not be)."""

    def __init__(self, text, strict=True):
        super().__init__(convert_charrefs=True)
        self.root = Element("#root", {}, None)
        self.at = self.root
        self.strict = strict
        self.faults = []
        self.feed(text)
        self.close()
        if strict:
            assert not self.faults, self.faults
            assert self.at is self.root, f"<{self.at.tag}> is not closed"

    def handle_starttag(self, tag, attributes):
        names = [name for name, _ in attributes]
        if len(set(names)) != len(names):
            self.faults.append(f"<{tag}> has an attribute twice")
        element = Element(tag, {k: v or "" for k, v in attributes}, self.at)
        self.at.children.append(element)
        if tag not in VOID:
            self.at = element

    def handle_startendtag(self, tag, attributes):
        self.handle_starttag(tag, attributes)
        if tag not in VOID:
            self.handle_endtag(tag)

    def handle_endtag(self, tag):
        at = self.at
        while at is not self.root and at.tag != tag:
            if at.tag not in OPTIONAL:
                self.faults.append(f"</{tag}> where <{at.tag}> is open, line {self.getpos()[0]}")
                return
            at = at.parent
        if at is self.root:
            self.faults.append(f"</{tag}> closes nothing, line {self.getpos()[0]}")
            return
        self.at = at.parent

    def handle_data(self, data):
        self.at.children.append(data)

    def find(self, *arguments, **named):
        return self.root.find(*arguments, **named)

    def one(self, *arguments, **named):
        return self.root.one(*arguments, **named)

    @property
    def text(self):
        return self.root.text

    @property
    def title(self):
        return self.one("title").text

    def links(self):
        return self.root.links()
