"""The page of the audit's rules: its text is that of the rules themselves, and can't go stale.

Where `book/audit_rules.md` says ``% the rules``, every rule of `kl_lib.audit` is written, by
groups, with an anchor such as ``kld101`` to which the audit's reports can point.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterable
from itertools import groupby

from sphinx.application import Sphinx

from kl_lib.audit import RULES, Rule

PAGE = "book/audit_rules"
TABLE, SECTIONS = "% the table", "% the rules"


def fill(app: Sphinx, docname: str, source: list[str]) -> None:
    if docname == PAGE:
        source[0] = page(source[0], RULES.values())


def page(text: str, rules: Iterable[Rule]) -> str:
    """The page's own text with the table and the section of every rule in their places."""
    ordered = sorted(rules, key=lambda rule: rule.code)
    return text.replace(TABLE, table(ordered)).replace(SECTIONS, sections(ordered))


def table(rules: Iterable[Rule]) -> str:
    """One row a rule: its code, what it flags, whether it is on, and whether it can be mended."""
    rows = ["| code | flags | default |", "|---|---|---|"]
    for rule in rules:
        code = f"{{ref}}`{rule.code} <{anchor(rule)}>`"
        state = ("on" if rule.default else "off") + (", fix" if rule.fixable else "")
        rows.append(f"| {code} | {markdown(rule.summary)} | {state} |")
    return "\n".join(rows)


def sections(rules: Iterable[Rule]) -> str:
    """The rules by groups, which are the modules that hold them, in the order of their codes."""
    by_group = sorted(rules, key=lambda rule: (first_code(rule, rules), rule.code))
    parts = []
    for module, members in groupby(by_group, key=lambda rule: rule.check.__module__):
        parts.append(f"## {markdown(title(module))}")
        parts += [section(rule) for rule in members]
    return "\n\n".join(parts)


def first_code(rule: Rule, rules: Iterable[Rule]) -> str:
    """The lowest code of a rule's group."""
    return min(one.code for one in rules if one.check.__module__ == rule.check.__module__)


def title(module: str) -> str:
    """The first line of a module's docstring, without its full stop."""
    text = sys.modules[module].__doc__ or module
    return text.strip().splitlines()[0].rstrip(".")


def section(rule: Rule) -> str:
    """What one rule means, a program that it flags, the same as it should be, how to silence it."""
    state = "On by default" if rule.default else f"Off by default: `--extend-select {rule.code}`"
    mends = ", and `--fix` mends it" if rule.fixable else ""
    return f"""({anchor(rule)})=
### {rule.code}: {markdown(rule.summary)}

`{rule.name}`. {state}{mends}.

{markdown(rule.why)}

Flagged:

```python
{rule.wrong.rstrip()}
```

As it should be:

```python
{rule.right.rstrip()}
```

Where it is meant, end the line with `# noqa: {rule.code}`."""


def anchor(rule: Rule) -> str:
    return rule.code.lower()


def markdown(text: str) -> str:
    """Plain text in which only `single backticks` mean something, as in docstrings."""
    parts = re.split(r"(`[^`]+`)", text)
    return "".join(
        part if i % 2 else re.sub(r"([\\*_$<\[\]{}~|])", r"\\\1", part)
        for i, part in enumerate(parts)
    )


def setup(app: Sphinx) -> dict[str, bool]:
    app.connect("source-read", fill)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
