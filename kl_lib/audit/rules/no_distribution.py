"""Arguments that are no distribution over categories: scores, logarithms, a softmax twice."""

from __future__ import annotations

from collections.abc import Iterator

from ..sites import Facts, Function
from ..terms import Term, contains, is_complement
from .rule import Hit, rule

_TORCH = "import torch.nn.functional as F\n\n"


@rule(
    "KLD106",
    "softmax-twice",
    "softmax of probabilities",
    why="""A softmax of probabilities squeezes them: (0.99, 0.01) becomes (0.73, 0.27), and nothing
    can come out above 0.73 with two categories. The KL is then small whatever the arguments
    are.""",
    wrong=_TORCH
    + """def loss(student, teacher):
    q = F.softmax(student, dim=1)
    p = F.softmax(teacher, dim=1)
    return F.kl_div(F.log_softmax(q, dim=1), p, reduction="batchmean")""",
    right=_TORCH
    + """def loss(student, teacher):
    p = F.softmax(teacher, dim=1)
    return F.kl_div(F.log_softmax(student, dim=1), p, reduction="batchmean")""",
)
def softmax_twice(facts: Facts) -> Iterator[Hit]:
    for site in facts.sites:
        for term in (site.first, site.second):
            inner = term.core if term is not None else None
            while inner is not None and inner.op in ("moved", "getitem"):
                inner = inner.args[0]
            if inner is not None and inner.op == "softmax" and _scaled(inner.args[0]):
                yield Hit(site.node, "a softmax is taken of what is a softmax already")


def _scaled(term: Term) -> bool:
    """True if this is probabilities, whether or not divided by a temperature."""
    if term.op in ("div", "mul") and not term.kind.is_prob:
        sides = term.args[:1] if term.op == "div" else term.args
        return any(side.kind.is_chance for side in sides)
    return term.kind.is_chance


@rule(
    "KLD107",
    "half-of-a-bernoulli",
    "log of a sigmoid without the other half of the Bernoulli",
    why="""A sigmoid is the probability of yes alone; the distribution is (s, 1 - s), and its KL has
    a term for each. Without the second the sum can be negative and has its minimum somewhere
    else: for p = 0.2 the half is -0.139 at q = 0.4, where the whole is 0.092.""",
    wrong=_TORCH
    + """def loss(student, teacher):
    log_q = F.logsigmoid(student)
    return F.kl_div(log_q, teacher.sigmoid(), reduction="none").sum(-1).mean()""",
    right=_TORCH
    + """def loss(student, teacher):
    p = teacher.sigmoid()
    yes = F.kl_div(F.logsigmoid(student), p, reduction="none")
    no = F.kl_div(F.logsigmoid(-student), 1 - p, reduction="none")
    return (yes + no).sum(-1).mean()""",
)
def half_of_a_bernoulli(facts: Facts) -> Iterator[Hit]:
    for site in facts.sites:
        if site.q is None or site.api not in (
            "torch",
            "gluon",
            "optax",
            "keras",
            "compile",
            "hand",
        ):
            continue
        space = site.q.kind.space
        wanted = "LOGSIG" if site.wants_log else "SIGMOID"
        if site.api == "hand":  # what was matched is below the logarithm
            wanted = "SIGMOID"
        if space == wanted and not _other_half(site.q, site.function):
            yield Hit(
                site.node,
                "this is the KL of the yes of a sigmoid only, without the term for 1 - s",
                "binary cross-entropy less the entropy of the target, or the term for 1 - s added",
            )


def _other_half(term: Term, function: Function) -> bool:
    core = term.core
    for _, step in function.steps:
        for below in (step, *step.args):
            if is_complement(below, core) or _mirrored(below, core):
                return True
            if below.op == "sub" and below.args[0].number == 1 and below.args[1].core is core:
                return True
    return core.op == "sub"


def _mirrored(term: Term, core: Term) -> bool:
    if term.op not in ("sigmoid", "logsigmoid") or core.op != "sigmoid":
        return False
    here, there = term.args[0], core.args[0]
    return any(
        one.op == "mul" and one.args[0].number == -1 and one.args[1] is other
        for one, other in ((here, there), (there, here))
    )


@rule(
    "KLD108",
    "logs-as-probabilities",
    "logs where probabilities are expected",
    why="""Keras, SciPy and torchmetrics take the logarithm themselves. Keras clips its arguments to
    [1e-7, 1], so that every log-probability becomes 1e-7 and the KL is 0; rel_entr answers inf,
    and entropy divides by the negative sum, which gives weights that are large where the
    probabilities are small, and a number that looks right.""",
    wrong="""
    import numpy as np
    from scipy import special, stats

    def kl(a, b):
        return stats.entropy(special.log_softmax(a), special.log_softmax(b))""",
    right="""
    import numpy as np
    from scipy import special, stats

    def kl(a, b):
        return stats.entropy(special.softmax(a), special.softmax(b))""",
)
def logs_as_probabilities(facts: Facts) -> Iterator[Hit]:
    for site in facts.sites_of("keras", "compile", "scipy", "metric"):
        if site.log_target is False and any(term.kind.is_log for term in site.arguments):
            message = f"{site.called} expects probabilities and gets their logarithm"
            yield Hit(site.node, message, "the probabilities themselves")


@rule(
    "KLD109",
    "scores-as-probabilities",
    "the scores of a linear layer where probabilities or their logarithm are expected",
    why="""The output of a linear layer sums to nothing in particular. Keras clips it to [1e-7, 1],
    and entries outside get no gradient; PyTorch takes it for a logarithm, and the result is the
    divergence less a log-sum-exp, which a training drives up without end.""",
    wrong="""
    import keras

    def build(features):
        scores = keras.layers.Dense(10)(features)
        model = keras.Model(features, scores)
        model.compile(optimizer="adam", loss=keras.losses.KLDivergence())
        return model""",
    right="""
    import keras

    def build(features):
        rows = keras.layers.Dense(10, activation="softmax")(features)
        model = keras.Model(features, rows)
        model.compile(optimizer="adam", loss=keras.losses.KLDivergence())
        return model""",
)
def scores_as_probabilities(facts: Facts) -> Iterator[Hit]:
    for site in facts.sites:
        if any(term.kind.space == "LOGITS" for term in site.arguments) and not site.takes_scores:
            where = "a log_softmax" if site.wants_log else "a softmax"
            message = f"{site.called} gets the output of a linear layer without {where}"
            yield Hit(site.node, message, where)


@rule(
    "KLD141",
    "log-probabilities-of-actions",
    "log-probabilities of the values drawn, taken for a distribution",
    why="""log_prob(x) holds one number for each value that was drawn, each from a row of its own.
    Along the batch they are no distribution: a KL of them compares what was drawn, not the
    policies. KL from samples is the mean of log p(x) - log q(x) over x drawn from p.""",
    wrong="""
    import torch.nn.functional as F

    def approx_kl(old, new, actions):
        return F.kl_div(new.log_prob(actions), old.log_prob(actions).exp(), reduction="batchmean")
    """,
    right="""
    def approx_kl(old, new, actions):
        return (old.log_prob(actions) - new.log_prob(actions)).mean()
    """,
)
def log_probabilities_of_actions(facts: Facts) -> Iterator[Hit]:
    for site in facts.sites_of("torch", "dist", "keras", "scipy"):
        if any(_of_actions(term) for term in site.arguments):
            yield Hit(
                site.node,
                "the log_prob of values that were drawn is no distribution over categories",
                "(old.log_prob(x) - new.log_prob(x)).mean() with x drawn from old",
            )


def _of_actions(term: Term) -> bool:
    while True:
        if term.op == "dist" and term.name in ("Categorical", "OneHotCategorical"):
            return any(_of_actions(arg.args[0] if arg.op == "named" else arg) for arg in term.args)
        if term.op not in ("detach", "clamp", "exp", "moved", "log"):
            # log_prob of all categories at once is one: that argument comes from an arange.
            return term.op == "log_prob" and not contains(term, _counts_up)
        term = term.args[0]


def _counts_up(term: Term) -> bool:
    if term.op == "method":
        return term.name in ("enumerate_support",)
    return term.op == "call" and term.name.rpartition(".")[2] in ("arange", "eye", "linspace")
