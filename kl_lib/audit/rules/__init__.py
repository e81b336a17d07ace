"""The rules, a module for each group. Importing this package registers them all."""

from . import (  # noqa: F401
    deprecated,
    direction,
    hidden,
    histograms,
    keras,
    mixtures,
    reduction,
    scipy,
    spaces,
    vae,
)
