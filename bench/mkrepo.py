#!/usr/bin/env python3
"""A repository to measure with, as a `git fast-import` stream; the same for the same arguments.

    bench/mkrepo.py [--files 2000] [--commits 500] [--seed 1] | git -C DIR fast-import --quiet

Markdown articles in folders, of words that repeat as those of a language do; the tenth of the files
are pictures that do not compress. Half of the commits add files until all are there; every commit
edits a few: mostly a sentence, now and then a whole new text.
"""
import argparse
import random
import sys

EPOCH = 1600000000


class Site:
    def __init__(self, files, commits, seed):
        self.random = random.Random(seed)
        self.files, self.commits = files, commits
        letters = "aeioubcdfghlmnprstv"
        self.words = ["".join(self.random.choice(letters) for _ in range(self.random.randint(2, 11)))
                      for _ in range(6000)]
        self.content = {}
        self.out = sys.stdout.buffer

    def sentence(self):
        # Zipf's law, roughly: a few words are said again and again.
        picks = [self.words[int(6000 * self.random.random() ** 3)]
                 for _ in range(self.random.randint(6, 22))]
        return " ".join(picks).capitalize() + "."

    def paragraph(self):
        return " ".join(self.sentence() for _ in range(self.random.randint(2, 7))) + "\n"

    def article(self, number):
        head = (f"---\ntitle: Article {number}\nauthor: Author {number % 7}\n"
                f"abstract: {self.sentence()}\ntags: tag{number % 23}, tag{number % 41}\n---\n\n")
        body = [f"## {self.sentence()}\n\n" + "\n".join(self.paragraph() for _ in range(3))
                for _ in range(self.random.randint(1, 7))]
        return (head + "\n".join(body)).encode()

    def path(self, number):
        if number % 10 == 9:
            return f"static/img/{number // 200:02d}/picture-{number:04d}.png"
        return f"Category{number // 100:02d}/article-{number:04d}"

    def create(self, number):
        if number % 10 == 9:
            self.content[number] = self.random.randbytes(self.random.randint(2000, 40000))
        else:
            self.content[number] = self.article(number)

    def edit(self, number):
        if number % 10 == 9 or self.random.random() < 0.1:
            self.create(number)
            return
        lines = self.content[number].split(b"\n")
        lines.insert(self.random.randrange(7, len(lines)), self.sentence().encode())
        self.content[number] = b"\n".join(lines)

    def commit(self, index, numbers):
        message = f"Commit {index}\n\n{self.paragraph()}".encode()
        when = EPOCH + index * 7200
        self.out.write(b"commit refs/heads/main\n"
                       b"author Author %d <author@example.org> %d +0200\n"
                       b"committer Committer <committer@example.org> %d +0000\n"
                       b"data %d\n%s" % (index % 7, when, when + 60, len(message), message))
        for number in sorted(numbers):
            data = self.content[number]
            self.out.write(b"M 100644 inline %s\ndata %d\n%s\n"
                           % (self.path(number).encode(), len(data), data))

    def write(self):
        growing = max(1, self.commits // 2)
        for index in range(self.commits):
            first = self.files * index // growing
            last = min(self.files, self.files * (index + 1) // growing)
            changed = set(range(first, last))
            for number in changed:
                self.create(number)
            for _ in range(self.random.randint(1, 8)):
                number = self.random.randrange(min(last, self.files))
                if number not in changed:
                    self.edit(number)
                    changed.add(number)
            self.commit(index, changed)


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("--files", type=int, default=2000)
    parser.add_argument("--commits", type=int, default=500)
    parser.add_argument("--seed", type=int, default=1)
    args = parser.parse_args()
    Site(args.files, args.commits, args.seed).write()


if __name__ == "__main__":
    main()
