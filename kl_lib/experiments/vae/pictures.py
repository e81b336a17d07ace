"""Images that trained models make of latents from the prior: drawn, kept by runs, and collected."""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path

import numpy as np

from ..machinery.files import write_whole
from ..machinery.kept import kept_file
from ..machinery.records import Record
from .network import Networks

# How many images a run keeps, if it is asked to keep something.
PICTURES = 40
NAME = "pictures"


def drawn_pictures(networks: Networks) -> np.ndarray:
    """Return the pixel probabilities of images for latents from the prior, as grey values.

    Every run draws the same latents, if it has as many.

    Returns
    -------
    (PICTURES, pixels) uint8
        255 times the probability.
    """
    random = np.random.default_rng(0)
    units = networks.top_latents or networks.latents
    z = random.standard_normal((PICTURES, units)).astype(np.float32)
    noise = random.standard_normal((PICTURES, networks.latents)).astype(np.float32)
    return np.round(255 * networks.decode(z, noise)).astype(np.uint8)


def collect_pictures(store: str | os.PathLike[str], records: Iterable[Record]) -> Path:
    """Write the pictures that runs have kept into one file, by arm: ``STORE/vae/samples.npz``.

    Raises
    ------
    RecordError
        If a run has kept none, or they are not what it has written.
    """
    import io

    found = {
        record.config.arm: np.load(kept_file(store, record, f"{NAME}.npy"), allow_pickle=False)
        for record in records
    }
    file = io.BytesIO()
    np.savez_compressed(file, **found)
    path = Path(store) / "vae" / "samples.npz"
    write_whole(path, file.getvalue())
    return path
