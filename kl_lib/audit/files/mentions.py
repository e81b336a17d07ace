"""Whether a file may have a KL in it, by its text alone: most have none, and are not read."""

from __future__ import annotations

import re

#: Names of which one is enough, in small letters.
_NAMES = (b"kl_div", b"kldiv", b"kullback", b"kld", b"rel_entr", b"jensenshannon", b"xlogy")
_ENTROPY = re.compile(rb"\bentropy\b")
_LOGARITHM = re.compile(rb"log(?:2|10|_softmax)?\(")
# The 1 of the VAE's formula, and how far around it the rest is looked for.
_ONE = re.compile(rb"\b1(?:\.0*)?\s*[-+]|[-+]\s*1(?:\.0*)?\b")
_AROUND = 200
_SQUARES = (b"square(", b"pow(", b"**")


def mentions_kl(raw: bytes) -> bool:
    """False for a file that has no KL in it, by its text alone.

    Examples
    --------
    >>> mentions_kl(b"loss = F.kl_div(log_q, p)"), mentions_kl(b"loss = F.cross_entropy(q, y)")
    (True, False)
    """
    small = raw.lower()
    if any(name in small for name in _NAMES):
        return True
    if b"scipy" in small and _ENTROPY.search(small):
        return True
    return _is_by_hand(small) or _is_gaussian(small)


def _is_by_hand(text: bytes) -> bool:
    """True if a logarithm stands near a product or holds a quotient."""
    for match in _LOGARITHM.finditer(text):
        start, end = match.span()
        before, after = text[max(0, start - 60) : start], text[end : end + 60]
        if b"*" in before or b"*" in after or b"/" in after:
            return True
    return False


def _is_gaussian(text: bytes) -> bool:
    """True if the terms of 1 + log σ² - μ² - σ² stand together."""
    for match in _ONE.finditer(text):
        around = text[max(0, match.start() - _AROUND) : match.end() + _AROUND]
        squares = sum(around.count(square) for square in _SQUARES)
        if squares > 1 or (squares and b"log" in around):
            return True
        if b"exp(" in around and b"*" in around:
            return True
    return False
