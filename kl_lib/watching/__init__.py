"""What a running program does with KL: are these distributions, and over which axis?

`kl_lib.watch` looks at the real arguments of the KL calls of PyTorch, Keras, TensorFlow
Probability, SciPy, MXNet's Gluon, optax and `kl_lib.losses`, while a program runs, and says what is
wrong with them: probabilities where logarithms belong, a target whose rows do not sum to 1, a mean
over the categories. No library is imported for it.

A `Watch` (`session`) is a block. While one is on, `wrapping` puts other code into the functions of
`targets`; `observing` hears of their calls and reads what they are given, also inside a graph;
`judging` says what is wrong with these numbers, in the `codes` of findings; and what was found is
kept by line (`sites`), but for half of a Bernoulli KL, which waits for the other (`halves`).
"""

from __future__ import annotations

from .codes import CODES, Finding
from .session import On, Watch, check_options
from .sites import NotSeen, Site, WatchError, WatchWarning

__all__ = ["CODES", "Finding", "NotSeen", "Site", "Watch", "WatchError", "WatchWarning", "watch"]


def watch(on: On = "warn", *, first: int = 3, every: int = 100) -> Watch:
    """Look at every KL that the installed libraries are asked for inside a block.

    Watched are ``torch.nn.functional.kl_div`` (and ``torch.nn.KLDivLoss``),
    ``torch.distributions.kl_divergence``, the KL losses and metrics of Keras and ``tf_keras``,
    ``kl_divergence`` of TensorFlow Probability, ``scipy.stats.entropy`` of two,
    ``scipy.special.rel_entr`` and ``kl_div``, ``jensenshannon``, Gluon's ``KLDivLoss``,
    ``optax.kl_divergence`` and the losses and metrics of kl_lib for Keras, PyTorch and JAX;
    functions that were imported before the block, too, and libraries that are imported inside it.
    Nothing is imported for it.

    The program goes on as it would: values, gradients and trained weights are the same to the last
    bit. A call that can't be looked at (compiled by XLA, traced by `jax.jit` or before the block)
    is named in `Watch.unseen`. What Keras traces inside the block is watched step by step; a model
    that was traced in one block is watched again in the next.

    Parameters
    ----------
    on
        What to do with a mistake: ``"warn"`` with a `kl_lib.watching.WatchWarning` at the line of
        the call, once for each line; ``"raise"`` a `kl_lib.watching.WatchError`, at once or, of
        what TensorFlow runs in a graph, at the end of the block; ``"record"`` it only.
    first, every
        Which calls of a line to look at (in a graph of TensorFlow: of each graph): so many of the
        first, then one in so many. All are counted.

    Returns
    -------
    kl_lib.watching.Watch
        The block. Print it for the report; `Watch.sites` has its parts.

    Raises
    ------
    DistributionError
        If an argument is none of these (kind ``"option"``).

    Examples
    --------
    A batch in rows, and SciPy's `entropy` sums over axis 0:

    >>> import numpy as np
    >>> import kl_lib as kl
    >>> from scipy.stats import entropy
    >>> p = np.array([[0.5, 0.3, 0.2], [0.1, 0.1, 0.8]])
    >>> q = np.array([[0.4, 0.4, 0.2], [0.3, 0.3, 0.4]])
    >>> with kl.watch(on="record") as seen:
    ...     values = entropy(p, q)
    >>> [site] = seen.sites
    >>> site.codes, site.calls
    ((201,), 1)
    >>> print(site.findings[0])
    KLD201 the rows of pk and qk sum to 1, the call sums over axis 0; pass axis=-1
    """
    check_options(on, first, every)
    return Watch(on, first, every)
