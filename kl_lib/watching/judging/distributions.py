"""A KL of two distribution objects, of PyTorch or TensorFlow Probability."""

from __future__ import annotations

import warnings
from dataclasses import replace
from typing import Any

import numpy as np

from kl_lib.errors import DistributionError, NoClosedFormError

from ..codes import Finding
from . import results
from .arguments import Argument
from .asked import Call
from .examination import Examination

#: What to do about an infinite KL of two distributions.
INFINITE = "take a q that is positive wherever p is"


def of_distributions(call: Call, result: Argument) -> Examination:
    """What is wrong with the result, and with the shapes of the two batches."""
    values = next(iter(result.parts.values()))
    found = {x.code: x for x in results.findings(values, result.dtype, INFINITE)}
    shapes = [tuple(x.batch_shape) for x in (call.p, call.q)]
    known = all(None not in shape for shape in shapes)
    if known and np.broadcast_shapes(*shapes) not in shapes:
        told = f"the batches have shapes {shapes[0]} and {shapes[1]}, which broadcast to "
        told += str(np.broadcast_shapes(*shapes))
        found[304] = Finding(304, told, "give both one batch shape")
    gave = float(np.mean(values)) if values.size else None
    return Examination(tuple(found[code] for code in sorted(found)), gave)


def with_closed_form(call: Call, seen: Examination, result: Any) -> Examination:
    """With the exact KL, where kl_lib has it and the parameters lie in main memory."""
    if any(x in str(getattr(result, "device", "")).lower() for x in ("gpu", "cuda", "mps")):
        return seen  # reading the parameters would wait for the device once more
    from kl_lib.families import kl_between

    try:
        with np.errstate(all="ignore"), warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of the gradient, which is no matter here
            values = np.asarray(kl_between(call.p, call.q))
    except (NoClosedFormError, DistributionError):
        return seen
    return replace(seen, kl=float(np.mean(values)), rows=values.size)
