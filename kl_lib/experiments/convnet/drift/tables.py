"""What a study of drift found, as tables."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from .study import Drift


def tables(drift: Drift) -> Iterator[Any]:
    """Return lines of text and tables of rich."""
    from rich.table import Table

    config, reference = drift.config, drift.config.loss
    yield (
        f"{drift.data['description']}; {config.epochs} epochs of {drift.data['training_images']} "
        f"images, seed {config.seed}, {config.backend}, {config.precision}"
    )
    yield f"First batch with {reference}: loss {drift.first_loss:.6f} nats"
    table = Table(f"first batch, against {reference}", *drift.arms)
    for label, name in (
        ("loss, difference in nats", "first_loss"),
        ("gradient, largest difference", "first_gradient_largest"),
        ("gradient, relative distance", "first_gradient"),
    ):
        table.add_row(label, *(f"{getattr(arm, name):.1e}" for arm in drift.arms.values()))
    yield table
    # The looks nearest to whole powers of ten, and the last one.
    powers = 10 ** np.arange(math.log10(drift.steps[-1]) + 1)
    shown = {int(np.argmin(np.abs(np.array(drift.steps) - power))) for power in powers}
    for measure, title in (
        ("weights", "distance of the weights"),
        ("predictions", "distance of the predictions"),
        ("labels", "other label predicted"),
    ):
        table = Table(f"{title}, against {reference}", *drift.arms)
        for i in sorted({0, *shown, len(drift.steps) - 1}):
            values = (getattr(arm, measure)[i] for arm in drift.arms.values())
            form = "{:.1%}" if measure == "labels" else "{:.1e}"
            table.add_row(f"step {drift.steps[i]}", *(form.format(value) for value in values))
        yield table
    table = Table("in training", *drift.counts)
    counts = drift.counts.values()
    table.add_row("true class below 1e-7", *(str(sum(c.below_clip)) for c in counts))
    table.add_row("lowest probability of it", *(f"{min(c.lowest):.1e}" for c in counts))
    yield table
    table = Table(f"wrong by 200 nats, {config.backend}", *drift.wrong)
    table.add_row("loss in nats", *(f"{wrong.loss:.1f}" for wrong in drift.wrong.values()))
    table.add_row("gradient", *(f"{wrong.gradient:.0f}" for wrong in drift.wrong.values()))
    yield table
