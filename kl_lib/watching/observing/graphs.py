"""TensorFlow's graphs: an observer among the operations.

Keras calls its loss while it traces, once, with tensors that have no values. So an operation is put
into the graph that asks Python whether to look at this step, and if so another hands the values
over. Nothing that the program computes depends on them. When no watch is on, the first says no.
"""

from __future__ import annotations

import weakref
from typing import TYPE_CHECKING, Any

import numpy as np

from ..judging import examine
from ..judging.arguments import LIMIT, Argument, Array
from ..judging.asked import Call
from .fetching import XLA, Unseen, not_understood
from .stack import Line, innermost
from .watches import WATCHES, WITHIN, cannot_see

if TYPE_CHECKING:
    from ..session import Watch
    from ..sites import Site

SCOPE = "kl_lib_watch"
#: Graphs traced in a block that could not be given an observer, and why.
WITHOUT_OBSERVER: weakref.WeakKeyDictionary[Any, Unseen] = weakref.WeakKeyDictionary()


class Observer:
    """Of one call in one graph: counts its steps, and takes in what is handed over."""

    def __init__(self, name: str, line: Line, call: Call, dtypes: list[str]) -> None:
        self.name, self.line, self.call, self.dtypes = name, line, call, dtypes
        self.steps: weakref.WeakKeyDictionary[Watch, int] = weakref.WeakKeyDictionary()
        self.looks: list[tuple[Watch, Site]] = []

    def wanted(self) -> np.bool_:
        """Whether to look at this step."""
        if not WATCHES:
            return np.False_
        looks = []
        for watch in (*WATCHES,):
            site = watch.site(self.name, self.line)
            watch.called(site)
            self.steps[watch] = self.steps.get(watch, 0) + 1
            if watch.counts(self.steps[watch]):
                looks.append((watch, site))
        self.looks = looks
        return np.bool_(bool(looks))

    def take(self, flat: Array, *shapes: Array) -> None:
        """The values of one step: what was fetched of each tensor, one after the other."""
        looks, self.looks = self.looks, []
        WITHIN.busy = True
        try:
            seen = examine(self.call, self._arguments(flat, shapes))
            for watch, site in looks:
                watch.add(site, seen, now=False)
        except Exception as error:  # which must not stop the graph
            cannot_see(self.name, self.line, not_understood(error))
        finally:
            WITHIN.busy = False

    def _arguments(self, flat: Array, shapes: tuple[Array, ...]) -> list[Argument]:
        found, start = [], 0
        for dtype, whole, fetched in zip(self.dtypes, shapes[::2], shapes[1::2], strict=True):
            shape, size = tuple(map(int, whole)), tuple(map(int, fetched))
            end = start + int(np.prod(size))
            values = flat[start:end].reshape(size)
            start = end
            found.append(Argument(shape, dtype, {None if shape == size else -1: values}))
        return found


def attach(name: str, line: Line, call: Call, values: tuple[Any, ...]) -> None:
    """Put an observer of these tensors into the graph that is being traced."""
    import tensorflow as tf
    from tensorflow.python.ops.control_flow_util import GraphOrParentsInXlaContext

    graph = tf.compat.v1.get_default_graph()
    unseen = None
    if GraphOrParentsInXlaContext(graph):
        unseen = Unseen(*XLA)
    elif "loop_body" in (graph.get_name_scope() or ""):
        unseen = Unseen("vectorised by tf.vectorized_map", "call it on the whole batch")
    if unseen is not None:
        WITHOUT_OBSERVER[graph] = unseen
        raise unseen
    if "__autograph_generated_file" in line.file:
        line = _in_the_source(line)
    tensors = [tf.convert_to_tensor(x) for x in values]
    observer = Observer(name, line, call, [x.dtype.name for x in tensors])
    for watch in (*WATCHES,):
        watch.site(name, line)

    def hand_over() -> Any:
        pieces = [_some(x) for x in tensors]
        flat = tf.concat([tf.reshape(tf.cast(x, tf.float64), [-1]) for x in pieces], 0)
        shapes = [tf.shape(x) for pair in zip(tensors, pieces, strict=True) for x in pair]
        with tf.control_dependencies([tf.numpy_function(observer.take, [flat, *shapes], [])]):
            return tf.constant(True)

    with tf.name_scope(SCOPE):
        wanted = tf.numpy_function(observer.wanted, [], tf.bool)
        wanted.set_shape([])
        tf.cond(wanted, hand_over, lambda: tf.constant(False))


def _some(tensor: Any) -> Any:
    """All of a small tensor; of others the first entries along all axes but the last."""
    shape = tensor.shape
    if not shape.rank:
        return tensor
    *leading, categories = shape.as_list()
    room, index = max(1, LIMIT // (categories or 1)), [slice(None)]
    for size in reversed(leading):
        some = room if size is None else min(size, room)
        index.insert(0, slice(None) if some == size else slice(0, some))
        room = max(1, room // some)
    return tensor[tuple(index)] if leading else tensor


def _in_the_source(line: Line) -> Line:
    """The line of the program that autograph made this one from, which TensorFlow's stack knows."""
    from tensorflow.python.util import tf_stack

    return innermost([(x.filename, x.lineno) for x in tf_stack.extract_stack()]) or line
