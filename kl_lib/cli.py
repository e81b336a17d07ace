"""The ``kl-lib`` command. It starts without loading a framework: only what needs one does."""

from __future__ import annotations

import os
import sys


def main() -> None:
    """Run ``kl-lib`` and exit: 0 done, 1 an error, 2 a wrong command line, 130 interrupted."""
    try:
        from .commands import app
    except ModuleNotFoundError as missing:
        if missing.name is None or missing.name.partition(".")[0] not in ("typer", "rich"):
            raise
        sys.exit(f'kl-lib needs {missing.name}: pip install "kl-lib[cli]"')
    if (here := os.getcwd()) not in sys.path:
        sys.path.append(here)  # experiments and parts of them may lie where kl-lib is called
    try:
        app(prog_name="kl-lib")
    except KeyboardInterrupt:
        # One that came while libraries were loading; during a run there is a message of its own.
        print("Interrupted.", file=sys.stderr)
        sys.exit(130)


if __name__ == "__main__":
    main()
