"""Labels of categories and rows: the one rule for them, and the one place where it is applied.

pandas, polars, pyarrow, xarray and dicts give their entries names. Where two labelled arguments
meet, the same labels in another order are **aligned**, to the order of the first; labels that are
not the same are **refused**. An argument without labels pairs by position. A result keeps the
labels of its rows.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NoReturn

import numpy as np
from numpy.typing import NDArray

from . import arrays
from .errors import DistributionError

Array = NDArray[Any]

#: What an axis is, the same for all arguments of a function: `CATEGORY`, another word, or for an
#: axis of the batch its number from the end.
Role = Hashable
CATEGORY = "category"


@dataclass(frozen=True)
class Table:
    """An array with labels: what is read from a file whose columns or rows have names."""

    values: Array
    axes: tuple[Sequence[Hashable] | None, ...]

    def __array__(self, dtype: Any = None, copy: Any = None) -> Array:
        return np.asarray(self.values, dtype=dtype)


@dataclass(frozen=True)
class Labels:
    """The labels of one argument: for each axis a sequence of them, or None.

    `dims` names the axes, as xarray does. `source` is the library, for results made of it.
    """

    source: str
    axes: tuple[Sequence[Hashable] | None, ...]
    dims: tuple[Hashable, ...] | None = None


@dataclass(frozen=True)
class Named:
    """The labels that a result takes over, by the roles of its axes."""

    source: str = ""
    axes: Mapping[Role, Sequence[Hashable]] = field(default_factory=dict)
    dims: Mapping[Role, Hashable] = field(default_factory=dict)

    def give(self, result: Any, roles: Sequence[Role]) -> Any:
        """`result`, whose axes are these, with their labels: as pandas or xarray has them."""
        if not self.source or np.ndim(result) != len(roles) or not roles:
            return result
        axes = [self.axes.get(role) for role in roles]
        fits = all(
            axis is None or len(axis) == n for axis, n in zip(axes, np.shape(result), strict=True)
        )
        if not fits or (all(axis is None for axis in axes) and not self.dims):
            return result
        if self.source == "pandas" and len(roles) <= 2:
            import pandas as pd

            if len(roles) == 1:
                return pd.Series(result, index=axes[0])
            return pd.DataFrame(result, index=axes[0], columns=axes[1])
        if self.source == "xarray":
            import xarray as xr

            dims = [self.dims.get(role, f"dim_{i}") for i, role in enumerate(roles)]
            if len(set(dims)) < len(dims):  # all pairs of rows of one kind
                dims = [f"{dim}_{name}" for dim, name in zip(dims, ("p", "q"), strict=True)]
            coords = {d: (d, axis) for d, axis in zip(dims, axes, strict=True) if axis is not None}
            return xr.DataArray(result, dims=dims, coords=coords)
        if self.source == "dict" and len(roles) == 1:
            return dict(zip(axes[0] or (), result.tolist(), strict=True))
        return result


NONE = Named()


def of(value: Any) -> Labels | None:
    """The labels of `value`, None if it has none."""
    kind = type(value)
    if kind is np.ndarray or kind is list:
        return None
    if isinstance(value, dict):
        inner = max((np.ndim(column) for column in value.values()), default=0)
        return Labels("dict", (*[None] * inner, list(value)))
    if isinstance(value, Table):
        return Labels("table", value.axes)
    library = arrays.library_of(value)
    if library == "pandas" and hasattr(value, "to_numpy") and hasattr(value, "index"):
        columns = (value.columns,) if hasattr(value, "columns") else ()
        return Labels("pandas", (value.index, *columns))
    if library == "polars" and hasattr(value, "columns"):
        return Labels("polars", (None, list(value.columns)))
    if library == "pyarrow" and hasattr(value, "column_names"):
        return Labels("pyarrow", (None, list(value.column_names)))
    if library == "xarray" and hasattr(value, "dims") and hasattr(value, "coords"):
        indexes = value.indexes
        axes = tuple(indexes.get(dim) for dim in value.dims)
        return Labels("xarray", axes, tuple(value.dims))
    return None


def aligned(
    values: Mapping[str, Any], roles: Callable[[str, int], list[Role]], *, missing: float = 0.0
) -> tuple[dict[str, Any], Named]:
    """The arguments with all labels in the order of the first that has some; and the labels.

    Parameters
    ----------
    values
        The arguments by name.
    roles
        From the name of an argument and its number of axes to the role of each: axes of one role
        must have the same labels. `pair_roles` and `batch_roles` make them.
    missing
        What a missing category would have, for the remedy: 0, or −inf among logits.

    Raises
    ------
    DistributionError
        Of kind ``"labels"``: where two arguments do not have the same labels.
    """
    labelled = {name: found for name, x in values.items() if (found := of(x)) is not None}
    if not labelled:
        return dict(values), NONE
    result = dict(values)
    known: dict[Role, tuple[str, Sequence[Hashable]]] = {}
    dims: dict[Role, Hashable] = {}
    for name, labels in labelled.items():
        for axis, role in enumerate(roles(name, len(labels.axes))):
            if labels.dims is not None:
                dims.setdefault(role, labels.dims[axis])
            names = labels.axes[axis]
            if names is None:
                continue
            other, wanted = known.setdefault(role, (name, names))
            if _fit(names, wanted, role):
                if len(names) > len(wanted):
                    known[role] = name, names
            elif (order := _order(wanted, names)) is not None:
                result[name] = np.take(arrays.read(result[name], name)[0], order, axis=axis)
            else:
                at = axis - len(labels.axes)
                both = (other, values[other], wanted), (name, values[name], names)
                _refuse(*both, role, at, missing)
    sources = [labels.source for labels in labelled.values()]
    source = next((x for x in sources if x in ("pandas", "xarray")), sources[0])
    return result, Named(source, {role: names for role, (_, names) in known.items()}, dims)


def pair_roles(axis: Any) -> Callable[[str, int], list[Role]]:
    """The roles of the axes of p and q, whose categories lie on `axis`, counted from the end."""
    return lambda _, ndim: [CATEGORY if i - ndim == axis else i - ndim for i in range(ndim)]


def batch_roles(**core: tuple[Role, ...]) -> Callable[[str, int], list[Role]]:
    """The roles of the axes of parameters: the last as `core` says, those before as a batch."""

    def roles(name: str, ndim: int) -> list[Role]:
        own = list(core.get(name, ()))
        batch = ndim - len(own)
        return [*(i - batch for i in range(batch)), *own[max(len(own) - ndim, 0) :]]

    return roles


def _fit(a: Sequence[Hashable], b: Sequence[Hashable], role: Role) -> bool:
    """Whether two axes pair by position: equal labels, counted rows, or one for all of a batch."""
    shared = not isinstance(role, str) and 1 in (len(a), len(b))
    if a is b or shared or (_counted(a) and _counted(b)):
        return True
    if hasattr(a, "equals") and hasattr(b, "equals"):
        return bool(a.equals(b))  # of two indexes of pandas, at the speed of arrays
    return len(a) == len(b) and list(a) == list(b)


def _counted(labels: Any) -> bool:
    """Whether these are 0, 1, 2, ..., as pandas numbers what has no labels."""
    return type(labels).__name__ == "RangeIndex" and labels.start == 0 and labels.step == 1


def in_step(values: Mapping[str, Any]) -> dict[str, Any]:
    """The arguments, those of xarray with their axes in the order of the first of them.

    An axis that only the first has gets length 1 in the others, one that it has not comes first.

    Raises
    ------
    DistributionError
        Of kind ``"labels"``: where each has an axis that the other has not.
    """
    result = dict(values)
    found = {name: of(value) for name, value in values.items()}
    named = {name: x.dims for name, x in found.items() if x is not None and x.dims}
    for name, dims in named.items():
        first, wanted = next(iter(named.items()))
        if set(wanted) <= set(dims):
            if dims[len(dims) - len(wanted) :] != wanted:
                result[name] = result[name].transpose(..., *wanted)
        elif set(dims) <= set(wanted):
            if wanted[len(wanted) - len(dims) :] != dims:
                new = [dim for dim in wanted if dim not in dims]
                result[name] = result[name].expand_dims(new).transpose(*wanted)
        else:
            _other_axes(first, wanted, name, dims)
    return result


def categories_last(values: Mapping[str, Any]) -> dict[str, Any]:
    """Tables that meet row by row, those of xarray with the last axis of the first of them last.

    Raises
    ------
    DistributionError
        Of kind ``"labels"``: where one has no such axis.
    """
    result = dict(values)
    found = {name: of(value) for name, value in values.items()}
    named = {name: x.dims for name, x in found.items() if x is not None and x.dims}
    for name, dims in named.items():
        first, wanted = next(iter(named.items()))
        if wanted[-1] not in dims:
            _other_axes(first, wanted, name, dims)
        result[name] = result[name].transpose(..., wanted[-1])
    return result


def _other_axes(
    first: str, wanted: Sequence[Hashable], name: str, dims: Sequence[Hashable]
) -> NoReturn:
    raise DistributionError(
        f"the axes of {first} are {_listed(wanted)}, those of {name} {_listed(dims)}; rename them, "
        f"or drop the names with np.asarray({name}) if position is what counts",
        kind="labels",
        argument=f"{first} and {name}",
    )


def _listed(dims: Sequence[Hashable]) -> str:
    return f"({', '.join(map(str, dims))})"


def _order(wanted: Sequence[Hashable], names: Sequence[Hashable]) -> list[int] | None:
    """Where in `names` each of `wanted` stands; None if the two are not the same set."""
    if len(wanted) != len(names):
        return None
    if all(getattr(index, "is_unique", False) for index in (names, wanted)):
        order = names.get_indexer(wanted)  # type: ignore[attr-defined]  # of pandas, and fast
        return None if (order < 0).any() else order.tolist()
    names, wanted = _keys(names), _keys(wanted)
    places = {label: i for i, label in enumerate(names)}
    if len(places) < len(names) or len(set(wanted)) < len(wanted):
        return None  # a label that stands twice has no place of its own
    try:
        return [places[label] for label in wanted]
    except KeyError:
        return None


def _keys(names: Sequence[Hashable]) -> list[Hashable]:
    """The labels as a list, with one nan for all, which would not be found as equal."""
    return [math.nan if isinstance(x, float) and x != x else x for x in names]


#: Where pandas has the rows of distributions that stand in columns, and how it takes some.
_COLUMNS = "columns", "[:, rows]"


def _refuse(
    one: tuple[str, Any, Sequence[Hashable]],
    two: tuple[str, Any, Sequence[Hashable]],
    role: Role,
    axis: int,
    missing: float,
) -> NoReturn:
    """Say how the labels of two arguments differ, and what would make them fit."""
    (first, value, a), (second, other, b) = one, two
    a, b = _keys(a), _keys(b)
    drop = "give both the same labels"
    if len(a) == len(b):
        drop = f"drop the labels with {_dropped(value, first)} if position is what counts"
    common = set(a) & set(b)
    what = f"{first} and {second} are labelled differently"
    twice = next((x for x, n in (*Counter(a).items(), *Counter(b).items()) if n > 1), None)
    if twice is not None and len(common) == len(set(a) | set(b)):
        raise DistributionError(
            f"{what}: {shown(twice)} stands more than once, and the order is not the same; give "
            f"each category one label, or {drop}",
            kind="labels",
            argument=f"{first} and {second}",
        )
    outside = next((x for x in b if x not in common), None)
    if outside is not None:
        where = f"{shown(outside)} is in {second} alone"
    else:
        outside = next(x for x in a if x not in common)
        where = f"{shown(outside)} is in {first} alone"
    if not common or (isinstance(role, str) and role != CATEGORY):
        remedy = drop
    elif role == CATEGORY:
        fill = "" if axis == -1 else f", axis={axis}"
        fill += "" if missing == 0 else ", fill_value=-np.inf"
        remedy = (
            f"{first}, {second} = kl_lib.align({first}, {second}{fill}) gives both what either "
            f"has, {'-inf' if missing else '0'} where it is missing"
        )
    else:
        what = f"the rows of {what}"
        remedy = drop if len(a) == len(b) else "give both the same rows"
        if all(hasattr(x, "loc") and hasattr(x, "index") for x in (value, other)):
            rows, of_rows = ("index", "[rows]") if axis != -1 or value.ndim == 1 else _COLUMNS
            remedy = (
                f"keep the rows of both, {first}.loc{of_rows} and {second}.loc{of_rows} with rows "
                f"= {first}.{rows}.intersection({second}.{rows})"
            )
    raise DistributionError(
        f"{what}: {where}; {remedy}", kind="labels", argument=f"{first} and {second}", value=outside
    )


def _dropped(value: Any, name: str) -> str:
    if not isinstance(value, dict):
        return f"np.asarray({name})"
    columns = any(np.ndim(column) for column in value.values())
    return f"np.stack(list({name}.values()), axis=-1)" if columns else f"list({name}.values())"


def shown(label: Hashable) -> str:
    """A label as a message writes it."""
    return f"{label!r:.20}" if isinstance(label, str) else f"{label!s:.20}"


def align(p: Any, q: Any, *, axis: int = -1, fill_value: float = 0.0) -> tuple[Any, Any]:
    """p and q with the same categories: the labels of either, and 0 where one has none.

    Two tables of counts rarely have the same categories in the same order: what was never drawn is
    not in the table. This is for them. (The same categories in another order need nothing: every
    function here aligns them.)

    Parameters
    ----------
    p, q
        Labelled: pandas Series or DataFrames, xarray DataArrays, dicts of numbers or of columns,
        tables of polars or pyarrow.
    axis
        The axis that holds the categories, of both.
    fill_value
        What a category gets that is missing in p or q: 0 for probabilities and counts, −inf for
        logits.

    Returns
    -------
    (p, q)
        Of the kinds they were (a dict of columns for polars and pyarrow), categories in the order
        of p, then those that only q has. Rows stay as they are.

    Raises
    ------
    DistributionError
        If p or q has no labels on `axis`, or one label more than once.

    Examples
    --------
    >>> import kl_lib as kl
    >>> p, q = kl.align({"cat": 5, "dog": 5}, {"dog": 2, "cat": 2, "cow": 4})
    >>> p, q
    ({'cat': 5, 'dog': 5, 'cow': 0.0}, {'cat': 2, 'dog': 2, 'cow': 4})
    >>> print(kl.kl_divergence(p, q, normalize=True).round(7))  # log 2
    0.6931472
    """
    names = [_categories(value, name, axis) for value, name in ((p, "p"), (q, "q"))]
    union = list(dict.fromkeys((*names[0], *names[1])))
    return _reindexed(p, union, axis, fill_value), _reindexed(q, union, axis, fill_value)


def _categories(value: Any, name: str, axis: int) -> list[Hashable]:
    labels = of(value)
    if labels is None:
        raise DistributionError(
            f"{name}, of type {type(value).__name__}, has no labels to align; pass a dict, a "
            "pandas Series or DataFrame, or an xarray DataArray",
            kind="labels",
            argument=name,
        )
    found = labels.axes[axis] if -len(labels.axes) <= axis < len(labels.axes) else None
    if found is None:
        raise DistributionError(
            f"{name} has no labels on axis {axis}; pass the axis that holds the categories",
            kind="labels",
            argument=name,
        )
    listed = _keys(found)
    if len(set(listed)) < len(listed):
        twice = next(x for x, n in Counter(listed).items() if n > 1)
        raise DistributionError(
            f"{shown(twice)} stands more than once among the labels of {name}; add up what "
            "belongs together and give each category one label",
            kind="labels",
            argument=name,
            value=twice,
        )
    return listed


def _reindexed(value: Any, union: list[Hashable], axis: int, fill_value: float) -> Any:
    if isinstance(value, dict) or not hasattr(value, "reindex"):
        columns = value if isinstance(value, dict) else _columns(value)
        shape = max((np.shape(column) for column in columns.values()), default=())
        blank = np.full(shape, fill_value) if shape else fill_value
        columns = dict(zip(_keys(list(columns)), columns.values(), strict=True))
        return {label: columns.get(label, blank) for label in union}
    labels = of(value)
    assert labels is not None
    if labels.dims is not None:
        return value.reindex({labels.dims[axis]: union}, fill_value=fill_value)
    if not float(fill_value).is_integer():
        value = value.astype(np.float64)  # integers have no −inf
    if len(labels.axes) == 1:
        return value.reindex(union, fill_value=fill_value)
    return value.reindex(union, axis=axis % 2, fill_value=fill_value)


def _columns(value: Any) -> dict[Hashable, Any]:
    """The columns of a table of polars or pyarrow, or of one from a file, by name."""
    labels = of(value)
    assert labels is not None
    array, _ = arrays.read(value, "table")
    names = labels.axes[-1] or range(array.shape[-1])
    return {label: array[..., i] for i, label in enumerate(names)}
