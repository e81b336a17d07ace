"""What was compiled or traced before a block and runs in it: a KL in there is named as not seen.

The methods that run TensorFlow's graphs, and Keras's trainings on JAX, are swapped, so that only
what really runs in the block is named. An operation of TensorFlow remembers the stack that made it:
a KL is found by the file and name of its function. JAX forgets; there the loss of the model tells.
"""

from __future__ import annotations

import sys
import weakref
from collections.abc import Callable, Iterator
from typing import Any

from .fetching import JAX, Unseen
from .graphs import SCOPE, WITHOUT_OBSERVER
from .stack import caller
from .watches import awake, cannot_see

#: File and name of each watched function → what people call it.
FUNCTIONS: dict[tuple[str, str], str] = {}
#: A KL has at least one of these operations; to ask all others for their stack would take long.
LOGARITHMS = {"Log", "Log1p", "LogSoftmax"}
EARLIER = Unseen("traced before the block", "compile or trace it inside the block")

_known: weakref.WeakKeyDictionary[Any, list[tuple[str, Unseen]]] = weakref.WeakKeyDictionary()


class Runs:
    """The observer of a method that runs a graph or prepares a training.

    `unobserved` finds, from the arguments of the method, the KL calls in there, and why they are
    not seen.
    """

    def __init__(self, unobserved: Callable[[dict[str, Any]], list[tuple[str, Unseen]]]) -> None:
        self.unobserved = unobserved

    def enter(self) -> bool:
        return awake()

    def leave(self) -> None:
        pass

    def told(self, given: dict[str, Any], result: Any) -> None:
        found = self.unobserved(given)
        if found and (line := caller()) is not None:
            for name, why in found:
                cannot_see(name, line, why)


def _in_graph(given: dict[str, Any]) -> list[tuple[str, Unseen]]:
    graph = given["self"]._func_graph
    if graph not in _known:
        _known[graph] = list(dict.fromkeys(_unobserved(graph, set())))
    return _known[graph]


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


def _on_jax(given: dict[str, Any]) -> list[tuple[str, Unseen]]:
    model = given["self"]
    return [] if model.run_eagerly else [(x, Unseen(*JAX)) for x in dict.fromkeys(_kls(model.loss))]


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
RUNNERS: list[tuple[str, str, str, Runs]] = [
    ("tensorflow.python.eager.polymorphic_function.concrete_function",
     "ConcreteFunction", "_call_flat", Runs(_in_graph)),
    ("keras.src.backend.jax.trainer", "JAXTrainer", "make_train_function", Runs(_on_jax)),
    ("keras.src.backend.jax.trainer", "JAXTrainer", "make_test_function", Runs(_on_jax)),
]  # fmt: skip
