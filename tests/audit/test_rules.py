"""Each rule flags its wrong example, and nothing in its right one."""

from __future__ import annotations

import pytest

from kl_lib.audit import RULES, audit_source

CODES = sorted(RULES)


def codes(text: str, *more: str) -> list[str]:
    return sorted({finding.code for finding in audit_source(text, extend_select=more)})


@pytest.mark.parametrize("code", CODES)
def test_the_wrong_example_is_flagged_with_this_code_and_no_other(code):
    assert codes(RULES[code].wrong, code) == [code]


@pytest.mark.parametrize("code", CODES)
def test_the_right_example_is_clean(code):
    assert codes(RULES[code].right, code) == []


@pytest.mark.parametrize("code", CODES)
def test_a_rule_says_what_and_why(code):
    rule = RULES[code]
    assert rule.code == code
    assert rule.summary
    assert len(rule.why) > 60
    compile(rule.wrong, "wrong", "exec")
    compile(rule.right, "right", "exec")
    assert len({rule.name for rule in RULES.values()}) == len(RULES)


def test_rules_that_flag_what_may_be_meant_are_off():
    off = {code for code, rule in RULES.items() if not rule.default}
    assert {"KLD112", "KLD117", "KLD151", "KLD176", "KLD185", "KLD211", "KLD212", "KLD213"} == off
