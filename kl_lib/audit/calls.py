"""Functions and methods of array libraries, and the operation that each computes."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from .terms import SOME_AXIS, Term, Terms

#: Where functions of arrays live.
NAMESPACES = frozenset(
    [
        "numpy",
        "torch",
        "torch.nn.functional",
        "tensorflow",
        "mxnet.nd",
        "math",
        "scipy.special",
        "scipy",
        "cmath",
        "keras.activations",
        "numpy.linalg",
        "tensorflow.linalg",
        "torch.linalg",
    ]
)
#: The operation behind a name, for functions and methods alike.
OPERATIONS = {
    "exp": "exp",
    "sqrt": "sqrt",
    "square": "square",
    "abs": "abs",
    "absolute": "abs",
    "fabs": "abs",
    "neg": "neg",
    "negative": "neg",
    "sigmoid": "sigmoid",
    "expit": "sigmoid",
    "logsigmoid": "logsigmoid",
    "log_sigmoid": "logsigmoid",
    "log_expit": "logsigmoid",
    "log": "log",
    "log2": "log",
    "log10": "log",
    "softmax": "softmax",
    "log_softmax": "log_softmax",
    "logsumexp": "logsumexp",
    "reduce_logsumexp": "logsumexp",
    "gumbel_softmax": "softmax",
    "sum": "sum",
    "reduce_sum": "sum",
    "nansum": "nansum",
    "mean": "mean",
    "reduce_mean": "mean",
    "average": "mean",
    "nanmean": "mean",
    "add": "add",
    "subtract": "sub",
    "sub": "sub",
    "multiply": "mul",
    "mul": "mul",
    "divide": "div",
    "div": "div",
    "true_divide": "div",
    "truediv": "div",
    "divide_no_nan": "div",
    "pow": "pow",
    "power": "pow",
    "where": "where",
    "nan_to_num": "nan_to_num",
    "isnan": "isnan",
    "isinf": "isinf",
    "isfinite": "isfinite",
    "sort": "sort",
    "delete": "delete",
    "detach": "detach",
    "stop_gradient": "detach",
    "stack": "stack",
    "cat": "cat",
    "concat": "cat",
    "concatenate": "cat",
    "one_hot": "one_hot",
    "xlogy": "xlogy",
    "logical_and": "and",
    "logical_or": "or",
    "logaddexp": "logaddexp",
    "lerp": "lerp",
    "histogram": "histogram",
    "histc": "histc",
    "histogram_bin_edges": "edges",
    "size": "shape",
    "numel": "shape",
    "nelement": "shape",
    "full": "full",
    "full_like": "full",
    "new_full": "full",
    "ones": "ones",
    "ones_like": "ones",
    "zeros": "zeros",
    "zeros_like": "zeros",
    "randn": "random",
    "randn_like": "random",
    "random_normal": "random",
    "normal_": "random",
    "standard_normal": "random",
    "log_prob": "log_prob",
    "value_counts": "value_counts",
    "sort_values": "sort",
}
_CLAMPED = [
    "clip",
    "clamp",
    "clamp_min",
    "clamp_max",
    "clip_by_value",
    "maximum",
    "minimum",
    "clamp_",
    "clip_",
]
_MOVED = [
    "permute",
    "transpose",
    "t",
    "unsqueeze",
    "squeeze",
    "expand_dims",
    "expand",
    "expand_as",
    "flatten",
    "ravel",
    "repeat",
    "tile",
    "gather",
    "take",
    "take_along_dim",
    "take_along_axis",
    "swapaxes",
    "rearrange",
    "repeat_interleave",
    "index_select",
    "masked_select",
    "unbind",
    "broadcast_to",
    "view_as",
    "movedim",
    "moveaxis",
    "T",
    "boolean_mask",
    "split",
    "chunk",
    "narrow",
    "select",
]
_SAME = [
    "float",
    "double",
    "half",
    "bfloat16",
    "to",
    "cpu",
    "cuda",
    "numpy",
    "asarray",
    "array",
    "astype",
    "cast",
    "tensor",
    "as_tensor",
    "convert_to_tensor",
    "contiguous",
    "clone",
    "copy",
    "type",
    "type_as",
    "requires_grad_",
    "identity",
    "ascontiguousarray",
    "from_numpy",
    "tolist",
    "asnumpy",
    "as_in_context",
    "astensor",
    "eval",
    "toarray",
    "to_numpy",
    "squeeze_",
    "float32",
    "float64",
    "device_get",
    "convert_to_numpy",
]
OPERATIONS |= dict.fromkeys(_CLAMPED, "clamp")
OPERATIONS |= dict.fromkeys(_MOVED, "moved") | dict.fromkeys(("reshape", "view"), "shaped")
OPERATIONS |= dict.fromkeys(_SAME, "same")
#: Methods of an array that are not what their namesakes are, or are too common elsewhere.
NOT_METHODS = frozenset(
    [
        "average",
        "delete",
        "stack",
        "cat",
        "concat",
        "concatenate",
        "lerp",
        "histogram",
        "full",
        "ones",
        "zeros",
        "randn",
        "add",
        "multiply",
        "absolute",
        "negative",
        "subtract",
        "divide",
        "xlogy",
        "log_sigmoid",
        "one_hot",
        "rearrange",
        "tensor",
        "array",
        "cast",
        "logaddexp",
        "tile",
        "select",
        "split",
        "identity",
        "copy",
    ]
) - {"copy", "split", "select"}
_MORE_METHODS = {"add": "add", "multiply": "mul", "divide": "div", "sigmoid_": "sigmoid"}
#: Methods that change their object in place, and the operation.
IN_PLACE = {
    "log_": "log",
    "exp_": "exp",
    "sigmoid_": "sigmoid",
    "sqrt_": "sqrt",
    "abs_": "abs",
    "clamp_": "clamp",
    "clamp_min_": "clamp",
    "clip_": "clamp",
    "detach_": "detach",
    "mul_": "mul",
    "div_": "div",
    "add_": "add",
    "sub_": "sub",
    "neg_": "neg",
    "requires_grad_": "same",
}
#: Operations that reduce or normalise along an axis, which may be the second argument.
ALONG_AN_AXIS = frozenset(["softmax", "log_softmax", "logsumexp", "sum", "nansum", "mean"])
_AXIS_WORDS = ("dim", "axis", "axes", "dims")
_ELEMENTWISE = frozenset(
    [
        "exp",
        "sqrt",
        "square",
        "abs",
        "neg",
        "sigmoid",
        "logsigmoid",
        "log",
        "isnan",
        "isinf",
        "isfinite",
        "detach",
    ]
)
_BINARY = frozenset(["add", "sub", "mul", "div", "pow", "xlogy", "and", "or"])


def operation(name: str) -> tuple[str, str] | None:
    """The operation of a function by its canonical name, and the namespace it is of."""
    space, _, last = name.rpartition(".")
    if name == "torch.autograd.Variable":
        return "same", space
    if space not in NAMESPACES:
        return None
    if name in ("numpy.random.randn", "tensorflow.random.normal"):
        return "random", space
    found = OPERATIONS.get(last)
    return (found, space) if found is not None else None


def method(name: str) -> str | None:
    """The operation of a method of an array."""
    return _MORE_METHODS.get(name) or (OPERATIONS.get(name) if name not in NOT_METHODS else None)


def axis_of(term: Term | None, default: object) -> object:
    """An axis as a number or a tuple of numbers, `SOME_AXIS` where the source does not say it."""
    if term is None:
        return default
    if term.op == "const" and (term.value is None or isinstance(term.value, int)):
        return term.value
    if term.op in ("tuple", "list"):
        numbers = tuple(arg.number for arg in term.args)
        if None not in numbers:
            whole = tuple(int(number) for number in numbers if number is not None)
            return whole[0] if len(whole) == 1 else whole
    return SOME_AXIS


def apply(
    terms: Terms,
    op: str,
    space: str,
    args: Sequence[Term],
    given: dict[str, Term],
) -> Term:
    """The term of an operation called with these arguments; a method's object is the first."""
    args = [*args]
    if not args and given:  # the array by name
        first = next((name for name in given if name not in _AXIS_WORDS), None)
        if first is not None:
            args = [given[first]]
            given = {name: term for name, term in given.items() if name != first}
    if not args:
        return terms.make("call", name=op)
    said = next((given[word] for word in _AXIS_WORDS if word in given), None)
    if op in ALONG_AN_AXIS:
        if said is None and len(args) > 1:
            said = args[1]
        axis = axis_of(said, default_axis(op, space))
        return terms.make(op, args[0], axis=axis)
    if op in _ELEMENTWISE:
        return terms.make(op, args[0])
    if op in _BINARY:
        others = args[1:2] or list(given.values())[:1]
        if not others:
            return terms.make("call", *args, name=op)
        return terms.make(op, args[0], others[0])
    special = _SPECIAL.get(op)
    if special is not None:
        return special(terms, args, given, said)
    named = [
        terms.make("named", term, name=name) for name, term in given.items() if term is not said
    ]
    return terms.make(op, *args, *named, axis=axis_of(said, None))


def default_axis(op: str, space: str) -> object:
    """The axis where none is given: all for sums, the last for a softmax, "implicit" in PyTorch."""
    if op not in ("softmax", "log_softmax"):
        return None
    if space in ("torch", "torch.nn.functional", "method"):
        return "implicit"
    return None if space == "scipy.special" else -1


def _clamp(terms: Terms, args: list[Term], given: dict[str, Term], said: Term | None) -> Term:
    # Two arrays, of which the larger or smaller counts entry by entry, are another matter.
    bounds = [*args[1:], *given.values()]
    small = all(bound.op in ("const", "symbol", "attr", "full", "item") for bound in bounds)
    if len(args) == 2 and args[0].op == "const" and args[1].op != "const":
        return _clamp(terms, [args[1], args[0]], given, said)
    return terms.make("clamp" if small else "extreme", args[0], *([] if small else bounds))


def _moved(terms: Terms, args: list[Term], given: dict[str, Term], said: Term | None) -> Term:
    return terms.make("moved", args[0], value=_rank(args[1:], given))


def _shaped(terms: Terms, args: list[Term], given: dict[str, Term], said: Term | None) -> Term:
    return terms.make("moved", args[0])


def _rank(shape: Sequence[Term], given: dict[str, Term]) -> int | None:
    shape = list(shape) or [given[word] for word in ("shape", "newshape", "size") if word in given]
    if len(shape) == 1 and shape[0].op in ("tuple", "list"):
        return len(shape[0].args)
    if len(shape) == 1:
        return 1 if shape[0].number == -1 else None
    return len(shape) or None


def _same(terms: Terms, args: list[Term], given: dict[str, Term], said: Term | None) -> Term:
    return args[0]


def _stacked(op: str) -> Callable[[Terms, list[Term], dict[str, Term], Term | None], Term]:
    def stacked(terms: Terms, args: list[Term], given: dict[str, Term], said: Term | None) -> Term:
        axis = axis_of(said if said is not None else (args[1] if len(args) > 1 else None), 0)
        parts = args[0].args if args[0].op in ("list", "tuple") else args[:1]
        return terms.make(op, *parts, axis=axis)

    return stacked


def _nan_to_num(terms: Terms, args: list[Term], given: dict[str, Term], said: Term | None) -> Term:
    named = [terms.make("named", term, name=name) for name, term in given.items()]
    return terms.make("nan_to_num", args[0], *named)


def _histogram(terms: Terms, args: list[Term], given: dict[str, Term], said: Term | None) -> Term:
    bins = args[1] if len(args) > 1 else given.get("bins")
    limits = len(args) > 2 or any(word in given for word in ("range", "min", "max"))
    found = terms.make(
        "histogram", args[0], *([bins] if bins is not None else []), value="range" if limits else ""
    )
    return terms.make("counted", found)


def _histc(terms: Terms, args: list[Term], given: dict[str, Term], said: Term | None) -> Term:
    return _histogram(terms, args, given, said).args[0]


def _full(terms: Terms, args: list[Term], given: dict[str, Term], said: Term | None) -> Term:
    value = given.get("fill_value", args[1] if len(args) > 1 else None)
    return terms.make("full", *([value] if value is not None else []))


def _one_hot(terms: Terms, args: list[Term], given: dict[str, Term], said: Term | None) -> Term:
    return terms.make("one_hot", args[0])


_SPECIAL = {
    "clamp": _clamp,
    "moved": _shaped,
    "shaped": _moved,
    "same": _same,
    "stack": _stacked("stack"),
    "cat": _stacked("cat"),
    "nan_to_num": _nan_to_num,
    "histogram": _histogram,
    "histc": _histc,
    "full": _full,
    "one_hot": _one_hot,
}
