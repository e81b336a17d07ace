"""Keras: an argument that its KL does not have, a name that Keras 3 does not have."""

from __future__ import annotations

from collections.abc import Iterator

from ..sites import Facts, Maker, Site
from .rule import Edit, Hit, rule

_OLD = ("kullback_leibler_divergence", "KullbackLeiblerDivergence")


@rule(
    "KLD161",
    "from-logits",
    "from_logits for a Keras KL, which has no such argument",
    why="""Keras's cross-entropies take from_logits, its KL does not: the call is a TypeError, and
    without the argument scores are clipped to [1e-7, 1] as if they were probabilities.""",
    wrong="""
    import keras

    loss = keras.losses.KLDivergence(from_logits=True)""",
    right="""
    import keras

    def loss(p, scores):
        return keras.losses.KLDivergence()(p, keras.ops.softmax(scores))""",
)
def from_logits(facts: Facts) -> Iterator[Hit]:
    calls: list[Maker | Site] = [*facts.makers, *facts.sites]
    for call in calls:
        if call.api == "keras" and "from_logits" in call.given:
            message = "the KL of Keras has no argument from_logits"
            yield Hit(call.node, message, "a softmax of the scores, and no from_logits")


@rule(
    "KLD162",
    "name-of-keras-2",
    "kullback_leibler_divergence in Keras 3, which calls it kl_divergence",
    why="""Keras 3 has the function as keras.losses.kl_divergence and the string "kl_divergence".
    The long names are an error when the model is compiled, and KLD and kld are no attributes.""",
    wrong="""
    import keras

    def build(model):
        model.compile(optimizer="adam", loss="kullback_leibler_divergence")""",
    right="""
    import keras

    def build(model):
        model.compile(optimizer="adam", loss="kl_divergence")""",
    fixable=True,
)
def name_of_keras_2(facts: Facts) -> Iterator[Hit]:
    for site in facts.sites_of("keras"):
        first = site.written.partition(".")[0]
        last = site.written.rpartition(".")[2]
        if first == "keras" and last in (*_OLD, "KLD", "kld"):
            edit = Edit(site.node, function="kl_divergence")
            yield Hit(site.node, f"Keras 3 has no {last}", "kl_divergence", edit)
    for site in facts.sites_of("compile"):
        loss = site.given.get("loss")
        if loss is not None and loss.op == "const" and loss.value in _OLD:
            edit = Edit(site.node, keywords=(("loss", '"kl_divergence"'),))
            by_name = any(_is_loss(arg) for arg in getattr(site.node, "args", ()))
            message = f'Keras 3 has no loss "{loss.value}"'
            yield Hit(site.node, message, '"kl_divergence"', edit if by_name else None)


def _is_loss(arg: object) -> bool:
    keyword = getattr(arg, "keyword", None)
    return getattr(keyword, "value", None) == "loss"
