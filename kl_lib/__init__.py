"""Kullback-Leibler divergence: the right number, the reason, and proof.

`p` is the reference, `q` the approximation, `kl_divergence(p, q)` is KL(p‖q), the last axis holds
the categories, and the unit is the nat unless ``base=2`` asks for bits. Input that is not a
distribution raises `DistributionError`; nothing is clipped, normalised or dropped unasked.
"""

from typing import TYPE_CHECKING, Any

from .discrete import (
    cross_entropy,
    entropy,
    js_divergence,
    kl_divergence,
    kl_from_logits,
    kl_terms,
    softmax,
    total_variation,
)
from .errors import DistributionError, GradientWarning, NoClosedFormError
from .labels import align
from .matrix import kl_matrix
from .relatives import (
    bhattacharyya_distance,
    chi2_divergence,
    hellinger_distance,
    js_divergence_of,
    renyi_divergence,
)
from .tables import conditional_entropy, kl_conditional, mutual_information
from .threads import get_num_threads, set_num_threads

if TYPE_CHECKING:
    from .diagnosis import diagnose
    from .families import (
        kl_bernoulli,
        kl_beta,
        kl_between,
        kl_dirichlet,
        kl_exponential,
        kl_gamma,
        kl_laplace,
        kl_multivariate_normal,
        kl_mvn,
        kl_normal,
        kl_poisson,
        register_kl,
    )
    from .sampling import (
        entropy_from_counts,
        js_from_counts,
        kl_from_counts,
        kl_knn,
        kl_monte_carlo,
        mutual_information_from_counts,
    )
    from .watching import watch

__version__ = "0.1.0"

__all__ = [
    "DistributionError",
    "GradientWarning",
    "NoClosedFormError",
    "align",
    "bhattacharyya_distance",
    "chi2_divergence",
    "conditional_entropy",
    "cross_entropy",
    "diagnose",
    "entropy",
    "entropy_from_counts",
    "get_num_threads",
    "hellinger_distance",
    "js_divergence",
    "js_divergence_of",
    "js_from_counts",
    "kl_bernoulli",
    "kl_beta",
    "kl_between",
    "kl_conditional",
    "kl_dirichlet",
    "kl_divergence",
    "kl_exponential",
    "kl_from_counts",
    "kl_from_logits",
    "kl_gamma",
    "kl_knn",
    "kl_laplace",
    "kl_matrix",
    "kl_monte_carlo",
    "kl_multivariate_normal",
    "kl_mvn",
    "kl_normal",
    "kl_poisson",
    "kl_terms",
    "mutual_information",
    "mutual_information_from_counts",
    "register_kl",
    "renyi_divergence",
    "set_num_threads",
    "softmax",
    "total_variation",
    "watch",
]

# Loaded when first asked for, so that `import kl_lib` costs little more than `import numpy`.
_LATER = {
    "diagnose": "diagnosis",
    "watch": "watching",
    **dict.fromkeys(
        (
            "kl_bernoulli",
            "kl_beta",
            "kl_between",
            "kl_dirichlet",
            "kl_exponential",
            "kl_gamma",
            "kl_laplace",
            "kl_multivariate_normal",
            "kl_mvn",
            "kl_normal",
            "kl_poisson",
            "register_kl",
        ),
        "families",
    ),
    **dict.fromkeys(
        (
            "entropy_from_counts",
            "js_from_counts",
            "kl_from_counts",
            "kl_knn",
            "kl_monte_carlo",
            "mutual_information_from_counts",
        ),
        "sampling",
    ),
}


def __getattr__(name: str) -> Any:
    if name not in _LATER:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    value = getattr(import_module(f".{_LATER[name]}", __name__), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
