"""What PyTorch answers on the pairs of the calculator, recorded where it is installed.

`python tests/book/calculator_torch.py` writes calculator_torch.json. Where PyTorch is not
installed, tests ask the record in its place.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import calculator_pairs
import numpy as np

from kl_lib import diagnose, frameworks

RECORD = Path(__file__).with_name("calculator_torch.json")


class Recorded:
    """Stands in for `kl_lib.frameworks.torch`, and answers call by call what was recorded."""

    def __init__(self, answers: dict[str, Any]) -> None:
        self.version = lambda: answers["version"]
        self.answers = answers["pairs"]
        self.next: list[dict] = []

    def load(self) -> None:
        """Nothing is to be imported."""

    def begin(self, pair: str) -> None:
        self.next = list(self.answers[pair])

    def raw(self, *given: Any, **options: Any) -> Any:
        answer = self.next.pop(0)
        if "error" in answer:
            name, _, message = answer["error"].partition(": ")
            raise type(name, (Exception,), {})(message)
        return np.array(answer["values"], dtype=float).reshape(answer["shape"])


class Recorder:
    """Makes the calls of PyTorch and keeps what they gave."""

    def __init__(self) -> None:
        self.kept: list[dict] = []
        self.ask = frameworks.torch.raw

    def raw(self, *given: Any, **options: Any) -> Any:
        try:
            value = np.asarray(self.ask(*given, **options))
        except Exception as error:
            name, first = type(error).__name__, str(error).splitlines()[0]
            self.kept.append({"error": f"{name}: {first}"})
            raise
        values = [x if np.isfinite(x) else str(x) for x in value.ravel().tolist()]
        self.kept.append({"shape": value.shape, "values": values})
        return value


def record() -> None:
    pairs = {}
    for name, p, q, options in calculator_pairs.pairs():
        recorder = Recorder()
        frameworks.torch.raw = recorder.raw
        given = map(calculator_pairs.as_python, (p, q))
        diagnose(*given, libraries=("torch",), **options)
        frameworks.torch.raw = recorder.ask
        pairs[name] = recorder.kept
    lines = [f"{json.dumps(name)}: {json.dumps(kept)}" for name, kept in pairs.items()]
    version = json.dumps(frameworks.torch.version())
    text = ",\n".join(lines)
    RECORD.write_text(f'{{"version": {version}, "pairs": {{\n{text}\n}}}}\n')


if __name__ == "__main__":
    record()
