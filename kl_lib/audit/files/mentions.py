"""Whether a file may have a KL in it, by its text alone: most have none, and are not read."""

from __future__ import annotations

import re

#: Names of which one is enough, in small letters.
_NAMES = (b"kl_div", b"kldiv", b"kullback", b"kld", b"rel_entr", b"jensenshannon", b"xlogy")
_ENTROPY = re.compile(rb"\bentropy\b")
# A logarithm, not what a logger is told, and what makes a summand p * log(p / q) of it.
_LOGARITHM = re.compile(rb"\blog(?:2|10|_softmax)?\((?!\s*[frb]?[\"'])")
_PRODUCT = re.compile(rb"[\w)\]]\s*\*\s*[^\s*]|mul(?:tiply)?\(")
_QUOTIENT = re.compile(rb"[\w)\]]\s*/\s*[\w(]|div(?:ide)?\(")
# The 1 of the VAE's formula, and its square.
_ONE = re.compile(rb"(?<![\w.])1(?:\.0*)?\s*[-+]|[-+]\s*1(?:\.0*)?(?![\w.])")
_SQUARE = re.compile(rb"[\w)\]]\s*\*\*\s*2\b|\bsquare\(|\bpow(?:er)?\(")
_TIMES_ITSELF = re.compile(rb"\b([a-z_][\w.]*)\s*\*\s*\1\b|mul(?:tiply)?\(")
# How far around the one the other is looked for.
_NEAR, _AROUND = 60, 200


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
    """True if a logarithm holds a quotient, or stands by a product and another or a quotient."""
    for match in _LOGARITHM.finditer(text):
        start, end = match.span()
        if _QUOTIENT.search(text, end, end + _NEAR):
            return True
        if _PRODUCT.search(text, max(0, start - _NEAR), end + _NEAR):
            around = text[max(0, start - _AROUND) : end + _AROUND]
            if len(_LOGARITHM.findall(around)) > 1 or _QUOTIENT.search(around):
                return True
    return False


def _is_gaussian(text: bytes) -> bool:
    """True if the terms of 1 + log σ² - μ² - σ² stand together."""
    for match in _ONE.finditer(text):
        around = text[max(0, match.start() - _AROUND) : match.end() + _AROUND]
        if around.count(b"+") + around.count(b"-") < 3:
            continue
        squares = len(_SQUARE.findall(around))
        exponential = b"exp(" in around
        if squares > 1 or (squares and (exponential or b"log" in around)):
            return True
        if exponential and _TIMES_ITSELF.search(around):
            return True
    return False
