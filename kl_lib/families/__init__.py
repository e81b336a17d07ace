"""Closed forms of KL between members of one family, one short function for each."""

from ..errors import NoClosedFormError
from .bernoulli import kl_bernoulli
from .between import kl_between, why_infinite
from .dirichlet import kl_beta, kl_dirichlet
from .gamma import kl_exponential, kl_gamma
from .laplace import kl_laplace
from .multivariate_normal import kl_mvn
from .normal import kl_normal
from .poisson import kl_poisson
from .registry import register_kl
from .supports import FAMILY_NAMES

__all__ = [
    "FAMILY_NAMES",
    "NoClosedFormError",
    "kl_bernoulli",
    "kl_beta",
    "kl_between",
    "kl_dirichlet",
    "kl_exponential",
    "kl_gamma",
    "kl_laplace",
    "kl_mvn",
    "kl_normal",
    "kl_poisson",
    "register_kl",
    "why_infinite",
]
