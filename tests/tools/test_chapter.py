"""`make chapter`: what it makes passes the checks of chapters, and nothing is overwritten."""

import importlib.util
import re
import shutil
import subprocess
from pathlib import Path

import chapter
import nbformat
import pytest
import yaml
from execute import main as execute
from execute import read_source
from prose_numbers import faults

ROOT = Path(__file__).parents[2]


def checks_of(name):
    """A module of tests of the book."""
    path = ROOT / "tests" / "book" / f"{name}.py"
    spec = importlib.util.spec_from_file_location(f"checks_of_{name}", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def copy(tmp_path_factory):
    """A book with one chapter begun and executed."""
    root = tmp_path_factory.mktemp("book")
    shutil.copy(ROOT / "_toc.yml", root)
    (root / "notebooks").mkdir()
    for path in (ROOT / "notebooks").glob("[0-9][0-9]_*.md"):
        shutil.copy(path, root / "notebooks")
    path = chapter.begin("98_my_subject", root)
    assert execute(["-j", "1", "--folder", str(path.parent), path.stem]) == 0
    return root


@pytest.fixture
def stored(copy):
    return nbformat.read(copy / "notebooks" / "98_my_subject.ipynb", as_version=4)


def test_a_new_chapter_passes_every_check_of_chapters(copy, stored):
    checks = checks_of("test_notebooks")
    assert {check.__name__: check(stored) for check in checks.CHECKS} == {
        check.__name__: [] for check in checks.CHECKS
    }
    source = read_source(copy / "notebooks" / "98_my_subject.md")
    assert checks.pair_differences(source, stored) == []


def test_the_numbers_of_a_new_chapter_have_their_sources(copy, stored):
    assert faults(stored, {}) == []
    prose = checks_of("test_prose")
    path = copy / "notebooks" / "98_my_subject.ipynb"
    prose.test_a_changed_digit_in_a_chapter_is_found(path)
    assert prose.chapters_by_hand(path.with_suffix(".md").read_text()) == []


def test_a_new_chapter_has_labels_of_its_own_and_cites_what_there_is(copy):
    text = (copy / "notebooks" / "98_my_subject.md").read_text()
    assert "@" not in re.sub(r"^@.*", "", text, flags=re.M)
    assert text.count("(ch-my-subject)=\n# My subject\n") == 1
    labels = re.findall(r"^(?::label: |    name: )(\S+)$", text, re.M)
    assert len(labels) == len(set(labels)) == 9
    assert all("my-subject" in label for label in labels)
    known = (ROOT / "book" / "references.bib").read_text()
    for key in re.findall(r"{cite:\w}`([^`]+)`", text):
        assert f"{{{key}," in known
    others = "".join(path.read_text() for path in (ROOT / "notebooks").glob("*.md"))
    for label in re.findall(r"{ref}`([^`]+)`", text):
        assert f"({label})=" in others


def test_the_code_of_a_new_chapter_runs_and_gives_the_number_beside_it(copy):
    text = (copy / "notebooks" / "98_my_subject.md").read_text()
    [code] = re.findall(r"```python\n(.*?)```", text, re.S)
    names = {"p": [[0.7, 0.2, 0.1]], "q": [[0.4, 0.3, 0.3]]}
    exec(code, names)
    assert names["kl"].round(4).tolist() == [0.2008]


def test_a_new_chapter_stands_in_the_table_of_contents_after_those_of_lower_numbers(copy):
    before = yaml.safe_load((ROOT / "_toc.yml").read_text())
    after = yaml.safe_load((copy / "_toc.yml").read_text())
    names = [path.stem for path in (copy / "notebooks").glob("*.md")]
    notebooks = sorted(f"notebooks/{name}" for name in names)
    assert checks_of("test_notebooks").toc_differences(after, notebooks) == []
    last = [part for part in after["parts"] if "notebooks" in str(part)][-1]["chapters"].pop()
    assert (after, last) == (before, {"file": "notebooks/98_my_subject"})
    toc = "- file: notebooks/02_b\n- file: notebooks/05_e\n- file: book/x\n"
    for name, place in (("01_a", 0), ("03_c", 1), ("07_g", 2)):
        lines = chapter.with_entry(toc, name).splitlines()
        assert lines[place] == f"- file: notebooks/{name}"


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("my_subject", "expected two digits and words, such as 20_my_subject"),
        ("18_My Subject", "expected two digits and words"),
        ("../18_x", "expected two digits and words"),
        ("01_another", "but there is 01_entropy: take another number"),
        ("98_yet_more", "but there is 98_my_subject: take another number"),
        ("97_entropy", "but another chapter is labelled ch-entropy"),
    ],
)
def test_a_name_that_can_not_be_is_refused_and_nothing_is_written(copy, name, message):
    def files():
        return {path: path.read_bytes() for path in copy.rglob("*") if path.is_file()}

    before = files()
    with pytest.raises(SystemExit, match=message):
        chapter.begin(name, copy)
    assert files() == before


def test_make_without_a_name_says_how():
    command = ["make", "-o", ".venv/.ready", "-C", ROOT, "chapter"]  # whatever the environment is
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode != 0
    assert "make chapter NAME=20_my_subject" in done.stdout + done.stderr


def test_the_example_has_the_next_number_that_is_free():
    files = [ROOT / name for name in ("Makefile", "README.md", "CONTRIBUTING.md")]
    files.append(ROOT / "tools" / "chapter.py")
    named = {each for path in files for each in re.findall(r"(\d\d)_my_subject", path.read_text())}
    last = max(path.name[:2] for path in (ROOT / "notebooks").glob("[0-9][0-9]_*.md"))
    assert named == {f"{int(last) + 1:02}"}
