"""The built book: everything it points at exists, and nothing it needs lies outside it.

Each check is a function that returns what is wrong. It is run on the built book, where it must find
nothing, and on a page with a planted fault, where it must find that.
"""

from __future__ import annotations

import posixpath
import re
import shutil
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import unquote, urlsplit

import nbformat
import pytest
import yaml
from bs4 import BeautifulSoup, NavigableString, Tag
from building import REPOSITORY, build_book, old_pages
from docutils import nodes

sys.path.append(str(REPOSITORY / "book" / "_ext"))
from kl_search import without_colours

# Pages that Sphinx writes by itself, and old addresses.
WITHOUT_SOURCE = {"index.html", "search.html", "404.html", *old_pages()}
ASSETS = {
    "script": ("src",),
    "img": ("src", "srcset"),
    "iframe": ("src",),
    "source": ("src", "srcset"),
    "video": ("src", "poster"),
    "audio": ("src",),
    "embed": ("src",),
    "object": ("data",),
    "link": ("href",),
    "form": ("action",),
    "use": ("href", "xlink:href"),
}
OUTSIDE = re.compile(r"//|(?!data:|mailto:)[a-z][a-z0-9+.-]*:", re.IGNORECASE)
CSS_ADDRESS = re.compile(r"""url\(\s*["']?([^"')]+)|@import\s+["']([^"']+)""")
MACHINE_PATH = re.compile(r"(?:/home/|/root/|/Users/|/tmp/|site-packages/|[A-Z]:\\Users)")
MARKUP = re.compile(r"\{[a-z]+(?::[a-z]+)?\}`|```|:::|\$\$|\$[^\s$][^$]*\$|\]\([^)]*\)|\*\*\w")
NO_PROSE = {"pre", "code", "math", "script", "style"}  # elements, or their classes

Pages = dict[str, BeautifulSoup]


def read_pages(site: Path) -> Pages:
    """Every page of a site, parsed without the colours of code, by its address in the site."""
    return {
        path.relative_to(site).as_posix(): BeautifulSoup(
            without_colours(path.read_text("utf-8")), "html.parser"
        )
        for path in sorted(site.rglob("*.html"))
        if "_static" not in path.parts
    }


def resolved(name: str, address: str) -> str:
    """The file that an address on the page `name` means, relative to the site."""
    path = unquote(urlsplit(address).path)
    return posixpath.normpath(posixpath.join(posixpath.dirname(name), path)) if path else name


def ids(page: BeautifulSoup) -> list[str]:
    return [tag["id"] for tag in page.find_all(id=True)]


def dead_links(site: Path, pages: Pages) -> list[str]:
    """Links and assets inside the site whose file or anchor does not exist."""
    anchors = {name: set(ids(page)) for name, page in pages.items()}
    dead = []
    for name, page in pages.items():
        for tag in page.find_all(["a", "link", "script", "img"]):
            address = tag.get("href") or tag.get("src")
            if not address or OUTSIDE.match(address) or address.startswith(("data:", "mailto:")):
                continue
            target, fragment = resolved(name, address), unquote(urlsplit(address).fragment)
            if not (site / target).is_file():
                dead.append(f"{name}: {address}: no such file")
            elif fragment and target in anchors and fragment not in anchors[target]:
                dead.append(f"{name}: {address}: no such anchor")
    return dead


def repeated_ids(pages: Pages) -> list[str]:
    return [
        f"{name}: id {repeated!r} stands {count} times"
        for name, page in pages.items()
        for repeated, count in Counter(ids(page)).items()
        if count > 1
    ]


def outside_assets(site: Path, pages: Pages) -> list[str]:
    """What a browser would fetch from somewhere else in order to show a page."""
    outside = []
    for name, page in pages.items():
        for tag, attributes in ASSETS.items():
            for element in page.find_all(tag):
                addresses = [element[key] for key in attributes if element.has_attr(key)]
                outside += [f"{name}: <{tag}> {a}" for a in addresses if OUTSIDE.match(a)]
        styles = [element.get_text() for element in page.find_all("style")]
        styles += [element["style"] for element in page.find_all(style=True)]
        outside += [f"{name}: style {a}" for css in styles for a in _outside_css(css)]
    for path in site.rglob("*.css"):
        css = path.read_text("utf-8")
        outside += [f"{path.relative_to(site).as_posix()}: {a}" for a in _outside_css(css)]
    return outside


def _outside_css(css: str) -> list[str]:
    addresses = [first or second for first, second in CSS_ADDRESS.findall(css)]
    return [address for address in addresses if OUTSIDE.match(address)]


def poor_alt_texts(pages: Pages) -> list[str]:
    """Pictures whose alt text is missing, a file name, or says only that there is a picture."""
    poor = []
    for name, page in pages.items():
        for image in page.find_all("img"):
            alt = image.get("alt", "").strip()
            is_file = re.search(r"\.(?:png|svg|jpe?g|gif|webp)$", alt, re.IGNORECASE)
            if len(alt.split()) < 3 or is_file:
                poor.append(f"{name}: {image.get('src')}: alt text {alt!r}")
    return poor


def figures_without_caption(pages: Pages) -> list[str]:
    return [
        f"{name}: {image.get('src')}"
        for name, page in pages.items()
        for image in page.select("article .cell_output img")
        if not (figure := image.find_parent("figure")) or not figure.find("figcaption")
    ]


def unreachable(pages: Pages, start: str = "index.html") -> list[str]:
    """Pages that no chain of links from the first page reaches."""
    seen, waiting = set(), [start]
    while waiting:
        name = waiting.pop()
        if name in seen or name not in pages:
            continue
        seen.add(name)
        links = [link["href"] for link in pages[name].find_all("a", href=True)]
        for refresh in pages[name].find_all("meta", attrs={"http-equiv": "Refresh"}):
            links.append(refresh["content"].partition("url=")[2])
        waiting += [resolved(name, link) for link in links if not OUTSIDE.match(link)]
    return sorted(set(pages) - seen - WITHOUT_SOURCE)


def machine_paths(pages: Pages) -> list[str]:
    return [
        f"{name}: {page.get_text()[found.start() : found.start() + 60]!r}"
        for name, page in pages.items()
        if (found := MACHINE_PATH.search(page.get_text()))
    ]


def unrendered_markup(pages: Pages) -> list[str]:
    """Markdown, roles or mathematics that reached the reader as source text."""
    found = []
    for name, page in pages.items():
        text = " ".join(prose(page.find("article") or page.new_tag("article")))
        found += [f"{name}: {m.group()!r}" for m in MARKUP.finditer(text)]
    return found


def prose(part: Tag) -> Iterator[str]:
    """What stands in a part of a page, without code and formulas."""
    for inner in part.children:
        if type(inner) is NavigableString:
            yield inner
        elif isinstance(inner, Tag) and not {inner.name, *inner.get("class", ())} & NO_PROSE:
            yield from prose(inner)


def loose_punctuation(pages: Pages) -> list[str]:
    """Formulas from which a browser may part the full stop or comma that follows."""
    return [
        f"{name}: {formula.get_text()}{after[:10]!r}"
        for name, page in pages.items()
        for formula in page.select("article p span.math, figcaption span.math")
        if isinstance(after := formula.next_sibling, str)
        and re.match(r"[.,;:!?)]", after)
        and "glued" not in formula.parent.get("class", [])
    ]


def poor_headings(pages: Pages) -> list[str]:
    """Pages whose text has not one first-level heading, and pages without a title or a language."""
    poor = []
    for name, page in pages.items():
        if name in WITHOUT_SOURCE:
            continue
        if (count := len(page.select("article h1"))) != 1:
            poor.append(f"{name}: {count} headings of the first level")
        if not (page.title and page.title.get_text().strip()) or not page.html.get("lang"):
            poor.append(f"{name}: no title or no language")
    return poor


def files_in_toc(toc: dict) -> list[str]:
    """All files that a table of contents names, the first page included."""
    found = [toc["root"]] if "root" in toc else []

    def visit(node: object) -> None:
        if isinstance(node, dict):
            if "file" in node:
                found.append(node["file"])
            for value in node.values():
                visit(value)
        elif isinstance(node, list):
            for value in node:
                visit(value)

    visit(toc)
    return found


# The book


@pytest.fixture(scope="module")
def pages(site: Path) -> Pages:
    return read_pages(site)


def test_the_book_has_the_pages_of_its_table_of_contents_and_no_others(pages):
    toc = yaml.safe_load((REPOSITORY / "_toc.yml").read_text("utf-8"))
    assert set(pages) - WITHOUT_SOURCE == {f"{name}.html" for name in files_in_toc(toc)}


def test_every_page_can_be_reached_from_the_first(pages):
    assert unreachable(pages) == []


def test_every_link_leads_somewhere(site, pages):
    assert dead_links(site, pages) == []


def test_no_id_stands_twice_on_a_page(pages):
    assert repeated_ids(pages) == []


def test_nothing_comes_from_outside(site, pages):
    assert outside_assets(site, pages) == []


def test_every_picture_is_told_in_words(pages):
    assert poor_alt_texts(pages) == []


def test_every_computed_figure_has_a_caption(pages):
    assert figures_without_caption(pages) == []


def test_no_page_shows_a_path_of_the_machine_that_built_it(pages):
    assert machine_paths(pages) == []


def test_no_markup_reaches_the_reader(pages):
    assert unrendered_markup(pages) == []


def test_punctuation_stays_with_its_formula(pages):
    assert loose_punctuation(pages) == []


def test_every_page_has_one_heading_a_title_and_a_language(pages):
    assert poor_headings(pages) == []


# The checks themselves


GOOD_PAGE = """
<html lang="en"><head><title>T</title><link rel="stylesheet" href="_static/a.css"></head><body>
<article><h1 id="top">T</h1>
<p>Prose with <code>{ref}`x`</code>, <span class="glued"><span class="math">q</span>,</span>
$5 and <a href="#top">a link</a>.</p>
<div class="cell_output"><figure><img src="a.png" alt="A curve that rises from 0 to 1.">
<figcaption>Caption</figcaption></figure></div></article></body></html>
"""


def one_page_site(folder: Path, html: str) -> tuple[Path, Pages]:
    (folder / "_static").mkdir()
    (folder / "_static" / "a.css").write_text("body { background: url(data:image/png;base64,AA) }")
    (folder / "a.png").touch()
    (folder / "index.html").write_text(html)
    return folder, read_pages(folder)


def findings(site: Path, pages: Pages) -> dict[str, list[str]]:
    """All checks by name, without those that find nothing."""
    found = {
        "dead link": dead_links(site, pages),
        "repeated id": repeated_ids(pages),
        "outside asset": outside_assets(site, pages),
        "alt text": poor_alt_texts(pages),
        "caption": figures_without_caption(pages),
        "unreachable": unreachable(pages),
        "machine path": machine_paths(pages),
        "markup": unrendered_markup(pages),
        "punctuation": loose_punctuation(pages),
        "heading": poor_headings({"other.html": pages["index.html"]}),
    }
    return {check: faults for check, faults in found.items() if faults}


def test_the_checks_find_nothing_on_a_good_page(tmp_path):
    assert findings(*one_page_site(tmp_path, GOOD_PAGE)) == {}


@pytest.mark.parametrize(
    ("check", "right", "wrong"),
    [
        ("dead link", 'href="#top"', 'href="#bottom"'),
        ("dead link", 'href="#top"', 'href="missing.html"'),
        ("dead link", 'src="a.png"', 'src="b.png"'),
        ("repeated id", "<p>", '<p id="top">'),
        ("outside asset", "<p>", '<script src="https://cdn.example.org/x.js"></script><p>'),
        ("outside asset", "_static/a.css", "//cdn.example.org/a.css"),
        ("outside asset", 'src="a.png"', 'src="https://example.org/a.png"'),
        ("outside asset", "<p>", '<iframe src="https://example.org"></iframe><p>'),
        ("outside asset", "<p>", '<p style="background: url(http://example.org/a.png)">'),
        ("outside asset", "<p>", "<style>@import 'https://example.org/a.css';</style><p>"),
        ("alt text", ' alt="A curve that rises from 0 to 1."', ""),
        ("alt text", "A curve that rises from 0 to 1.", "_images/0123 4567 89.png"),
        ("alt text", "A curve that rises from 0 to 1.", "figure"),
        ("caption", "<figcaption>Caption</figcaption>", ""),
        ("machine path", "Prose", "Prose /home/someone/book.py"),
        ("markup", "Prose", "Prose {ref}`sec-x`"),
        ("markup", "Prose", "Prose $p(x)$"),
        ("markup", "Prose", "Prose [here](there.md)"),
        ("punctuation", '<span class="glued">', "<span>"),
        ("heading", "</article>", "<h1>Another</h1></article>"),
        ("heading", ' lang="en"', ""),
    ],
)
def test_a_check_finds_its_fault(tmp_path, check, right, wrong):
    assert right in GOOD_PAGE
    assert check in findings(*one_page_site(tmp_path, GOOD_PAGE.replace(right, wrong, 1)))


def test_an_outside_address_in_a_style_sheet_is_found(tmp_path):
    site, pages = one_page_site(tmp_path, GOOD_PAGE)
    (site / "_static" / "a.css").write_text(
        "@font-face { src: url('https://example.org/f.woff2') }"
    )
    assert outside_assets(site, pages) == ["_static/a.css: https://example.org/f.woff2"]


def test_a_page_that_nothing_links_to_is_found(tmp_path):
    site, _ = one_page_site(tmp_path, GOOD_PAGE)
    (site / "lost.html").write_text(GOOD_PAGE)
    assert unreachable(read_pages(site)) == ["lost.html"]


# The extension


def test_gluing_punctuation_changes_no_word():
    """The commas are equal strings: only the one after the formula may move."""
    sys.path.append(str(REPOSITORY / "book" / "_ext"))
    from kl_book import glue_punctuation

    formula = nodes.math("", "q")
    parts = [nodes.literal("", "a"), nodes.Text(", "), formula, nodes.Text(", "), nodes.Text("b")]
    paragraph = nodes.paragraph("", "", *parts)
    glue_punctuation(formula)
    assert paragraph.astext() == "a, q, b"
    assert [child.astext() for child in paragraph.children] == ["a", ", ", "q,", " ", "b"]


# Warnings are errors


def small_book(folder: Path, text: str) -> Path:
    """A book of two pages, with the configuration and the extension of the real one."""
    for name in ("_ext", "_extra", "_static", "_templates"):
        shutil.copytree(REPOSITORY / "book" / name, folder / "book" / name)
    shutil.copy(REPOSITORY / "_config.yml", folder)
    toc = {"format": "jb-book", "root": "book/page", "chapters": [{"file": "notebooks/01_cell"}]}
    (folder / "_toc.yml").write_text(yaml.safe_dump(toc))
    cell = nbformat.v4.new_code_cell(
        "1", outputs=[nbformat.v4.new_output("stream", name="stderr", text="a stored warning")]
    )
    title = nbformat.v4.new_markdown_cell("# A notebook")
    (folder / "notebooks").mkdir()
    nbformat.write(
        nbformat.v4.new_notebook(cells=[title, cell]), folder / "notebooks" / "01_cell.ipynb"
    )
    (folder / "book" / "references.bib").write_text(
        "@misc{known, title={T}, author={A}, year={2000}}"
    )
    (folder / "book" / "page.md").write_text(text)
    return folder


SOURCE = """
(label)=
# Title

{ref}`label`, {eq}`eq-one`, {cite:t}`known`, {numref}`ex-one`.

$$
x = 1
$$ (eq-one)

```{exercise}
:label: ex-one
Question.
```

```{solution} ex-one
:label: sol-one
Answer.
```

```{bibliography}
```
"""


def test_warnings_fail_the_build(tmp_path):
    faults = {
        "{ref}`label`": "{ref}`no-such-label`",
        "{eq}`eq-one`": "{eq}`no-such-equation`",
        "{cite:t}`known`": "{cite:t}`nosuchcitation`",
        "{solution} ex-one": "{solution} no-such-exercise",
        "# Title": "# Title\n\n[a link](no-such-page.md)",
        "x = 1": r"x = \undefinedmacro",
    }
    text = SOURCE
    for right, wrong in faults.items():
        assert right in text
        text = text.replace(right, wrong, 1)
    source = small_book(tmp_path / "source", text)
    (source / "book" / "forgotten.md").write_text("# In no table of contents\n")
    result = build_book(source, tmp_path)
    assert result.returncode != 0
    log = result.stdout + result.stderr
    for word in (
        "there is no page notebooks/10_one_number_five_libraries",  # of moved_pages
        "no-such-label",
        "no-such-equation",
        "nosuchcitation",
        "no-such-exercise",
        "no-such-page.md",
        "forgotten",
        "stderr was found in the cell outputs",
        "Undefined control sequence",
    ):
        assert re.search(f"(WARNING|ERROR).*{word}|{word}.*(WARNING|ERROR)", log), word
