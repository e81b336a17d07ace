"""Begin a chapter: `make chapter NAME=20_my_subject`.

Writes notebooks/NAME.md from chapter.md, the shape of a chapter with everything in it that the
checks ask for, and puts it into _toc.yml. `make chapter` executes it then, so that the book builds
and all checks pass before the first sentence is written.
"""

from __future__ import annotations

import argparse
import re
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
TEMPLATE = Path(__file__).with_name("chapter.md")
ENTRY = re.compile(r"^( *- file: notebooks/)(\d\d)_\w+\n", re.M)


def begin(name: str, root: Path = ROOT) -> Path:
    """Write the .md of a new chapter, enter it into the table of contents, and return its path.

    Raises
    ------
    SystemExit
        If that is no name of a chapter, or its number is taken.
    """
    if not re.fullmatch(r"\d\d(_[a-z0-9]+)+", name):
        raise SystemExit(f"NAME is {name!r}, expected two digits and words, such as 20_my_subject")
    number, _, words = name.partition("_")
    folder = root / "notebooks"
    if taken := sorted(path.stem for path in folder.glob(f"{number}_*.md")):
        raise SystemExit(f"NAME is {name!r}, but there is {taken[0]}: take another number")
    text = TEMPLATE.read_text("utf-8")
    label = words.replace("_", "-")
    if any(f"(ch-{label})=" in path.read_text("utf-8") for path in folder.glob("*.md")):
        raise SystemExit(f"NAME is {name!r}, but another chapter is labelled ch-{label}")
    toc = root / "_toc.yml"
    entered = with_entry(toc.read_text("utf-8"), name)
    path = folder / f"{name}.md"
    title = words.replace("_", " ").capitalize()
    path.write_text(text.replace("@TITLE@", title).replace("@LABEL@", label), "utf-8")
    toc.write_text(entered, "utf-8")
    return path


def with_entry(toc: str, name: str) -> str:
    """Return the table of contents with a chapter after those of lower numbers."""
    entries = list(ENTRY.finditer(toc))
    before = [entry for entry in entries if entry[2] < name[:2]]
    place = before[-1] if before else entries[0]
    at = place.end() if before else place.start()
    return f"{toc[:at]}{place[1]}{name}\n{toc[at:]}"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("name", metavar="NAME", help="two digits and words, such as 20_my_subject")
    path = begin(parser.parse_args().name)
    print(f"{path.relative_to(ROOT)} is there, and in _toc.yml: edit it, then make notebooks")


if __name__ == "__main__":
    main()
