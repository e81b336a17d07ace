"""``# noqa`` and ``# noqa: KLD101`` at the end of a line."""

from __future__ import annotations

import re
from collections.abc import Sequence

_NOQA = re.compile(r"#\s*noqa\b(?P<codes>:\s*[A-Z]+\d+(?:[\s,]+[A-Z]+\d+)*)?", re.I)


def silenced(lines: Sequence[str], first: int, last: int, code: str) -> bool:
    """True if a finding of lines `first` to `last` is silenced in its first or its last line.

    Examples
    --------
    >>> silenced(["kl = kl_div(p, q)  # noqa: KLD101"], 1, 1, "KLD101")
    True
    >>> silenced(["kl = kl_div(p, q)  # noqa: E501"], 1, 1, "KLD101")
    False
    """
    for number in {first, last}:
        said = _NOQA.search(lines[number - 1]) if 0 < number <= len(lines) else None
        if said is not None:
            codes = said["codes"]
            if codes is None or code in re.findall(r"[A-Z]+\d+", codes.upper()):
                return True
    return False
