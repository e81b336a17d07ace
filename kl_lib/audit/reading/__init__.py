"""From the source of a program to terms, and to the places where it computes a KL divergence.

`module` reads a whole file. `statements`, `expressions`, `loops`, `definitions` and `calls` read
what stands in it, and register with `nodes` for it; `assigning` gives names their values, `state`
holds them, and `kl_calls` remembers the calls that compute a KL.
"""

from .module import read

__all__ = ["read"]
