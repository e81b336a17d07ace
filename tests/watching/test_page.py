"""The page on `kl_lib.watch`: every code stands on it, and everything watched."""

import re
from pathlib import Path

from kl_lib.watching import CODES
from kl_lib.watching.targets import TARGETS

PAGE = (Path(__file__).parents[2] / "book" / "reference_watch.md").read_text("utf-8")


def test_the_page_lists_all_codes_with_their_meaning():
    listed = re.findall(r"^\| (\d+) \| (\w+) \| (.+) \|$", PAGE, re.M)
    assert [(int(code), (level, what)) for code, level, what in listed] == [*CODES.items()]


def test_the_page_names_what_is_watched():
    [table] = re.findall(r"^\| library \| calls \|\n(?:\|.*\n)+", PAGE, re.M)
    for target in TARGETS:
        assert target.call.rpartition(".")[2] in table
