"""Small sites that tests begin with."""


def article(title, body="Text.", **header):
    lines = [f"title: {title}"] + [f"{key}: {value}" for key, value in header.items()]
    return "---\n" + "\n".join(lines) + "\n---\n\n" + body + "\n"


def small(**more):
    """A page, two articles in a folder, a redirection; and more, by path."""
    return {
        "About": article("About us", "We are **here**."),
        "Posts/First": article("The first", "One.", author="Ada", tags="greek, math",
                               abstract="An *abstract*."),
        "Posts/Second": article("The second", "Two.", author="Bob", tags="math",
                                author_url="https://bob.example/"),
        "Posts/Old": "redirect: /Posts/First\n",
        ".config/blog_name": "Small site\n",
        ".config/index_page": "Posts\n",
        ".config/root": "https://small.example\n",
        **more,
    }
