"""What PyTorch gave, for readers who do not have it: measured once, stored, read by the chapter on libraries.

The book's environment has no PyTorch (it is large, and everything else runs without it), so the
chapter shows a recording. Where PyTorch is installed, ``python -m kl_lib.frameworks.record``
measures again and writes ``results/frameworks/torch.json``; a test compares the two.
"""

from __future__ import annotations

import json
import warnings
from pathlib import Path
from typing import Any

import numpy as np

from . import _shared, torch

#: The pairs of that chapter: p, q.
PAIRS: dict[str, tuple[list[float], list[float]]] = {
    "no zeros": ([0.2, 0.5, 0.2, 0.1], [0.3, 0.4, 0.1, 0.2]),
    "p = 0": ([0.0, 0.5, 0.3, 0.2], [0.3, 0.4, 0.1, 0.2]),
    "q = 0": ([0.2, 0.5, 0.2, 0.1], [0.0, 0.7, 0.1, 0.2]),
    "both 0": ([0.0, 0.5, 0.3, 0.2], [0.0, 0.4, 0.4, 0.2]),
    "q = 1e-10": ([0.5, 0.5], [1e-10, 1 - 1e-10]),
    "counts": ([2.0, 5.0, 2.0, 1.0], [3.0, 4.0, 1.0, 2.0]),
    "q sums to 0.6": ([0.5, 0.5], [0.3, 0.3]),
    "p below 0": ([-0.1, 1.1], [0.5, 0.5]),
}

#: Three distributions against three, for what a call does with a batch.
BATCH: tuple[list[list[float]], list[list[float]]] = (
    [[0.2, 0.5, 0.2, 0.1], [0.1, 0.1, 0.1, 0.7], [0.25, 0.25, 0.25, 0.25]],
    [[0.3, 0.4, 0.1, 0.2], [0.2, 0.5, 0.2, 0.1], [0.1, 0.2, 0.3, 0.4]],
)

LOGITS = [0.0, 1.0, 200.0, -200.0]


def measure() -> dict[str, Any]:
    """PyTorch's answers: each pair by four calls, a batch by each reduction, three gradients.

    Returns
    -------
    dict
        ``library``; ``pairs``, a dict of call to dict of pair to value (None where PyTorch
        refuses); ``batch``, reduction to value; ``gradient``, name of p to gradient at `LOGITS`.
    """
    pairs: dict[str, dict[str, float | None]] = {}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # PyTorch's own, about reduction="mean"
        for reduction in ("mean", "batchmean", "sum"):
            pairs[f"kl_div {reduction}"] = {
                name: _kl_div(p, q, reduction) for name, (p, q) in PAIRS.items()
            }
        pairs["distributions"] = {name: _categorical(p, q) for name, (p, q) in PAIRS.items()}
        batch = {
            reduction: _kl_div(*BATCH, reduction) for reduction in ("mean", "batchmean", "sum")
        }
    return {
        "library": torch.version(),
        "pairs": pairs,
        "batch": batch,
        "gradient": {
            "uniform": torch.gradient([0.25] * 4, LOGITS).tolist(),
            "one-hot": torch.gradient([1.0, 0.0, 0.0, 0.0], LOGITS).tolist(),
        },
    }


def _kl_div(p: Any, q: Any, reduction: str) -> float:
    log_q = _shared.log(np.array(q))
    return float(torch.raw(log_q, np.array(p), reduction=reduction))


def _categorical(p: Any, q: Any) -> float | None:
    try:
        return float(torch.raw(np.array(p), np.array(q), call="Categorical"))
    except ValueError:
        return None


def recorded() -> dict[str, Any]:
    """The recording: what `measure` returned where PyTorch was installed.

    Examples
    --------
    >>> from kl_lib.frameworks.record import recorded
    >>> recorded()["library"].split()[0]
    'torch'
    """
    return json.loads(_path().read_text())


def _path() -> Path:
    from kl_lib.experiments import book_results

    return book_results() / "frameworks" / "torch.json"


if __name__ == "__main__":
    path = _path()
    path.parent.mkdir(exist_ok=True)
    # nan and inf stand as NaN and Infinity: Python's own JSON, read back by `recorded`.
    path.write_text(json.dumps(measure(), indent=1) + "\n")
    print(f"{torch.version()}: wrote {path.name}")
