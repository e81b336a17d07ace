"""Variational autoencoders on binarised digits: the ELBO, and what its terms do in training."""

from .config import Vae
from .data import binarised, load_images
from .measuring import importance_weighted

__all__ = ["Vae", "binarised", "importance_weighted", "load_images"]
