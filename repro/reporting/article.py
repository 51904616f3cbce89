"""Findings as an article on the page: the text of docs/findings.md, where it is marked for it.

    ## A finding
    <!-- page -->
    What is shown on the page: paragraphs and lists, not tables.
    <!-- /page -->
    ![What the figure shows](../results/figures/NAME.svg)

Each `##` section with such a part is a section of the article, under the same heading, with the section's first figure.
What is marked before the first section opens the page. Links to headings (`#a-finding`) lead to them on the page.
The document belongs to the results folder beside its own: docs/findings.md to results/.
"""

import posixpath
import re
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from markupsafe import Markup, escape

DOCUMENT = PurePosixPath("docs/findings.md")

SECTION = re.compile(r"^## +(.+?)\s*$", re.MULTILINE)
SHOWN = re.compile(r"<!-- page -->(.*?)<!-- /page -->", re.DOTALL)
MADE = re.compile(r"<!-- made: [^>]*? -->(.*?)<!-- /made -->", re.DOTALL)
COMMENT = re.compile(r"<!--.*?-->", re.DOTALL)
UNIT = re.compile(r"(?<=\d) (?=%|points?\b|MB\b)")
ANCHOR = re.compile(r"\]\(#([^)\s]+)\)")
NUMBERED = re.compile(r"\n\d+\. ")
IMAGE = re.compile(r"!\[([^\]]*)\]\(([^)\s]+)\)")
SPAN = re.compile(r"`([^`]+)`|\*\*(.+?)\*\*|\*([^*]+)\*|\[([^\]]+)\]\(([^)\s]+)\)", re.DOTALL)


@dataclass(frozen=True)
class Finding:
    """A section of the article.

    name: of its place on the page.
    figure: the name of its figure, empty where it has none; alt: what that shows.
    """

    name: str
    title: str
    text: Markup
    figure: str
    alt: str


def read(results: Path) -> tuple[Markup, list[Finding]]:
    """The article of a results folder: its opening, and its sections; empty where nothing is marked for the page."""
    path = results.absolute().parent / DOCUMENT
    document = path.read_text() if path.is_file() else ""
    found = list(parts(document))
    return opening(document, [finding.name for finding in found]), found


def opening(document: str, places: Collection[str]) -> Markup:
    """What is marked before the first section; its links to headings lead to places of the page, if they are there."""

    def here(anchor: re.Match[str]) -> str:
        return f"](#{place(anchor[1])})" if place(anchor[1]) in places else anchor[0]

    head, *_ = SECTION.split(document)
    return html(ANCHOR.sub(here, "\n\n".join(SHOWN.findall(head))))


def place(heading: str) -> str:
    """The place of a section on the page."""
    return "finding-" + re.sub(r"[^a-z0-9]+", "-", heading.lower()).strip("-")


def parts(document: str) -> Iterator[Finding]:
    """The sections of a document that have something for the page."""
    _, *found = SECTION.split(document)
    for title, body in zip(found[::2], found[1::2], strict=True):
        shown = "\n\n".join(SHOWN.findall(body))
        if not shown:
            continue
        image = IMAGE.search(shown) or IMAGE.search(body)
        yield Finding(
            name=place(title),
            title=title,
            text=html(shown),
            figure=PurePosixPath(image[2]).stem if image else "",
            alt=image[1] if image else "",
        )


def html(text: str) -> Markup:
    """Paragraphs and lists of Markdown as HTML; tables, images and comments are left out."""
    # A made part of several lines is a table; one within a line is a number.
    text = MADE.sub(lambda made: "" if "\n" in made[1].strip() else made[1].strip(), text)
    text = COMMENT.sub("", IMAGE.sub("", text))
    blocks = []
    for block in re.split(r"\n\s*\n", text):
        block = block.strip()
        if block.startswith("### "):
            blocks.append(Markup("<h4>{}</h4>").format(spans(block[4:])))
        elif block.startswith("- "):
            items = [Markup("<li>{}</li>").format(spans(item)) for item in re.split(r"\n- ", block[2:])]
            blocks.append(Markup("<ul>{}</ul>").format(Markup("").join(items)))
        elif block.startswith("1. "):
            items = [Markup("<li>{}</li>").format(spans(item)) for item in NUMBERED.split(block[3:])]
            blocks.append(Markup("<ol>{}</ol>").format(Markup("").join(items)))
        elif block and not block.startswith("|"):
            blocks.append(Markup("<p>{}</p>").format(spans(block)))
    return Markup("\n").join(blocks)


def spans(text: str) -> Markup:
    """Code, emphasis and links within a line; all else is text, in which a number and its unit stay together."""
    found, end = Markup(""), 0
    text = together(" ".join(text.split()))
    for match in SPAN.finditer(text):
        found += escape(text[end : match.start()])
        code, strong, emphasis, words, to = match.groups()
        if code:
            found += Markup("<code>{}</code>").format(code)
        elif strong:
            found += Markup("<strong>{}</strong>").format(spans(strong))
        elif emphasis:
            found += Markup("<em>{}</em>").format(spans(emphasis))
        else:
            found += link(words, to)
        end = match.end()
    return found + escape(text[end:])


def together(text: str) -> str:
    """The text with each number and its unit on one line."""
    return UNIT.sub("\N{NO-BREAK SPACE}", text)


def link(words: str, to: str) -> Markup:
    """A link of the document as one of the page, which is in results/; what is no address stays text."""
    if re.match(r"https?://", to):
        return Markup('<a href="{}">{}</a>').format(to, spans(words))
    if ":" in to or to.startswith("/"):
        return spans(words)
    if to.startswith("#finding-"):
        pass  # on the page itself
    elif not to.startswith("#"):
        to = posixpath.relpath(posixpath.join(DOCUMENT.parent, to), "results")
    else:
        to = posixpath.join("..", DOCUMENT) + to
    return Markup('<a href="{}">{}</a>').format(to, spans(words))
