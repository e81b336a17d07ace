"""Layers and distributions: objects of a library that are made in one place and used in another."""

from __future__ import annotations

from ..terms import Term, Terms
from .applying import axis_of
from .arguments import Arguments
from .names import canonical

_TORCH = {
    "torch.nn.Softmax": "softmax",
    "torch.nn.LogSoftmax": "log_softmax",
    "torch.nn.Sigmoid": "sigmoid",
    "torch.nn.LogSigmoid": "logsigmoid",
}
_LINEAR = ("torch.nn.Linear", "torch.nn.LazyLinear", "keras.layers.Dense")
_SEQUENCES = ("torch.nn.Sequential", "keras.Sequential", "keras.models.Sequential")
_MODELS = ("keras.Model", "keras.models.Model", "keras.engine.training.Model")
_ACTIVATIONS = ("softmax", "log_softmax", "sigmoid")
_DISTRIBUTIONS = ("torch.distributions.", "tensorflow_probability.distributions.")


def layer_of(place: object, name: str, arguments: Arguments, terms: Terms) -> Term | None:
    """The term of a layer, a model or a distribution that is made at a place of the source."""
    args, given = arguments.args, arguments.given
    first = args[0] if args else None
    if name in _TORCH:
        axis = axis_of(given.get("dim", first), "implicit")
        return terms.make("layer", name=_TORCH[name], axis=axis)
    if name == "keras.layers.Softmax":
        return terms.make("layer", name="softmax", axis=axis_of(given.get("axis", first), -1))
    if name in _LINEAR:
        activation = given.get(
            "activation", args[1] if name.endswith("Dense") and args[1:] else None
        )
        known = _activation(activation)
        # The place tells apart layers that are made alike.
        return terms.make("layer", name="linear", value=f"{known}/{id(place)}")
    if name == "keras.layers.Activation":
        known = _activation(given.get("activation", first))
        return terms.make("layer", name=known, axis=-1) if known in _ACTIVATIONS else None
    if name in _SEQUENCES:
        listed = args[0].args if args and args[0].op == "list" else tuple(args)
        return terms.make("sequence", *listed)
    if name in _MODELS:
        outputs = given.get("outputs", args[1] if len(args) > 1 else None)
        return terms.make("model", outputs) if outputs is not None else None
    if name.startswith(_DISTRIBUTIONS):
        last = name.rpartition(".")[2]
        if last[:1].isupper():
            named = [terms.make("named", term, name=key) for key, term in given.items()]
            library = name.partition(".")[0]
            return terms.make("dist", *args, *named, name=last, value=library)
    return None


def _activation(term: Term | None) -> str:
    """The name of an activation: "linear" where there is none, "" where it is not known."""
    if term is None or (term.op == "const" and term.value in (None, "linear")):
        return "linear"
    if term.op == "const" and isinstance(term.value, str):
        return term.value
    if term.op == "qual":
        return canonical(term.name).rpartition(".")[2]
    return ""


def apply_layer(layer: Term, args: list[Term], terms: Terms) -> Term:
    """What a layer makes of its input."""
    given = args[0] if args else terms.fresh("input")
    if layer.op == "sequence":
        inner = terms.make("call", layer, given)
        last = layer.args[-1] if layer.args else None
        if last is not None and last.op in ("layer", "sequence"):
            return apply_layer(last, [inner], terms)
        return inner
    if layer.name == "linear":
        activation = layer.value.partition("/")[0]
        out = terms.make("linear", given, value=layer.value)
        if activation == "linear":
            return out
        if activation in _ACTIVATIONS:
            return terms.make(activation, out, axis=-1 if activation != "sigmoid" else None)
        return terms.make("call", out, name=f"activation {activation}")
    return terms.make(layer.name, given, axis=layer.axis)


def output_of(model: Term, terms: Terms) -> Term | None:
    """The output of a Keras model, where it can be seen."""
    if model.op == "model":
        return model.args[0]
    if model.op == "sequence":
        return apply_layer(model, [], terms)
    return None


def of_distribution(dist: Term, name: str, terms: Terms) -> Term:
    """`probs` or `logits` of a categorical distribution."""
    named = {arg.name: arg.args[0] for arg in dist.args if arg.op == "named"}
    unnamed = [arg for arg in dist.args if arg.op != "named"]
    torch = dist.value == "torch"
    if dist.name in ("Categorical", "OneHotCategorical"):
        if unnamed:
            named.setdefault("probs" if torch else "logits", unnamed[0])
        probs, logits = named.get("probs"), named.get("logits")
        if name == "probs":
            if logits is not None:
                return terms.make("softmax", logits, axis=-1)
            if probs is not None:
                return probs
        elif torch:
            if logits is not None:
                return terms.make("log_softmax", logits, axis=-1)
            if probs is not None:
                return terms.make("log", probs)
    return terms.make("attr", dist, name=name)
