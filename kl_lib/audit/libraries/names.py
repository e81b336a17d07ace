"""One name for each function of a library, under whatever name a file imports it."""

from __future__ import annotations

#: How a name begins, and how it begins here. The first that fits is taken, again and again.
_PREFIXES = (
    ("tensorflow.compat.v1.", "tensorflow."),
    ("tensorflow.compat.v2.", "tensorflow."),
    ("tensorflow.python.keras.", "keras."),
    ("tensorflow.contrib.keras.", "keras."),
    ("tensorflow.keras.", "keras."),
    ("tensorflow.experimental.numpy.", "numpy."),
    ("tensorflow.math.", "tensorflow."),
    ("tensorflow.nn.", "tensorflow."),
    ("tf_keras.", "keras."),
    ("keras.api.", "keras."),
    ("keras.src.", "keras."),
    ("keras.ops.", "tensorflow."),
    ("keras.backend.", "tensorflow."),
    ("keras.losses.losses.", "keras.losses."),
    ("keras.metrics.", "keras.losses."),  # the same names compute the same there
    ("keras.layers.core.", "keras.layers."),
    ("torch.nn.modules.loss.", "torch.nn."),
    ("torch.nn.modules.activation.", "torch.nn."),
    ("torch.nn.modules.linear.", "torch.nn."),
    ("torch.nn.modules.", "torch.nn."),
    ("torch.special.", "torch."),
    ("torch.distributions.kl.", "torch.distributions."),
    ("torch.distributions.normal.", "torch.distributions."),
    ("torch.distributions.categorical.", "torch.distributions."),
    ("torch.distributions.independent.", "torch.distributions."),
    ("tensorflow_probability.substrates.jax.", "tensorflow_probability."),
    ("tensorflow_probability.substrates.numpy.", "tensorflow_probability."),
    ("tensorflow_probability.python.", "tensorflow_probability."),
    ("jax.numpy.", "numpy."),
    ("jax.scipy.", "scipy."),
    ("jax.nn.", "numpy."),
    ("jax.lax.", "numpy."),
    ("autograd.numpy.", "numpy."),
    ("cupy.", "numpy."),
    ("mxnet.np.", "numpy."),
    ("mxnet.npx.", "numpy."),
    ("mxnet.ndarray.", "mxnet.nd."),
    ("mxnet.symbol.", "mxnet.nd."),
    ("mxnet.sym.", "mxnet.nd."),
    ("scipy.stats.stats.", "scipy.stats."),
    ("optax.losses.", "optax."),
)


def canonical(name: str) -> str:
    """The name under which the tables of this folder know a function.

    Examples
    --------
    >>> canonical("tensorflow.keras.losses.KLDivergence")
    'keras.losses.KLDivergence'
    """
    for _ in range(4):
        for old, new in _PREFIXES:
            if name.startswith(old):
                name = new + name[len(old) :]
                break
        else:
            return name
    return name
