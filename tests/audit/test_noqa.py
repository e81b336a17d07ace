"""``# noqa`` silences a line."""

from __future__ import annotations

import pytest
from auditing import codes

CALL = "F.kl_div(F.softmax(s, -1), p)"


@pytest.mark.parametrize(
    ("comment", "left"),
    [
        ("", ["KLD101", "KLD111"]),
        ("  # noqa", []),
        ("  # NOQA", []),
        ("  # noqa: KLD101", ["KLD111"]),
        ("  # noqa: E501, KLD111", ["KLD101"]),
        ("  # noqa: KLD101,KLD111", []),
        ("  # noqa: KLD101 KLD111 - as published", []),
        ("  # noqa: E501", ["KLD101", "KLD111"]),
        ("  # type: ignore  # noqa: KLD101", ["KLD111"]),
    ],
)
def test_a_comment_silences_its_codes(comment, left):
    assert codes(CALL + comment) == left


def test_the_last_line_of_a_call_counts_too():
    call = "F.kl_div(\n    F.softmax(s, -1), p, reduction='sum'\n)"
    assert codes(call) == ["KLD101"]
    assert codes(call + "  # noqa: KLD101") == []


def test_another_line_does_not():
    assert codes(f"x = 1  # noqa\n{CALL}") == ["KLD101", "KLD111"]
