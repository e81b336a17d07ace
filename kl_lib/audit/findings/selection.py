"""Which rules run: all that are on by default, less or more as the user says."""

from __future__ import annotations

from collections.abc import Iterable

from ..errors import AuditError
from ..rules import RULES, Rule


def selected(
    select: Iterable[str] | None = None,
    ignore: Iterable[str] = (),
    extend: Iterable[str] = (),
) -> list[Rule]:
    """Rules by codes or beginnings of codes: `select` in place of the default, `extend` beside it.

    Raises
    ------
    AuditError
        A code that no rule has.

    Examples
    --------
    >>> import kl_lib.audit
    >>> [rule.code for rule in selected(["KLD17"], ignore=["KLD176", "KLD174", "KLD173"])]
    ['KLD171', 'KLD172', 'KLD175']
    """
    if select is None:
        codes = {code for code, rule in RULES.items() if rule.default}
    else:
        codes = _codes(select)
    codes = (codes | _codes(extend)) - _codes(ignore)
    return [RULES[code] for code in sorted(codes)]


def _codes(wanted: Iterable[str]) -> set[str]:
    found: set[str] = set()
    for text in wanted:
        code = "KLD" if text.upper() == "ALL" else text.upper()
        matching = {known for known in RULES if known.startswith(code)} if code else set()
        if not matching:
            raise AuditError(
                f"rule is {text!r}, expected a code such as KLD101 or a beginning such as KLD1; "
                "`kl-lib audit --rules` lists them"
            )
        found |= matching
    return found
