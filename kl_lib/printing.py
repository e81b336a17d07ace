"""Text as the standard output can show it, which may know no Unicode."""

from __future__ import annotations

import io
import sys
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from rich.console import Console
    from rich.progress import Progress, ProgressColumn

_ASCII = {"‖": "||", "±": "+-", "−": "-", "·": "*", "…": "..."}


def printable(text: str) -> str:
    """`text` for `sys.stdout`: what its encoding does not have is written in ASCII.

    ‖ becomes ``||``, ± becomes ``+-``, and what has no such likeness a question mark.

    Examples
    --------
    >>> import io, sys
    >>> from contextlib import redirect_stdout
    >>> with redirect_stdout(io.TextIOWrapper(io.BytesIO(), encoding="ascii")):
    ...     text = printable("KL(p‖q) = 0.5 ± 0.1")
    >>> text
    'KL(p||q) = 0.5 +- 0.1'
    """
    encoding = getattr(sys.stdout, "encoding", None) or "utf-8"

    def shown(sign: str) -> str:
        try:
            sign.encode(encoding)
        except UnicodeEncodeError:
            return _ASCII.get(sign, "?")
        return sign

    return text if text.isascii() else "".join(map(shown, text))


def progress_bar(console: Console, *columns: str | ProgressColumn) -> Progress:
    """A bar of these columns while something goes on: only on a terminal, and gone at its end."""
    from rich.progress import Progress

    return Progress(*columns, console=console, transient=True, disable=not console.is_terminal)


def plain_text(renderable: Any) -> str:
    """What rich would print of an object, in 100 columns, as text without colours."""
    from rich.console import Console

    out = io.StringIO()
    Console(file=out, width=100, color_system=None, legacy_windows=False).print(renderable)
    return out.getvalue().rstrip()
