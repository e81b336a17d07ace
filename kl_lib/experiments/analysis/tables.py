"""A comparison in words and tables."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from ..machinery.definition import Measure
from ..machinery.words import listed
from .paired import Interval
from .rule import Margin

if TYPE_CHECKING:
    from .comparison import Comparison, Contrast


def tables(comparison: Comparison) -> Iterator[Any]:
    """Return what is printed of a comparison: lines of text and tables of rich."""
    from rich.table import Table

    measure, images = comparison.measure, comparison.test_images
    yield comparison.dataset + (f", {images:,} test images" if images is not None else "")
    table = Table(f"{measure.label}{' in %' if measure.percent else ''}", title_justify="left")
    for heading in ("runs", "mean", "spread", "lowest", "highest"):
        table.add_column(heading, justify="right")
    for arm in comparison.arms:
        shown = (arm.mean, arm.spread, min(arm.values), max(arm.values))
        table.add_row(arm.name, str(len(arm.seeds)), *(_plain(x, measure) for x in shown))
    yield table
    columns = comparison.rows()
    unit = "in percentage points" if measure.percent else f"in the unit of {measure.label}"
    table = Table(unit, *(name for name in columns))
    for label in next(iter(columns.values())):
        table.add_row(label, *(column[label] for column in columns.values()))
    yield table
    yield from comparison.conclusions()
    for name, values in comparison.mixed.items():
        yield f"Not the same in all runs: {name} ({listed(values)})"


def rows(contrast: Contrast, measure: Measure) -> dict[str, str]:
    """Return label and value of each row for one contrast."""
    found = contrast.assessment
    confidence, narrow = 100 * (1 - found.level), 100 * (1 - 2 * found.level)
    shown = {
        "pairs": str(found.pairs),
        "mean difference": _signed(found.mean, measure),
        "spread of the differences": _plain(found.spread, measure),
        f"{confidence:g} % interval (t)": _ends(found.interval, measure),
        f"{confidence:g} % interval (bootstrap)": _ends(found.bootstrap, measure),
        f"{confidence:g} % interval, unpaired": _ends(contrast.unpaired, measure),
        f"{narrow:g} % interval (t)": _ends(found.narrow_interval, measure),
        "p value, difference is 0": _p(found.p_zero),
        "correlation of the pairs": _or_dash(contrast.correlation, "{:.2f}").replace("-", "−"),
    }
    for margin in found.margins:
        name = f"margin ±{_times(measure) * margin.margin:g}"
        shown[f"{name}: p value, equivalence"] = _p(margin.p)
        shown[f"{name}: power"] = _or_dash(margin.power, "{:.3f}")
        shown[f"{name}: verdict"] = margin.verdict
    return shown


def conclusion(contrast: Contrast, reference: str, margin: Margin, measure: Measure) -> str:
    """Return the verdict for a contrast and a margin in a sentence, with its reason."""
    found = contrast.assessment
    within = f"{contrast.arm} against {reference}, margin of {_margin(margin.margin, measure)}: "
    within += margin.verdict
    if found.interval is None:
        return f"{within}, because all differences are the same. Are these the same runs?"
    if found.pairs < found.fewest:
        return f"{within}, because {found.pairs} pairs are fewer than {found.fewest}"
    confidence, narrow_confidence = 100 * (1 - found.level), 100 * (1 - 2 * found.level)
    wide = f"the {confidence:g} % interval, {_ends(found.interval, measure)},"
    narrow = f"the {narrow_confidence:g} % interval, {_ends(found.narrow_interval, measure)},"
    zero = "excludes 0" if found.p_zero is not None and found.p_zero < found.level else "includes 0"
    if margin.verdict == "equivalent":
        return f"{within}, because {narrow} lies inside the margin; {wide} {zero}"
    return f"{within}, because {narrow} reaches beyond the margin and {wide} {zero}"


def _times(measure: Measure) -> int:
    return 100 if measure.percent else 1


def _margin(margin: float, measure: Measure) -> str:
    if not measure.percent:
        return f"{margin:g}"
    return f"{100 * margin:g} point{'s' if margin != 0.01 else ''}"


def _plain(value: float, measure: Measure) -> str:
    return f"{100 * value:.2f}" if measure.percent else f"{value:.4g}"


def _signed(value: float, measure: Measure) -> str:
    # A minus sign as long as the plus, and no minus before a zero.
    shown = f"{round(100 * value, 2) + 0.0:+.2f}" if measure.percent else f"{value + 0.0:+.4g}"
    return shown.replace("-", "−")


def _ends(interval: Interval | None, measure: Measure) -> str:
    return "–" if interval is None else " to ".join(_signed(end, measure) for end in interval)


def _p(value: float | None) -> str:
    return "–" if value is None else "below 0.0001" if value < 1e-4 else f"{value:.4f}"


def _or_dash(value: float | None, form: str) -> str:
    return "–" if value is None else form.format(value)
