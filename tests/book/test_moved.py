"""Old addresses: renamed pages lead on, and so do anchors whose section has another page now."""

from __future__ import annotations

import sys

import pytest
import yaml
from building import REPOSITORY, moved_pages

sys.path.append(str(REPOSITORY / "book" / "_ext"))
from kl_moved import address, faults

MOVED = moved_pages()
RENAMED = {old: new for old, new in MOVED.items() if isinstance(new, str)}
PARTS = [
    (old, new, part)
    for old, where in MOVED.items()
    if isinstance(where, dict)
    for new, parts in where.items()
    for part in parts
]


def test_chapter_9_was_renamed_and_chapter_8_was_split():
    """What published links point to. An entry may be added here, and none taken away."""
    assert RENAMED.keys() >= {"notebooks/09_one_number_five_libraries"}
    parts = {part for old, _, part in PARTS if old == "notebooks/08_keras_cifar10"}
    assert parts >= {"sec-cifar-drift", "sec-cifar-where-they-differ", "sec-cifar-bfloat16"}


@pytest.mark.parametrize("old", RENAMED)
def test_an_old_page_leads_on_without_javascript(site, old):
    text = (site / f"{old}.html").read_text("utf-8")
    target = address(old, RENAMED[old])
    assert f'<noscript><meta http-equiv="Refresh" content="0; url={target}"></noscript>' in text
    assert f'<a href="{target}">' in text
    assert (site / old).with_name(target).is_file()


@pytest.mark.parametrize("old", RENAMED)
def test_an_old_page_leads_on_to_the_same_anchor(browser, site, old):
    page = browser.new_page()
    page.goto(f"{(site / old).as_uri()}.html#libraries-recipes")
    page.wait_for_url(f"**/{RENAMED[old]}.html#libraries-recipes")
    assert page.locator("#libraries-recipes").count() == 1
    page.close()


@pytest.mark.parametrize(("old", "new", "part"), PARTS)
def test_a_part_that_went_away_is_on_its_new_page_only(site, old, new, part):
    assert f'id="{part}"' in (site / f"{new}.html").read_text("utf-8")
    assert f'id="{part}"' not in (site / f"{old}.html").read_text("utf-8")


def test_who_asks_for_a_part_that_went_away_is_led_to_it(browser, site):
    old, new, part = PARTS[0]
    page = browser.new_page()
    page.goto(f"{(site / old).as_uri()}.html#{part}")
    page.wait_for_url(f"**/{new}.html#{part}")
    page.goto(f"{(site / old).as_uri()}.html")
    page.evaluate(f"location.hash = '{part}'")
    page.wait_for_url(f"**/{new}.html#{part}")
    page.close()


def test_who_asks_for_a_part_that_stayed_stays(browser, site):
    page = browser.new_page()
    page.goto(f"{(site / PARTS[0][0]).as_uri()}.html#sec-cifar-thirty")
    page.wait_for_timeout(300)
    assert page.url.endswith(f"{PARTS[0][0]}.html#sec-cifar-thirty")
    page.close()


@pytest.mark.parametrize(
    ("here", "there", "relative"),
    [
        ("notebooks/09_a", "notebooks/10_a", "10_a.html"),
        ("a", "notebooks/b", "notebooks/b.html"),
        ("book/deep/a", "notebooks/b", "../../notebooks/b.html"),
    ],
)
def test_the_address_is_relative_to_the_old_page(here, there, relative):
    assert address(here, there) == relative


@pytest.mark.parametrize(
    ("old", "new", "found"),
    [
        ("old", "new", []),
        ("old", "gone", ["there is no page gone"]),
        ("new", "new", ["new is a page of the book"]),
        ("whole", {"new": ["x"]}, []),
        ("whole", {"gone": ["x"]}, ["there is no page gone"]),
        ("gone", {"new": ["x"]}, ["there is no page gone"]),
    ],
)
def test_an_entry_that_leads_nowhere_is_found(old, new, found):
    assert faults({"new", "whole"}, old, new) == found


def test_the_configuration_has_no_such_entry():
    toc = yaml.safe_load((REPOSITORY / "_toc.yml").read_text("utf-8"))
    pages = {entry["file"] for part in toc["parts"] for entry in part["chapters"]}
    assert [fault for old, new in MOVED.items() for fault in faults(pages, old, new)] == []
