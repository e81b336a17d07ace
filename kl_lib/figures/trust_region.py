"""Figures about steps held in a KL ball: the cliff, learning curves, settings, balls, penalties."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from .style import ACCENT, AMBER, GREY, LIGHT, M_COLOR, P_COLOR, SKY, panels, write_powers

if TYPE_CHECKING:
    from matplotlib.figure import Figure
    from numpy.typing import ArrayLike

#: One look for each way to step: told apart without their colours too.
LOOKS = ((ACCENT, "-", "o"), (M_COLOR, "--", "s"), (AMBER, "-.", "^"), (SKY, ":", "D"))
#: And for each of the six penalties: k1, k2, k3 as reward, then as loss.
PENALTIES = ("-", "--", ":")
_CENTRED: dict[str, Any] = {"ha": "center", "va": "center"}


def cliff(
    values: ArrayLike, arrows: Sequence[Sequence[str]], pays: ArrayLike, start: tuple[int, int]
) -> Figure:
    """The grid from above: what each place is worth, and where the best policy goes from it.

    Parameters
    ----------
    values : array_like, (rows, columns)
        Value of each place under the best policy.
    arrows
        For each row, the arrow to draw in each of its places.
    pays : array_like, (rows, columns)
        What it pays to arrive: 0 where the walk goes on, negative over the edge.
    start
        Row and column of the first place.
    """
    figure, (ax,) = panels(height=3.5)
    pays = np.asarray(pays)
    for (row, column), value in np.ndenumerate(np.asarray(values)):
        paid = pays[row, column]
        face = {0: "white", -1: GREY, 1: M_COLOR}[int(np.sign(paid))]
        square = (column - 0.5, row - 0.5)
        ax.add_patch(_rectangle(square, face))
        if paid:
            ax.text(column, row, f"{paid:+g}".replace("-", "−"), color="white", **_CENTRED)
            continue
        ax.text(column, row - 0.2, arrows[row][column], **_CENTRED)
        ax.text(column, row + 0.24, f"{value:.2f}", **_CENTRED)
    ax.add_patch(_rectangle((start[1] - 0.44, start[0] - 0.44), "none", P_COLOR, side=0.88))
    rows, columns = pays.shape
    ax.set(xlim=(-0.55, columns - 0.45), ylim=(rows - 0.45, -0.55), aspect="equal")
    ax.axis("off")
    return figure


def _rectangle(corner: tuple[float, float], face: str, edge: str = LIGHT, side: float = 1) -> Any:
    from matplotlib.patches import Rectangle

    width = 2.5 if edge != LIGHT else 1
    return Rectangle(corner, side, side, facecolor=face, edgecolor=edge, linewidth=width)


def learning_curves(curves: Mapping[str, ArrayLike], best: float) -> Figure:
    """Mean value of the policy after each update, with its 95 % t interval as a band.

    Parameters
    ----------
    curves
        Name of each way to step, and its values, of shape (updates + 1, runs).
    best
        Value of the best policy, a line.
    """
    from scipy import stats

    figure, (ax,) = panels(height=3.9)
    for (name, values), (color, line, _) in zip(curves.items(), LOOKS, strict=False):
        v = np.asarray(values)
        mean, runs = v.mean(axis=1), v.shape[1]
        half = stats.t.ppf(0.975, runs - 1) * v.std(axis=1, ddof=1) / np.sqrt(runs)
        at = np.arange(len(v))
        ax.fill_between(at, mean - half, mean + half, color=color, alpha=0.2, linewidth=0)
        ax.plot(at, mean, color=color, linestyle=line, label=name)
    ax.axhline(best, color=GREY, linewidth=1)
    ax.annotate("best policy", (0, best), (2, -14), color=GREY, textcoords="offset points")
    ax.set(xlabel="updates", ylabel="value of the policy", xlim=(0, None), ylim=(None, best + 0.05))
    figure.legend(loc="outside upper center", ncols=2)
    return figure


def by_setting(
    ends: Sequence[tuple[str, str, ArrayLike, ArrayLike]], works: float, best: float
) -> Figure:
    """What each setting of each way to step leads to: one panel a way, mean and single runs.

    Parameters
    ----------
    ends
        For each panel: its name, what the setting is called, the settings, and the values at the
        end, of shape (settings, runs).
    works
        The value from which on a setting counts as one that works, a dotted line.
    best
        Value of the best policy, a line.
    """
    figure, axes = panels(2, rows=-(-len(ends) // 2), height=5.6, sharey=True)
    for ax, (name, setting, x, values), look in zip(axes, ends, LOOKS, strict=False):
        color, line, mark = look
        v, x = np.asarray(values), np.asarray(x)
        ax.plot(np.repeat(x, v.shape[1]), v.ravel(), ".", color=color, markersize=2.5)
        ax.plot(x, v.mean(axis=1), color=color, linestyle=line, marker=mark, markersize=5)
        ax.axhline(best, color=GREY, linewidth=1)
        ax.axhline(works, color="black", linestyle=":", linewidth=1.2)
        ax.set(xscale="log", xlabel=setting)
        ax.set_title(name)
        write_powers(ax.xaxis)
    for ax in axes[::2]:
        ax.set_ylabel("value at the end")
    return figure


def balls(p: Sequence[float], radii: Sequence[float]) -> Figure:
    """KL balls around a policy of three actions: forward on the left, reverse on the right.

    Corners of the triangle are sure actions. Lines join the policies at the same KL from p.

    Parameters
    ----------
    p
        Probabilities of the three actions.
    radii
        The KL of each line, in nats, rising.
    """
    figure, axes = panels(2, height=2.9, sharey=True)
    # From within a hair of the edge, where log q is still finite.
    side = np.linspace(1e-9, 1 - 1e-9, 400)
    u, v = np.meshgrid(side, side)
    q = np.stack([(1 - u) * (1 - v), u * (1 - v), v])
    x, y = _corner_to_plane(q)
    target = np.asarray(p)[:, None, None]
    forward = (target * np.log(target / q)).sum(axis=0)
    reverse = (q * np.log(q / target)).sum(axis=0)
    names = ("KL(p‖q), forward", "KL(q‖p), reverse")
    for ax, values, name in zip(axes, (forward, reverse), names, strict=True):
        for radius, line in zip(radii, ("-", "--", ":"), strict=False):
            ax.contour(x, y, values, [radius], colors=[ACCENT], linestyles=[line])
        ax.plot([0, 1, 0.5, 0], [0, 0, 3**0.5 / 2, 0], color=GREY, linewidth=1.2)
        ax.plot(*_corner_to_plane(np.asarray(p)), "o", color=P_COLOR)
        ax.set_title(name)
        ax.set(aspect="equal", xlim=(-0.05, 1.05), ylim=(-0.06, 0.92))
        ax.axis("off")
    handles = [
        axes[0].plot([], [], color=ACCENT, linestyle=line, label=f"{radius:g} nats")[0]
        for radius, line in zip(radii, ("-", "--", ":"), strict=False)
    ]
    figure.legend(handles=handles, loc="outside lower center", ncols=len(radii))
    return figure


def _corner_to_plane(q: Any) -> tuple[Any, Any]:
    return q[1] + q[2] / 2, 3**0.5 / 2 * q[2]


def penalties(paths: Mapping[str, ArrayLike], promised: float, none: ArrayLike) -> Figure:
    """KL from the reference during training, under each estimator used as a penalty.

    Parameters
    ----------
    paths
        Name ("k1 as reward", ...) and KL after each update. "loss" in the name draws green,
        "reward" purple; k1, k2, k3 are solid, dashed, dotted.
    promised
        KL of the policy that the penalty is meant to lead to, a line.
    none
        KL after each update without any penalty, a broad grey line.
    """
    figure, (ax,) = panels(height=3.8)
    ax.plot(np.asarray(none), color=LIGHT, linewidth=7, label="no penalty")
    for name, values in paths.items():
        line = PENALTIES[int(name[1]) - 1]
        color = M_COLOR if "loss" in name else ACCENT
        ax.plot(np.asarray(values), color=color, linestyle=line, label=name)
    ax.axhline(promised, color=GREY, linewidth=1)
    ax.annotate("promised", (1, promised), (0, 4), color=GREY, textcoords="offset points")
    ax.set(xlabel="updates", ylabel="KL from the reference (nats)", xscale="log")
    ax.set(xlim=(1, None), ylim=(0, None))
    write_powers(ax.xaxis)
    figure.legend(loc="outside upper center", ncols=2)
    return figure
