"""Closed forms of KL between members of one family, one short function for each.

To add a pair of families that are here, write a function of their two dicts of parameters and put
`@closed_form(family_p, family_q)` above it: `pairs.py` has those of one family, `cross.py` those
across. To add a family, give it a name and its support, one line of `SUPPORTS` in `supports.py`; a
line of `READERS` for each library that has it, in `from_scipy.py`, `from_torch.py`, `from_tfp.py`;
and its own pair, as above. A public function `kl_...` is a short file of its own, exported here, if
the family has parameters that people type in. Nothing else knows the families; tests say what the
reference lacks.
"""

from ..errors import NoClosedFormError
from . import composites  # noqa: F401
from .bernoulli import kl_bernoulli
from .between import kl_between, why_infinite
from .cauchy import kl_cauchy
from .continuous_bernoulli import kl_continuous_bernoulli
from .counts import kl_binomial, kl_geometric, kl_negative_binomial
from .dirichlet import kl_beta, kl_dirichlet
from .gamma import kl_exponential, kl_gamma
from .gumbel import kl_gumbel, kl_moyal, kl_weibull
from .laplace import kl_laplace
from .multivariate_normal import kl_multivariate_normal, kl_mvn
from .normal import kl_half_normal, kl_log_normal, kl_normal
from .pareto import kl_pareto
from .poisson import kl_poisson
from .registry import register_kl
from .supports import FAMILY_NAMES
from .uniform import kl_uniform
from .von_mises import kl_von_mises

__all__ = [
    "FAMILY_NAMES",
    "NoClosedFormError",
    "kl_bernoulli",
    "kl_beta",
    "kl_between",
    "kl_binomial",
    "kl_cauchy",
    "kl_continuous_bernoulli",
    "kl_dirichlet",
    "kl_exponential",
    "kl_gamma",
    "kl_geometric",
    "kl_gumbel",
    "kl_half_normal",
    "kl_laplace",
    "kl_log_normal",
    "kl_moyal",
    "kl_multivariate_normal",
    "kl_mvn",
    "kl_negative_binomial",
    "kl_normal",
    "kl_pareto",
    "kl_poisson",
    "kl_uniform",
    "kl_von_mises",
    "kl_weibull",
    "register_kl",
    "why_infinite",
]
