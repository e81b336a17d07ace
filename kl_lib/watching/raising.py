"""How a watch speaks up."""

from __future__ import annotations

from .sites import Site


class WatchWarning(UserWarning):
    """A mistake that `kl_lib.watch` found, at the line that has it."""

    __module__ = "kl_lib.watching"


class WatchError(ValueError):
    """A mistake that `kl_lib.watch` found, where it was asked to raise.

    Attributes
    ----------
    site
        The `Site` with what was found.
    """

    __module__ = "kl_lib.watching"

    def __init__(self, message: str, site: Site) -> None:
        super().__init__(message)
        self.site = site
