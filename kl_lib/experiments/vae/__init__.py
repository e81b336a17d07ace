"""Variational autoencoders on binarised digits: the ELBO, and what changes when a term of it does."""

from .config import Vae
from .data import binarised, load_images
from .measuring import importance_weighted

__all__ = ["Vae", "binarised", "importance_weighted", "load_images"]
