"""The page of the audit's rules: every rule has its place there, in its own words."""

import re
import sys

import pytest
from building import REPOSITORY

pytest.importorskip("sphinx")
pytest.importorskip("libcst")
sys.path.insert(0, str(REPOSITORY / "book" / "_ext"))

import kl_audit_rules

from kl_lib.audit import RULES

OWN = (REPOSITORY / "book" / "audit_rules.md").read_text("utf-8")
PAGE = kl_audit_rules.page(OWN, RULES.values())


def test_every_rule_has_an_anchor_a_row_and_a_section_in_the_order_of_its_group():
    anchors = re.findall(r"^\((kld\d+)\)=\n### (KLD\d+): ", PAGE, re.M)
    assert sorted(code for _, code in anchors) == sorted(RULES)
    assert all(anchor == code.lower() for anchor, code in anchors)
    assert re.findall(r"^\| \{ref\}`(KLD\d+) <", PAGE, re.M) == sorted(RULES)


@pytest.mark.parametrize("code", RULES)
def test_a_section_says_what_the_rule_says(code):
    (text,) = re.findall(rf"^\({code.lower()}\)=\n(.*?# noqa: {code}`\.)", PAGE, re.M | re.S)
    rule = RULES[code]
    assert re.findall(r"```python\n(.*?)```", text, re.S) == [rule.wrong, rule.right]
    assert kl_audit_rules.markdown(rule.why) in text
    assert ("`--fix` mends it" in text) == rule.fixable
    assert ("Off by default" in text) != rule.default


def test_the_page_as_it_is_written_holds_no_rule_of_its_own():
    assert not re.search(r"^#+ KLD", OWN, re.M)
    assert OWN.count(kl_audit_rules.TABLE) == OWN.count(kl_audit_rules.SECTIONS) == 1


def test_text_is_no_markup():
    assert kl_audit_rules.markdown("a*b* `log_p` of x_1 [$]") == r"a\*b\* `log_p` of x\_1 \[\$\]"
