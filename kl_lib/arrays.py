"""From whatever holds numbers to a NumPy array: the one place where an argument is read.

Lists and tuples, arrays, tensors of any framework, tables. What is read here has lost its labels:
`kl_lib.labels` has looked at them before.
"""

from __future__ import annotations

from typing import Any, NoReturn

import numpy as np
from numpy.typing import NDArray

from . import gradients
from .errors import DistributionError

Array = NDArray[Any]


def read(value: Any, name: str) -> tuple[Array, str]:
    """`value` as an array of real numbers, of any number of axes, and the name of its dtype.

    The array keeps an integer, boolean or real floating dtype (float32 for PyTorch's bfloat16).
    A tensor that a gradient is to pass through is read without it, with a `GradientWarning`. Does
    not look at the values.

    Raises
    ------
    DistributionError
        For strings, ragged lists, objects, complex numbers, masked arrays, sparse matrices and
        tensors without values; the kind is ``"unreadable"``.

    Examples
    --------
    >>> read([1.0, 0.0], "p")
    (array([1., 0.]), 'float64')
    """
    if type(value) is np.ndarray and value.dtype.char in "df":
        return value, "float64" if value.dtype.char == "d" else "float32"
    array = _raw(value, name)
    kind, dtype = array.dtype.kind, array.dtype.name
    if str(getattr(value, "dtype", "")) == "torch.bfloat16":
        dtype = "bfloat16"  # NumPy has none: the numbers are float32, as coarse as they came
    if kind == "c":
        _refuse(
            name,
            f"is complex ({dtype}); pass np.real({name}) if the imaginary part is zero",
        )
    if kind in "SU":
        item = array.flat[0].item() if array.size else ""
        _refuse(name, f"holds text (first item: {item!r:.40}); {_convert(array, name)}")
    if array.dtype.names:
        _refuse(
            name,
            f"is a structured array; pass its columns by name, {{field: {name}[field] for field in "
            f"{name}.dtype.names}}",
        )
    if kind == "V" and dtype.startswith(("float", "int", "uint")):  # narrower than NumPy's own
        _refuse(name, f"has dtype {dtype}; pass {name}.astype(np.float32)")
    if kind not in "biufVO" or (kind == "V" and dtype != "bfloat16"):
        _refuse(name, f"has dtype {dtype}; pass numbers, as floats or integers")
    if kind == "O" and array.ndim == 0:
        number = hasattr(value, "__float__")  # a Fraction, a Decimal
        remedy = f"float({name})" if number else "a list of numbers"
        _refuse(name, f"is {value!r:.40}; pass {remedy}")
    if kind == "O":
        place, item = _no_number(array)
        where = "" if place is None else f" ({entry(name, place)} is {item!r:.40})"
        _refuse(name, f"has dtype object{where}; {_of_objects(value, array, name)}", place)
    return array, dtype


def entry(name: str, place: tuple[int, ...]) -> str:
    """How a message speaks of one entry: 'p[3]', 'q[0, 2]'; of a lone number: 'p'."""
    return f"{name}[{', '.join(map(str, place))}]" if place else name


def _refuse(name: str, why: str, place: tuple[int, ...] | None = None) -> NoReturn:
    raise DistributionError(f"{name} {why}", kind="unreadable", argument=name, place=place)


def _raw(value: Any, name: str) -> Array:
    """The NumPy array behind `value`, of whatever dtype."""
    if isinstance(value, np.ma.MaskedArray):
        drop = f", {name}.compressed() drops it" if value.ndim == 1 else ""
        _refuse(
            name,
            f"is a masked array; decide what a masked entry means: {name}.filled(0) gives it 0"
            f"{drop}",
        )
    if isinstance(value, (list, tuple)) and _masked(value):  # NumPy would lose the masks
        _refuse(name, f"holds masked arrays; pass np.ma.stack({name}).filled(0) if masked is 0")
    if isinstance(value, (str, bytes)):
        _refuse(name, f"is the text {value!r:.40}; pass a sequence of numbers")
    if isinstance(value, dict):
        return _from_columns(value, name)
    kind, library = type(value), library_of(value)
    gradients.warn_if_lost(value, name)
    if hasattr(value, "detach") and hasattr(value, "cpu"):  # a PyTorch tensor
        return _from_torch(value, name)
    if hasattr(value, "asnumpy"):  # an MXNet NDArray
        return _from_mxnet(value, name)
    if hasattr(value, "toarray") and not isinstance(value, np.ndarray):
        _refuse(name, f"is sparse; pass {name}.toarray()")
    if kind.__name__ == "SparseTensor":
        _refuse(name, f"is sparse; pass tf.sparse.to_dense({name})")
    if kind.__name__ == "RaggedTensor":
        _refuse(name, f"is ragged; pass {name}.to_tensor(), which fills up with 0")
    if library == "xarray" and hasattr(value, "data_vars"):
        _refuse(
            name,
            f"is a Dataset; pass {name}.to_dataarray().transpose(..., 'variable') if its variables "
            "are the categories, or one of them",
        )
    if library == "polars" and hasattr(value, "collect"):
        _refuse(name, f"is lazy; pass {name}.collect()")
    if library == "pyarrow" and hasattr(value, "column_names"):
        columns = zip(value.column_names, value.columns, strict=True)
        return _from_columns({label: np.asarray(column) for label, column in columns}, name)
    if library == "pandas" and hasattr(value, "to_numpy"):
        return _from_pandas(value)
    try:
        array = np.asarray(value)
    except (ValueError, TypeError, NotImplementedError, RuntimeError, AttributeError) as error:
        if isinstance(value, (list, tuple)):
            return _from_parts(value, name)
        if kind.__module__.startswith("jax."):
            return _from_jax(name)
        _refuse(
            name,
            f"is a {kind.__name__} that cannot be read as an array ({first_line(error)}); pass a "
            "list or a NumPy array",
        )
    if array.dtype == object and isinstance(value, (list, tuple)) and _holds_arrays(value):
        return _from_parts(value, name)
    return array


#: Libraries whose objects are known by the module of their class, or of one it is made from.
LIBRARIES = ("pandas", "polars", "pyarrow", "xarray")


def library_of(value: Any) -> str:
    """Which of `LIBRARIES` made the class of `value`, or "" for none of them."""
    modules = (kind.__module__.partition(".")[0] for kind in type(value).__mro__)
    return next((name for name in modules if name in LIBRARIES), "")


def first_line(error: BaseException) -> str:
    """What an error of another library says, short enough to be part of a message."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return f"{lines[0] if lines else type(error).__name__:.120}"


def _from_mxnet(value: Any, name: str) -> Array:
    try:
        return value.asnumpy()
    except RuntimeError as error:  # a Symbol
        _refuse(name, f"has no values to read here ({first_line(error)}); pass a plain array")


def _from_jax(name: str) -> Array:
    """Of what jax.grad and jax.jit put in the place of numbers."""
    _refuse(
        name,
        "is traced by JAX and has no values to read here; pass it from outside of jax.grad and "
        "jax.jit, or train with kl_lib.losses.jax.kl_loss, which keeps the gradient",
    )


def _from_torch(value: Any, name: str) -> Array:
    if getattr(value, "is_meta", False):
        _refuse(name, "is on the meta device and has no values; pass a tensor that has been filled")
    if getattr(value, "is_quantized", False):
        _refuse(name, f"is quantised; pass {name}.dequantize()")
    if str(getattr(value, "layout", "torch.strided")) != "torch.strided":
        _refuse(name, f"is sparse; pass {name}.to_dense()")
    try:
        value = value.detach().cpu()
        if str(value.dtype).startswith(("torch.bfloat", "torch.float8")):  # NumPy has none
            value = value.float()
        return value.numpy(force=True) if hasattr(value, "resolve_neg") else value.numpy()
    except (RuntimeError, TypeError) as error:  # inside torch.func.vmap or torch.compile, say
        _refuse(name, f"has no values to read here ({first_line(error)}); pass a plain tensor")


def _from_pandas(value: Any) -> Array:
    """A Series or DataFrame as an array; pandas' missing values become nan, refused later."""
    array = value.to_numpy()
    if array.dtype == object:
        try:
            return value.to_numpy(dtype=np.float64, na_value=np.nan)
        except (TypeError, ValueError):
            return array
    return array


def _from_columns(columns: dict[Any, Any], name: str) -> Array:
    """Numbers, or columns of equal length, by name: the names go along the last axis."""
    if not columns:
        return np.empty(0)
    arrays = [read(column, f"{name}[{label!r:.20}]")[0] for label, column in columns.items()]
    if _labelled_differently(list(columns.values())):
        _refuse(name, f"has columns whose rows are labelled differently; pass pd.DataFrame({name})")
    if len({array.shape for array in arrays}) > 1:
        first = next(array for array in arrays if array.shape != arrays[0].shape)
        _refuse(
            name,
            f"has columns of shapes {arrays[0].shape} and {first.shape}; give all of them the same",
        )
    return np.stack(arrays, axis=-1)


def _labelled_differently(columns: list[Any]) -> bool:
    """Whether columns of one table, given as dicts or as pandas Series, have other rows."""
    names = [
        list(x) if isinstance(x, dict) else list(x.index) if library_of(x) == "pandas" else None
        for x in columns
    ]
    labelled = [x for x in names if x is not None]
    return any(x != labelled[0] for x in labelled)


def _from_parts(value: Any, name: str) -> Array:
    """A list that NumPy cannot read as it is: of tensors, or ragged."""
    if _holds_arrays(value):
        parts = [read(part, entry(name, (i,)))[0] for i, part in enumerate(value)]
        if len({part.shape for part in parts}) == 1:
            return np.stack(parts)
    _refuse(
        name,
        f"is ragged{_unequal(value)}; give every row one entry for each category, 0 where it "
        "cannot happen",
    )


def _holds_arrays(value: Any) -> bool:
    return any(
        hasattr(part, "shape") or (isinstance(part, (list, tuple)) and _holds_arrays(part))
        for part in value
    )


def _masked(value: Any) -> bool:
    return any(isinstance(part, np.ma.MaskedArray) for part in value)


def _unequal(rows: Any) -> str:
    """Which row of a list is the first that is not as long as row 0."""
    lengths = [len(row) if hasattr(row, "__len__") else 1 for row in rows]
    for i, length in enumerate(lengths):
        if length != lengths[0]:
            entries = "entry" if lengths[0] == 1 else "entries"
            return f": row 0 has {lengths[0]} {entries}, row {i} has {length}"
    return ""


def _of_objects(value: Any, array: Array, name: str) -> str:
    """The remedy for objects: rows kept as lists, a column that does not belong, or numbers."""
    if array.ndim == 1 and all(isinstance(row, (list, tuple, np.ndarray)) for row in array):
        if _unequal(array):
            return f"as a table it is ragged{_unequal(array)}: give every row the same categories"
        return f"pass its rows as a table, np.stack({name})"
    if library_of(value) == "pandas" and hasattr(value, "select_dtypes"):
        return f"pass {name}.select_dtypes('number') if the rest is no category"
    return _convert(array, name)


def _convert(array: Array, name: str) -> str:
    """The remedy for what is not numbers but may become numbers."""
    try:
        numbers = array.astype(np.float64)
    except OverflowError:
        return (
            f"beyond 1.8e308 there is no float: pass [x / sum({name}) for x in {name}] if these "
            "are counts"
        )
    except (TypeError, ValueError):
        return "pass numbers, 0 for a category that cannot happen"
    if np.isnan(numbers).any():
        return "a category that cannot happen has probability 0"
    return f"pass numbers: np.asarray({name}, dtype=float)"


def _no_number(array: Array) -> tuple[tuple[int, ...] | None, Any]:
    """Where an array of objects holds something else than a float or an integer, and what."""
    for place in np.ndindex(array.shape):
        if not isinstance(array[place], (int, float, np.number)):
            return place, array[place]
    return None, None
