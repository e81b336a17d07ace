"""Probabilities, logarithms and raw scores in places that are for one of the others."""

from __future__ import annotations

from collections.abc import Iterator

from ..facts import Facts, Function
from ..findings import Edit, Hit, rule
from ..sites import Site
from ..terms import Term, contains, is_complement

_TORCH = "import torch.nn.functional as F\n\n"


def _short(site: Site) -> str:
    return site.name.rpartition(".")[2] or "this KL"


def _logs_first(facts: Facts) -> Iterator[tuple[Site, Term, Term]]:
    for site in facts.sites_of("torch", "optax", "gluon"):
        if site.first is not None and site.second is not None:
            yield site, site.first, site.second


def _is_probability(term: Term) -> bool:
    return term.kind.is_prob or term.kind.space == "SIGMOID"


@rule(
    "KLD101",
    "probabilities-as-input",
    "probabilities where log-probabilities are expected",
    why="""The first argument of kl_div is the logarithm of the approximation. Probabilities there
    give sum p (log p - q) in place of sum p (log p - log q): for p = (0.9, 0.1), q = (0.5, 0.5)
    that is -0.825 in place of 0.368. It falls as q gets closer to an indicator of p's largest
    entry, so training goes on, towards something else.""",
    wrong=_TORCH
    + """def loss(student, teacher):
    q = F.softmax(student, dim=1)
    return F.kl_div(q, F.softmax(teacher, dim=1), reduction="batchmean")""",
    right=_TORCH
    + """def loss(student, teacher):
    log_q = F.log_softmax(student, dim=1)
    return F.kl_div(log_q, F.softmax(teacher, dim=1), reduction="batchmean")""",
)
def probabilities_as_input(facts: Facts) -> Iterator[Hit]:
    for site, first, second in _logs_first(facts):
        swapped = second.kind.is_log and site.log_target is False
        if _is_probability(first) and not swapped and not _from_scores(site):
            yield Hit(
                site.node,
                f"{_short(site)} expects log-probabilities as its first argument and gets "
                f"probabilities",
                "log_softmax in place of softmax, or the logarithm of the first argument",
            )


def _from_scores(site: Site) -> bool:
    """True for a Gluon loss that takes the log_softmax itself."""
    if site.api != "gluon" or site.maker is None:
        return False
    from_logits = site.maker.given.get("from_logits")
    if from_logits is None and site.maker.positional:
        from_logits = site.maker.positional[0]
    return from_logits is not None and not (from_logits.op == "const" and from_logits.value is True)


@rule(
    "KLD102",
    "log-target-missing",
    "target in logs without log_target",
    why="""The second argument of kl_div is p itself unless log_target=True. Log-probabilities there
    are negative weights, and the logarithm of those is taken: PyTorch and optax answer nan, and
    older versions of PyTorch, which left such entries out, a number that is no divergence.""",
    wrong=_TORCH
    + """def loss(student, teacher):
    log_q = F.log_softmax(student, dim=1)
    return F.kl_div(log_q, F.log_softmax(teacher, dim=1), reduction="batchmean")""",
    right=_TORCH
    + """def loss(student, teacher):
    log_q = F.log_softmax(student, dim=1)
    log_p = F.log_softmax(teacher, dim=1)
    return F.kl_div(log_q, log_p, reduction="batchmean", log_target=True)""",
    fixable=True,
)
def log_target_missing(facts: Facts) -> Iterator[Hit]:
    for site, first, second in _logs_first(facts):
        if not second.kind.is_log or site.log_target is not False or _is_probability(first):
            continue
        call = site.maker.node if site.maker is not None else site.node
        fix, edit = "the exponential of the second argument", None
        if site.api == "torch":
            fix, edit = "log_target=True", Edit(call, keywords=(("log_target", "True"),))
        elif site.name == "optax.kl_divergence":
            fix = "kl_divergence_with_log_targets"
            edit = Edit(call, function=fix)
        edit = edit if _all_alike(site, facts) else None
        message = f"{_short(site)} gets its second argument, the target, as a logarithm"
        if site.api == "torch":
            message += ", without log_target=True"
        yield Hit(site.node, message, fix, edit)


def _all_alike(site: Site, facts: Facts) -> bool:
    """True if the call, or the loss object, is given such targets wherever it is used."""
    alike = [other for other in facts.sites if other.node is site.node]
    if site.maker is not None:
        alike += [other for other in facts.sites if other.maker is site.maker]
    spaces = [other.second.kind.is_log for other in alike if other.second is not None]
    return len(set(spaces)) == 1 and not any(other.followed for other in alike)


@rule(
    "KLD103",
    "log-target-of-probabilities",
    "probabilities with log_target=True",
    why="""With log_target=True the second argument is taken for log p: its exponential is the
    weight, which for a probability lies between 1 and 2.72, and every category counts about
    alike.""",
    wrong=_TORCH
    + """def loss(student, teacher):
    log_q = F.log_softmax(student, dim=1)
    p = F.softmax(teacher, dim=1)
    return F.kl_div(log_q, p, reduction="batchmean", log_target=True)""",
    right=_TORCH
    + """def loss(student, teacher):
    log_q = F.log_softmax(student, dim=1)
    p = F.softmax(teacher, dim=1)
    return F.kl_div(log_q, p, reduction="batchmean")""",
    fixable=True,
)
def log_target_of_probabilities(facts: Facts) -> Iterator[Hit]:
    for site, _, second in _logs_first(facts):
        if site.log_target is True and _is_probability(second):
            edit = None
            if site.api == "torch" and _all_alike(site, facts):
                call = site.maker.node if site.maker is not None else site.node
                edit = Edit(call, keywords=(("log_target", None),))
            message = (
                f"{_short(site)} gets probabilities as target where it expects their logarithm"
            )
            yield Hit(site.node, message, "the call without log_target=True", edit)


@rule(
    "KLD104",
    "arguments-swapped",
    "arguments in the wrong order: probabilities first, logs second",
    why="""kl_div takes the approximation first, as a logarithm, and the reference second, as
    probabilities. This call has them the other way round, as a formula KL(p, q) has them, and the
    logarithm of a negative weight is nan.""",
    wrong=_TORCH
    + """def loss(student, teacher):
    p = F.softmax(teacher, dim=1)
    log_q = F.log_softmax(student, dim=1)
    return F.kl_div(p, log_q, reduction="batchmean")""",
    right=_TORCH
    + """def loss(student, teacher):
    p = F.softmax(teacher, dim=1)
    log_q = F.log_softmax(student, dim=1)
    return F.kl_div(log_q, p, reduction="batchmean")""",
)
def arguments_swapped(facts: Facts) -> Iterator[Hit]:
    for site, first, second in _logs_first(facts):
        if _is_probability(first) and second.kind.is_log and site.log_target is False:
            message = f"{_short(site)} gets probabilities first and logarithms second"
            yield Hit(site.node, message, "the logarithm first, the probabilities second")


@rule(
    "KLD105",
    "same-pair-both-ways",
    "(a, b) and (b, a) with neither in logs",
    why="""kl_div takes a logarithm and a probability. Where the same two tensors are given to it
    in both orders, each is once in the place for logarithms and once in that for probabilities,
    and in one of them it is wrong, whatever it is. For a symmetric KL take log_softmax and softmax
    of both, or log_target=True with logarithms in all places.""",
    wrong=_TORCH
    + """def symmetric(p, q):
    there = F.kl_div(p, q, reduction="batchmean")
    back = F.kl_div(q, p, reduction="batchmean")
    return (there + back) / 2""",
    right=_TORCH
    + """def symmetric(log_p, log_q):
    there = F.kl_div(log_p, log_q, reduction="batchmean", log_target=True)
    back = F.kl_div(log_q, log_p, reduction="batchmean", log_target=True)
    return (there + back) / 2""",
)
def same_pair_both_ways(facts: Facts) -> Iterator[Hit]:
    seen: dict[tuple[int, int, int], Site] = {}
    for site, first, second in _logs_first(facts):
        spaces = {first.kind.space, second.kind.space}
        if site.log_target is not False or spaces != {"UNKNOWN"} or first is second:
            continue
        seen[id(site.function), id(first), id(second)] = site
        if (id(site.function), id(second), id(first)) in seen:
            message = f"{_short(site)} gets the same two tensors in both orders"
            yield Hit(
                site.node,
                f"{message}: one of them is no logarithm, or the other no probability",
                "log_target=True with the logarithm of both in both calls",
            )


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
        return any(_is_probability(side) for side in sides)
    return _is_probability(term)


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
        given = [term for term in (site.first, site.second) if term is not None]
        if site.log_target is False and any(term.kind.is_log for term in given):
            message = f"{_short(site)} expects probabilities and gets their logarithm"
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
        given = [term for term in (site.first, site.second) if term is not None]
        if any(term.kind.space == "LOGITS" for term in given) and not _from_scores(site):
            where = "a log_softmax" if site.wants_log else "a softmax"
            message = f"{_short(site)} gets the output of a linear layer without {where}"
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
        given = [term for term in (site.first, site.second) if term is not None]
        if any(_of_actions(term) for term in given):
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
