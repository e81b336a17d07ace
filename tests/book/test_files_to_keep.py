"""What a reader takes away: all notebooks in one file (kl_notebooks.py), and the book as a PDF."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from pathlib import Path
from zipfile import ZipFile

import chromium
import nbformat
import pdf
import pikepdf
import pytest
from bs4 import BeautifulSoup
from building import REPOSITORY
from nbclient import NotebookClient
from thorough import first_of

sys.path.append(str(REPOSITORY / "book" / "_ext"))
from kl_notebooks import write_zip


@pytest.fixture(scope="module")
def unpacked(site: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("unpacked")
    with ZipFile(site / "kl_book_notebooks.zip") as file:
        assert file.testzip() is None
        file.extractall(folder)
    return folder / "kl_book"


def test_the_first_page_offers_all_notebooks(site):
    page = BeautifulSoup((site / "book" / "introduction.html").read_text(), "html.parser")
    (link,) = page.select("article a[href$='kl_book_notebooks.zip']")
    assert link.has_attr("download")
    assert link["href"] == "../kl_book_notebooks.zip"


def test_the_file_has_every_notebook_as_it_is(unpacked):
    here = {path.name: path.read_bytes() for path in (REPOSITORY / "notebooks").glob("*.ipynb")}
    there = {path.name: path.read_bytes() for path in (unpacked / "notebooks").glob("*.ipynb")}
    assert len(here) > 15
    assert there == here
    for content in there.values():
        nbformat.validate(nbformat.reads(content, as_version=4))


def test_a_notebook_runs_with_what_is_in_the_file(unpacked, monkeypatch):
    """The library is the unpacked one, not the one that is installed; the records are, too."""
    monkeypatch.setenv("PYTHONPATH", str(unpacked))
    notebook = nbformat.read(unpacked / "notebooks" / "01_entropy.ipynb", as_version=4)
    source = "import kl_lib\nfrom kl_lib import experiments\nprint(kl_lib.__file__)\n"
    source += "print(experiments.book_results())\nprint(len(experiments.read_records("
    source += 'experiments.book_results(), "soft_labels")))'
    notebook.cells.append(nbformat.v4.new_code_cell(source))
    NotebookClient(
        notebook, timeout=300, resources={"metadata": {"path": str(unpacked / "notebooks")}}
    ).execute()
    # A kernel may send what was printed in pieces.
    printed = "".join(output.text for output in notebook.cells[-1].outputs)
    library, results, records = printed.split()
    assert Path(library).is_relative_to(unpacked)
    assert Path(results).is_relative_to(unpacked)
    assert int(records) > 10


def test_the_file_says_how_to_install_what_it_has(site):
    with ZipFile(site / "kl_book_notebooks.zip") as file:
        names = file.namelist()
    for name in ("README.md", "pyproject.toml", "requirements.lock", "LICENSE"):
        assert f"kl_book/{name}" in names
    assert not [name for name in names if re.search(r"/(\.|__pyc)", name)]


def test_the_same_notebooks_give_the_same_bytes(tmp_path):
    for name in ("notebooks", "kl_lib"):
        (tmp_path / name).mkdir()
    (tmp_path / "notebooks" / "a.ipynb").write_text("{}")
    (tmp_path / "kl_lib" / "b.py").write_text("1")
    write_zip(tmp_path, tmp_path / "one.zip")
    (tmp_path / "kl_lib" / "b.py").touch()
    (tmp_path / "kl_lib" / "__pycache__").mkdir()
    (tmp_path / "kl_lib" / "__pycache__" / "b.py").touch()
    write_zip(tmp_path, tmp_path / "two.zip")
    assert (tmp_path / "one.zip").read_bytes() == (tmp_path / "two.zip").read_bytes()
    with ZipFile(tmp_path / "one.zip") as file:
        names = ["README.md", "kl_lib/b.py", "notebooks/a.ipynb"]
        assert file.namelist() == [f"kl_book/{name}" for name in names]


# The PDF


PAGES = ["book/introduction.html", "notebooks/02_from_entropy_to_kl.html"]


@pytest.fixture(scope="module")
def whole(site: Path) -> BeautifulSoup:
    """Two pages of the book, joined as for paper."""
    return BeautifulSoup(pdf.joined(site, PAGES), "html.parser")


def test_the_pages_of_the_pdf_are_those_of_the_sidebar_in_order(site):
    pages = pdf.pages_in_order(site)
    assert pages[0] == "book/introduction.html"
    numbered = [int(name[10:12]) for name in pages if name.startswith("notebooks/")]
    assert numbered == list(range(1, len(numbered) + 1))
    assert "book/bibliography.html" in pages
    assert len(pages) == len(set(pages)) > 25


def test_joined_pages_have_no_id_twice_and_every_link_inside_leads_somewhere(whole):
    ids = [part["id"] for part in whole.select("[id]")]
    assert len(ids) == len(set(ids)) > 100
    inside = {link["href"][1:] for link in whole.select("a[href^='#']")}
    other = {address for address in inside if not address.startswith(tuple(map(pdf.anchor, PAGES)))}
    assert other == set()
    assert inside - set(ids) == set()
    assert len(inside) > 30
    outside = [link["href"] for link in whole.select("a[href]") if link["href"][0] != "#"]
    assert [address for address in outside if not address.startswith("http")] == []


def test_nothing_of_a_joined_page_is_folded_or_needs_a_screen(whole):
    assert whole.select("details")
    assert whole.select("details:not([open]), script, button, img[loading]") == []
    assert all(image["src"].startswith("file:") for image in whole.select("img"))
    assert whole.html["data-theme"] == "light"
    assert whole.select("pre span")
    assert whole.select("pre span.p") == []


def test_nothing_is_printed_as_a_picture_but_pictures(whole):
    """The style sheet is whole, and takes the shadows away that a PDF would have to paint."""
    style = whole.select_one("head > style").get_text()
    assert style.count("/*") == style.count("*/") > 0
    assert whole.html["id"] == "book"
    assert re.search(r"#book \* { box-shadow: none !important;", style)


def test_a_style_sheet_of_one_page_is_there_once(tmp_path):
    (tmp_path / "a.css").touch()
    for name, sheets in {"one": ("a",), "two": ("b", "a")}.items():
        links = "".join(f"<link rel=stylesheet href={sheet}.css?v=1>" for sheet in sheets)
        (tmp_path / f"{name}.html").write_text(f"<link rel=icon href=c>{links}<p>text</p>")
    found = re.findall(r"(\w+\.css)", pdf.style_sheets(tmp_path, ["one.html", "two.html"]))
    assert found == ["a.css", "b.css"]


@pytest.mark.parametrize("pages", first_of([PAGES, None]), ids=["some", "all"])
def test_the_pdf_has_text_links_outline_and_page_numbers(site, tmp_path, monkeypatch, pages):
    if chromium.program() is None:
        pytest.skip("make pdf: no Chromium or Chrome is installed")
    print_book, printed = pdf.print_book, []
    monkeypatch.setattr(
        pdf, "print_book", lambda book, target: printed.append(book) or print_book(book, target)
    )
    target = tmp_path / "book.pdf"
    pdf.write_pdf(site, target, pages)
    assert not target.with_suffix(".html").exists()
    with pikepdf.open(target) as document:
        assert len(document.pages) > 10
        links = [note for page in document.pages for note in page.get("/Annots", [])]
        assert len([link for link in links if link.Subtype == "/Link"]) > 25
        drawn = b"".join(page.Contents.read_bytes() for page in document.pages)
        assert drawn.count(b"BT") > 100  # text, no picture of it
        numbers = {page.objgen: number for number, page in enumerate(document.pages, start=1)}
        with document.open_outline() as outline:
            begins = [(entry.title, numbers[entry.destination[0].objgen]) for entry in outline.root]
            deep = [entry.title for entry in pdf.entries(outline.root)]
    book = BeautifulSoup(printed[-1], "html.parser")
    lines = [line.get_text("\n").split("\n") for line in book.select("#contents li")]
    contents = [("".join(words[:-1]), int(words[-1])) for words in lines]
    # Where the headings stand; the first two are those of the title and of the contents.
    assert contents == begins[2:]
    assert "2.2. What is the likelihood ratio?" in deep


def test_without_a_browser_one_line_says_what_to_install(site, tmp_path, monkeypatch):
    monkeypatch.setattr(shutil, "which", lambda name: None)
    with pytest.raises(SystemExit) as ended:
        pdf.write_pdf(site, tmp_path / "book.pdf", PAGES)
    assert str(ended.value) == pdf.NO_BROWSER
    assert "\n" not in pdf.NO_BROWSER
    assert "Chromium" in pdf.NO_BROWSER


def test_the_program_says_how_it_is_called():
    program = [sys.executable, REPOSITORY / "tools" / "pdf.py"]
    done = subprocess.run(program, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert done.stderr == "Usage: python tools/pdf.py SITE TARGET.pdf\n"
