"""Still pictures of the explorers, for readers without JavaScript and for paper.

    .venv/bin/python tools/explorer_pictures.py discrete normals

draws each explorer as its scripts do, in its starting state on a white page, and writes what is
seen to book/_static/explorers/NAME.svg: the drawing with its colours, and below it the numbers.
Without a name, every explorer.
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

from playwright.sync_api import Page

REPOSITORY = Path(__file__).resolve().parents[1]
sys.path.append(str(REPOSITORY / "tests"))
from browser import opened_browser  # noqa: E402

EXPLORERS = REPOSITORY / "book" / "_static" / "explorers"
SCRIPTS = ("kl_numbers.js", "kl_drawing.js", "kl_explorer.js")
WIDTH = 544  # 34 rem, as wide as the other figures
PAGE = """<!doctype html><html lang="en" data-theme="light"><meta charset="utf-8">
<link rel="stylesheet" href="{folder}/kl_explorer.css">
<style>
  html {{ --pst-color-text-base: #222832; --pst-color-background: #ffffff;
    --pst-color-primary: #0a7d91; font: 16px sans-serif }}
  body {{ margin: 0; width: {width}px }}
</style>
<figure class="explorer" id="explorer-{name}" style="margin: 0">
<div data-explorer="{name}"></div></figure>
{scripts}"""
#: The drawing with the styles that it has, and the readout as lines of text.
SERIALISE = """name => {
    const SVG = "http://www.w3.org/2000/svg";
    const USUAL = { fill: "rgb(0, 0, 0)", stroke: "none", "fill-opacity": "1",
        "stroke-width": "1px", "stroke-dasharray": "none", "font-weight": "400" };
    const set = (part, attributes) => {
        for (const [key, value] of Object.entries(attributes)) part.setAttribute(key, value);
        return part;
    };
    const root = document.querySelector(`[data-explorer="${name}"]`);
    const svg = root.querySelector("svg");
    const copy = svg.cloneNode(true);
    const parts = [...svg.querySelectorAll("*")];
    [...copy.querySelectorAll("*")].forEach((part, i) => {
        const style = getComputedStyle(parts[i]);
        for (const key of part.getAttributeNames()) {
            // A style names variables of the page; what they come to is set below.
            if (/^(class|style|role|tabindex|aria-)/.test(key)) part.removeAttribute(key);
        }
        if (part.tagName === "g") return;
        for (const [key, usual] of Object.entries(USUAL)) {
            if (style[key] !== usual) part.setAttribute(key, style[key]);
        }
    });
    copy.querySelectorAll('[fill="rgba(0, 0, 0, 0)"]').forEach((part) => part.remove());
    const [width, height] = svg.getAttribute("viewBox").split(" ").slice(2).map(Number);
    const lines = [...root.querySelectorAll("dl > div")].map((line) =>
        [...line.children].map((part) => part.textContent.trim()).join(": "));
    lines.forEach((line, i) => {
        const place = { x: i % 2 ? width / 2 : 8, y: height + 24 + 20 * Math.floor(i / 2) };
        const text = set(document.createElementNS(SVG, "text"), place);
        text.setAttribute("fill", "rgb(34, 40, 50)");
        text.textContent = line;
        copy.append(text);
    });
    const size = { width, height: height + 16 + 20 * Math.ceil(lines.length / 2) };
    copy.removeAttribute("role");
    copy.removeAttribute("aria-label");
    set(copy, { ...size, viewBox: `0 0 ${width} ${size.height}`,
        "font-family": "sans-serif", "font-size": 13 });
    copy.prepend(set(document.createElementNS(SVG, "rect"), { ...size, fill: "#fff" }));
    return new XMLSerializer().serializeToString(copy);
}"""


def names() -> list[str]:
    """Every explorer: each script of the folder that is not a part of the framework."""
    return sorted(path.stem for path in EXPLORERS.glob("*.js") if path.name not in SCRIPTS)


def write_page(folder: Path, name: str) -> Path:
    """A page with nothing but the explorer."""
    scripts = "\n".join(
        f'<script defer src="{EXPLORERS.as_uri()}/{script}"></script>'
        for script in (*SCRIPTS, f"{name}.js")
    )
    path = folder / f"explorer_{name}.html"
    path.write_text(
        PAGE.format(folder=EXPLORERS.as_uri(), width=WIDTH, name=name, scripts=scripts), "utf-8"
    )
    return path


def picture(page: Page, name: str, folder: Path) -> str:
    """The explorer's starting state as the text of an SVG file."""
    page.goto(write_page(folder, name).as_uri())
    drawn = page.evaluate(SERIALISE, name)
    return drawn.replace("><", ">\n<") + "\n"


def main(chosen: list[str]) -> None:
    with opened_browser() as browser, tempfile.TemporaryDirectory() as folder:
        page = browser.new_page(viewport={"width": 800, "height": 900}, color_scheme="light")
        for name in chosen or names():
            path = EXPLORERS / f"{name}.svg"
            path.write_text(picture(page, name, Path(folder)), "utf-8")
            print(f"{path.relative_to(REPOSITORY)}: {path.stat().st_size} bytes")


if __name__ == "__main__":
    main(sys.argv[1:])
