"""Figures about variational autoencoders: terms of the loss, KL by dimension, images, a map."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from .style import ACCENT, AMBER, GREY, M_COLOR, P_COLOR, Q_COLOR, SKY, panels

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from numpy.typing import ArrayLike

#: One look for each term or arm: told apart without their colours too.
LOOKS = (
    (P_COLOR, "-", "o"), (Q_COLOR, "--", "s"), (M_COLOR, "-.", "^"), (ACCENT, ":", "D"),
    (AMBER, "-", "v"), (SKY, "--", "P"),
)  # fmt: skip


def terms_by_epoch(above: Mapping[str, ArrayLike], below: Mapping[str, ArrayLike]) -> Figure:
    """Terms of a loss after each epoch: large ones in the upper panel, small ones in the lower.

    Parameters
    ----------
    above, below
        Name of each term and its values, of shape (runs, epochs), in nats. The line is the mean
        over the runs, and the band reaches from the lowest to the highest run.
    """
    figure, axes = panels(rows=2, height=5.2, sharex=True)
    looks = iter(LOOKS)
    for ax, terms in zip(axes, (above, below), strict=True):
        for (name, values), (color, line, mark) in zip(terms.items(), looks, strict=False):
            v = np.atleast_2d(np.asarray(values, float))
            epochs = np.arange(1, v.shape[1] + 1)
            few = v.shape[1] <= 12
            ax.fill_between(epochs, v.min(0), v.max(0), color=color, alpha=0.25, linewidth=0)
            ax.plot(
                epochs, v.mean(0), color=color, ls=line, marker=mark if few else None, label=name
            )
        ax.set_ylabel("nats an image")
        ax.legend()
    axes[1].set(xlabel="epochs", ylim=(0, None))
    return figure


def kl_of_dimensions(arms: Mapping[str, ArrayLike]) -> Figure:
    """KL of each latent dimension, the largest first.

    Parameters
    ----------
    arms
        Name of each arm and its values, of shape (dimensions,), in nats.
    """
    figure, (ax,) = panels(height=3.9)
    for (name, values), (color, line, _) in zip(arms.items(), LOOKS, strict=False):
        v = np.sort(np.asarray(values, float))[::-1]
        ax.plot(np.arange(1, v.size + 1), v, color=color, ls=line, label=name)
    ax.set(xlabel="latent dimension, sorted", ylabel="KL (nats)", ylim=(0, None))
    ax.legend()
    return figure


def drawn_images(rows: Mapping[str, ArrayLike]) -> Figure:
    """Images in rows, each row with a name above it, dark ink on white.

    Parameters
    ----------
    rows
        Name of each row and its images, of shape (images, height, width), from 0 to 1.
    """
    figure, axes = panels(rows=len(rows), height=0.86 * len(rows) + 0.1)
    for ax, (name, images) in zip(axes, rows.items(), strict=True):
        _show(ax, np.concatenate(list(np.asarray(images, float)), axis=1))
        ax.set_title(name, loc="left", pad=3)
    return figure


def latent_map(means: ArrayLike, labels: Sequence[int], grid: ArrayLike) -> Figure:
    """Where a VAE with two latents puts each image, and what it makes of each place.

    Parameters
    ----------
    means : array_like, (images, 2)
        Mean of q(z|x) of each image.
    labels
        Class of each image, a digit, which stands in the middle of its images.
    grid : array_like, (rows, columns, height, width)
        Decoded images, from 0 to 1, of the places of a grid, the lowest row first.
    """
    figure, (above, below) = panels(rows=2, height=8.6)
    m, classes = np.asarray(means, float), np.asarray(labels)
    for digit in range(10):
        color, _, mark = LOOKS[digit % 5]
        filled: dict[str, Any] = {"facecolor": color if digit < 5 else "none", "edgecolor": color}
        x, y = m[classes == digit].T
        above.scatter(x, y, s=14, marker=mark, linewidth=0.8, **filled)
    for digit in range(10):
        x, y = np.median(m[classes == digit], axis=0)
        box = {"boxstyle": "round,pad=0.15", "facecolor": "white", "edgecolor": GREY}
        above.text(x, y, str(digit), ha="center", va="center", bbox=box)
    above.set(xlabel="mean of q, first latent", ylabel="mean of q, second latent")
    above.set_aspect("equal", adjustable="datalim")
    seams = ((0, 0), (0, 0), (1, 1), (1, 1))  # a white pixel around each image
    tiles = np.pad(np.asarray(grid, float)[::-1], seams)
    _show(below, np.concatenate([np.concatenate(list(row), axis=1) for row in tiles], axis=0))
    return figure


def _show(ax: Axes, image: Any) -> None:
    ax.imshow(1 - image, cmap="gray", vmin=0, vmax=1, interpolation="nearest")
    ax.axis("off")
