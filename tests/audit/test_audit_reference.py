"""The page of the audit names everything that the package offers."""

from __future__ import annotations

import re
from pathlib import Path

import kl_lib.audit

PAGE = (Path(__file__).parents[2] / "book" / "reference_audit.md").read_text("utf-8")


def test_every_public_name_has_an_entry():
    entries = re.findall(r"^\.\. (?:auto\w+|py:data):: kl_lib\.audit\.(\w+)$", PAGE, re.M)
    assert sorted(entries) == sorted(kl_lib.audit.__all__)


def test_the_options_on_the_page_are_those_of_the_command():
    from calling import invoke

    text = invoke("audit", "--help").stdout
    for option in set(re.findall(r"--[a-z][a-z-]+", PAGE)):
        assert option in text
