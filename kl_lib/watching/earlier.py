"""What was compiled or traced before a block and runs in it: a KL in there is named as not seen.

The methods that run TensorFlow's graphs, and Keras's trainings on JAX, are swapped, so that only
what really runs in the block is named. An operation of TensorFlow remembers the stack that made it:
a KL is found by the file and name of its function. JAX forgets; there the loss of the model tells.
"""

from __future__ import annotations

import sys
import weakref
from collections.abc import Iterator
from typing import Any

from .fetching import JAX, Unseen
from .graphs import SCOPE, WITHOUT_OBSERVER
from .running import WATCHES, WITHIN
from .stack import caller
from .swapping import Observer

#: File and name of each watched function → what people call it.
FUNCTIONS: dict[tuple[str, str], str] = {}
#: A KL has at least one of these operations; to ask all others for their stack would take long.
LOGARITHMS = {"Log", "Log1p", "LogSoftmax"}
EARLIER = Unseen("traced before the block", "compile or trace it inside the block")

_known: weakref.WeakKeyDictionary[Any, list[tuple[str, Unseen]]] = weakref.WeakKeyDictionary()


class Runs:
    """The observer of the method that runs a graph."""

    def enter(self) -> bool:
        return bool(WATCHES) and not WITHIN.busy

    def leave(self) -> None:
        pass

    def told(self, given: dict[str, Any], result: Any) -> None:
        graph = given["self"]._func_graph
        if graph not in _known:
            _known[graph] = list(dict.fromkeys(_unobserved(graph, set())))
        if _known[graph] and (line := caller()) is not None:
            for name, why in _known[graph]:
                for watch in (*WATCHES,):
                    watch.cannot_see(name, line, why.why, why.remedy)


def _unobserved(graph: Any, done: set[int]) -> Iterator[tuple[str, Unseen]]:
    """The KL calls without an observer, in a graph and in those of the functions that it calls."""
    if id(graph) in done:
        return
    done.add(id(graph))
    yield from _calls(graph)
    for function in graph._functions.values():
        inner = getattr(function, "_cached_graph", None)
        if inner is not None:
            yield from _unobserved(inner, done)


def _calls(graph: Any) -> Iterator[tuple[str, Unseen]]:
    operations = graph.get_operations()
    found = [FUNCTIONS[x] for x in _makers(operations) if x in FUNCTIONS]
    if found and not any(SCOPE in x.name for x in operations):
        for name in dict.fromkeys(found):
            yield name, WITHOUT_OBSERVER.get(graph, EARLIER)


def _makers(operations: list[Any]) -> Iterator[tuple[str, str]]:
    """File and name of the functions on the stacks that made the logarithms of a graph."""
    for operation in operations:
        if operation.type in LOGARITHMS:
            yield from ((x.filename, x.name) for x in operation.traceback)


class RunsOnJax:
    """The observer of the methods that prepare a training or a test of Keras on JAX."""

    def enter(self) -> bool:
        return bool(WATCHES) and not WITHIN.busy

    def leave(self) -> None:
        pass

    def told(self, given: dict[str, Any], result: Any) -> None:
        model, line = given["self"], caller()
        if line is not None and not model.run_eagerly:
            for name in dict.fromkeys(_kls(model.loss)):
                for watch in (*WATCHES,):
                    watch.cannot_see(name, line, *JAX)


def _kls(loss: Any) -> Iterator[str]:
    """The KLs among the losses that a model was compiled with."""
    if isinstance(loss, dict):
        loss = list(loss.values())
    if isinstance(loss, (list, tuple)):
        for each in loss:
            yield from _kls(each)
        return
    if isinstance(loss, str):
        loss = sys.modules["keras.src.losses"].get(loss)
    if sys.modules["keras.src.losses.losses"].kl_divergence in (loss, getattr(loss, "fn", None)):
        yield "keras.losses.kl_divergence"
    own = sys.modules.get("kl_lib.losses.keras")
    if own is not None and (loss is own.kl_loss or isinstance(loss, own.KLFromLogits)):
        yield "kl_lib.losses.keras.kl_loss"


#: Module, class and method, and who is told that it ran.
RUNNERS: list[tuple[str, str, str, Observer]] = [
    ("tensorflow.python.eager.polymorphic_function.concrete_function",
     "ConcreteFunction", "_call_flat", Runs()),
    ("keras.src.backend.jax.trainer", "JAXTrainer", "make_train_function", RunsOnJax()),
    ("keras.src.backend.jax.trainer", "JAXTrainer", "make_test_function", RunsOnJax()),
]  # fmt: skip
