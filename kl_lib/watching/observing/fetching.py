"""Tensors of any library as `Argument`: read on the side, without a trace in gradient or graph.

What is on a GPU comes over in one transfer for each call that is looked at. `Unseen` is raised for
what has no values to read: what a compiler traces, what a transformation wraps.
"""

from __future__ import annotations

import math
import sys
from typing import Any

import numpy as np

from ..judging.arguments import Argument, Array, lines

#: What a compiler traces has no values: the words for it, and what to do about it.
XLA = "compiled by XLA", "pass jit_compile=False"
JAX = "traced by JAX", "call it under jax.disable_jit(), in Keras with run_eagerly=True"
DYNAMO = "compiled by torch.compile", "call it without torch.compile"


class Unseen(Exception):  # noqa: N818 - a result, which no user meets as an error
    """Why a call can't be looked at, and what would change that."""

    def __init__(self, why: str, remedy: str) -> None:
        super().__init__(why)
        self.why, self.remedy = why, remedy


def not_understood(error: Exception) -> Unseen:
    """Why a look has failed for a reason that nobody thought of."""
    why = " ".join(f"not understood ({type(error).__name__}: {error})".split())
    return Unseen(why, "tell the authors of kl_lib")


def library(value: Any) -> str:
    """The library whose tensor this is: "torch", "tensorflow", "jax", "mxnet", or "numpy"."""
    for kind in type(value).__mro__:
        root = kind.__module__.partition(".")[0]
        if root in ("torch", "tensorflow", "mxnet") or kind.__name__ == "KerasTensor":
            return root
        if root in ("jax", "jaxlib"):
            return "jax"
    return "numpy"


def in_graph(*values: Any) -> bool:
    """Whether TensorFlow is tracing a graph, and these are part of it."""
    tf = sys.modules.get("tensorflow")
    return (
        tf is not None
        and not tf.executing_eagerly()
        and any(library(value) == "tensorflow" for value in values)
    )


def check(*values: Any) -> None:
    """Raise `Unseen` where these can't be read. Reads no value, so that it costs nothing."""
    for value in values:
        kind = library(value)
        if kind == "torch":
            _check_torch(value)
        elif kind == "jax" and "jax" in sys.modules:
            _concrete(value)
        elif kind == "keras":
            raise Unseen("built into a functional model", "call it in the loss that compile takes")
        elif kind == "mxnet" and type(value).__name__ == "Symbol":
            raise Unseen("part of a hybridized block", "call the loss outside of it")


def fetch(*values: Any) -> list[Argument]:
    """These as arguments, all by one transfer where they are on a GPU."""
    kinds = {library(value) for value in values}
    if "torch" in kinds:
        return _from_torch(values)
    if "tensorflow" in kinds and any(map(_on_gpu, values)):
        return _from_tensorflow(values)
    if "mxnet" in kinds and any(map(_on_gpu, values)):
        return _from_mxnet(values)
    if "jax" in kinds:
        import jax

        values = tuple(jax.device_get([_concrete(value) for value in values]))
    return [_from_memory(value) for value in values]


def _from_memory(value: Any) -> Argument:
    kind = library(value)
    if kind in ("mxnet", "tensorflow"):
        value = value.asnumpy() if kind == "mxnet" else value.numpy()
    array = np.asarray(value)
    if array.dtype.kind not in "biuf" and array.dtype.name != "bfloat16":
        raise Unseen(f"of {array.dtype.name} values", "pass arrays of numbers")
    parts = {axis: array[index].astype(np.float64) for axis, index in lines(array.shape).items()}
    return Argument(array.shape, array.dtype.name, parts)


def parted(shapes: list[tuple[int, ...]], flat: Array) -> list[dict[int | None, Array]]:
    """The parts of several tensors, of these shapes, from all their entries one after the other."""
    found, start = [], 0
    for shape in shapes:
        parts = {}
        for axis, index in lines(shape).items():
            size = tuple(len(range(*x.indices(n))) for x, n in zip(index, shape, strict=True))
            end = start + math.prod(size)
            parts[axis] = flat[start:end].reshape(size)
            start = end
        found.append(parts)
    return found


# PyTorch


def _check_torch(value: Any) -> None:
    import torch

    compiling = getattr(torch.compiler, "is_compiling", torch.jit.is_tracing)
    if compiling() or type(value).__name__ in ("FakeTensor", "FunctionalTensor"):
        raise Unseen(*DYNAMO)
    if torch.jit.is_tracing():
        raise Unseen("traced by torch.jit.trace", "call the function itself")
    kinds = (torch.Tensor, torch.nn.Parameter)
    if type(value) not in kinds or value.layout is not torch.strided or value.is_nested:
        raise Unseen(f"a {type(value).__name__} of PyTorch's", "pass a plain tensor")
    functorch = getattr(torch._C, "_functorch", None)
    if functorch is not None and functorch.is_functorch_wrapped_tensor(value):
        raise Unseen("transformed by torch.func", "call it outside of vmap and grad")
    if value.device.type == "meta":
        raise Unseen("on the device meta, without values", "pass tensors with values")
    if value.is_cuda and torch.cuda.is_current_stream_capturing():
        raise Unseen("captured as a CUDA graph", "call it without the graph")


def _from_torch(values: tuple[Any, ...]) -> list[Argument]:
    import torch

    with torch.no_grad():
        tensors = [x if isinstance(x, torch.Tensor) else torch.as_tensor(x) for x in values]
        pieces = [
            x.detach()[index].to(torch.float64 if x.device.type != "mps" else torch.float32)
            for x in tensors
            for index in lines(tuple(x.shape)).values()
        ]
        flat = torch.cat([piece.reshape(-1) for piece in pieces]).cpu().numpy()
    shapes = [tuple(x.shape) for x in tensors]
    return [
        Argument(
            shape,
            str(x.dtype).partition(".")[2],
            parts,
            x.requires_grad and torch.is_grad_enabled(),
        )
        for shape, x, parts in zip(shapes, tensors, parted(shapes, flat), strict=True)
    ]


# TensorFlow


def _on_gpu(value: Any) -> bool:
    place = getattr(value, "device", None) or getattr(value, "context", "")
    return "gpu" in str(place).lower()


def _from_tensorflow(values: tuple[Any, ...]) -> list[Argument]:
    import tensorflow as tf

    with tf.init_scope():  # no tape records what is done here
        tensors = [tf.convert_to_tensor(x) for x in values]
        pieces = [
            tf.reshape(tf.cast(x[index], tf.float64), [-1])
            for x in tensors
            for index in lines(tuple(x.shape)).values()
        ]
        flat = tf.concat(pieces, 0).numpy()
    shapes = [tuple(x.shape) for x in tensors]
    return [
        Argument(shape, x.dtype.name, parts)
        for shape, x, parts in zip(shapes, tensors, parted(shapes, flat), strict=True)
    ]


# MXNet


def _from_mxnet(values: tuple[Any, ...]) -> list[Argument]:
    import mxnet as mx

    with mx.autograd.pause():  # nothing that is done here is part of a gradient
        pieces = [
            x[index].astype("float64").reshape(-1)
            for x in values
            for index in lines(tuple(x.shape)).values()
        ]
        flat = mx.nd.concat(*pieces, dim=0).asnumpy()
    shapes = [tuple(x.shape) for x in values]
    return [
        Argument(shape, np.dtype(x.dtype).name, parts)
        for shape, x, parts in zip(shapes, values, parted(shapes, flat), strict=True)
    ]


# JAX


def _concrete(value: Any) -> Any:
    """The array inside what `jax.grad` alone has wrapped."""
    import jax

    while isinstance(value, jax.core.Tracer):
        if not hasattr(value, "primal"):
            raise Unseen(*JAX)
        value = value.primal
    return value
