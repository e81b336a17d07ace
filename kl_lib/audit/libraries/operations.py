"""Functions and methods of array libraries, and the operation that each computes."""

from __future__ import annotations

# Where functions of arrays live.
_SPACES = """
    numpy numpy.linalg scipy scipy.special math cmath torch torch.nn.functional torch.linalg
    tensorflow tensorflow.linalg keras.activations mxnet.nd"""
_NAMESPACES = frozenset(_SPACES.split())
# An operation, and what libraries call it, as a function or as a method.
_CALLED = {
    "exp": "exp",
    "sqrt": "sqrt",
    "square": "square",
    "abs": "abs absolute fabs",
    "neg": "neg negative",
    "sigmoid": "sigmoid expit",
    "logsigmoid": "logsigmoid log_sigmoid log_expit",
    "log": "log log2 log10",
    "softmax": "softmax gumbel_softmax",
    "log_softmax": "log_softmax",
    "logsumexp": "logsumexp reduce_logsumexp",
    "sum": "sum reduce_sum",
    "nansum": "nansum",
    "mean": "mean reduce_mean average nanmean",
    "add": "add",
    "sub": "subtract sub",
    "mul": "multiply mul",
    "div": "divide div true_divide truediv divide_no_nan",
    "pow": "pow power",
    "where": "where",
    "nan_to_num": "nan_to_num",
    "isnan": "isnan",
    "isinf": "isinf",
    "isfinite": "isfinite",
    "sort": "sort sort_values",
    "delete": "delete",
    "detach": "detach stop_gradient",
    "stack": "stack",
    "cat": "cat concat concatenate",
    "one_hot": "one_hot",
    "xlogy": "xlogy",
    "and": "logical_and",
    "or": "logical_or",
    "logaddexp": "logaddexp",
    "lerp": "lerp",
    "histogram": "histogram",
    "histc": "histc",
    "edges": "histogram_bin_edges",
    "shape": "size numel nelement",
    "full": "full full_like new_full",
    "ones": "ones ones_like",
    "zeros": "zeros zeros_like",
    "random": "randn randn_like random_normal normal_ standard_normal",
    "log_prob": "log_prob",
    "value_counts": "value_counts",
    "clamp": "clip clamp clamp_min clamp_max clip_by_value maximum minimum clamp_ clip_",
    "moved": """
        permute transpose t unsqueeze squeeze expand_dims expand expand_as flatten ravel
        repeat tile gather take take_along_dim take_along_axis swapaxes rearrange
        repeat_interleave index_select masked_select unbind broadcast_to view_as movedim
        moveaxis T boolean_mask split chunk narrow select""",
    "shaped": "reshape view",
    "same": """
        float double half bfloat16 to cpu cuda numpy asarray array astype cast tensor
        as_tensor convert_to_tensor contiguous clone copy type type_as requires_grad_ identity
        ascontiguousarray from_numpy tolist asnumpy as_in_context astensor eval toarray
        to_numpy squeeze_ float32 float64 device_get convert_to_numpy""",
}
OPERATIONS = {name: op for op, names in _CALLED.items() for name in names.split()}
# Methods of an array that are not what their namesakes are, or are too common elsewhere.
_NO_METHODS = """
    absolute negative log_sigmoid average add subtract multiply divide delete stack cat concat
    concatenate one_hot xlogy logaddexp lerp histogram full ones zeros randn tile rearrange
    array cast tensor identity"""
_NOT_METHODS = frozenset(_NO_METHODS.split())
_MORE_METHODS = {"add": "add", "multiply": "mul", "divide": "div", "sigmoid_": "sigmoid"}
# Methods that change their object in place, and the operation.
_ALSO_IN_PLACE = "log exp sigmoid sqrt abs detach mul div add sub neg"
IN_PLACE = {f"{op}_": op for op in _ALSO_IN_PLACE.split()} | {
    "clamp_": "clamp",
    "clamp_min_": "clamp",
    "clip_": "clamp",
    "requires_grad_": "same",
}


def operation(name: str) -> tuple[str, str] | None:
    """The operation of a function by its canonical name, and the namespace it is of."""
    space, _, last = name.rpartition(".")
    if name == "torch.autograd.Variable":
        return "same", space
    if space not in _NAMESPACES:
        return None
    found = OPERATIONS.get(last)
    return (found, space) if found is not None else None


def method(name: str) -> str | None:
    """The operation of a method of an array."""
    return _MORE_METHODS.get(name) or (OPERATIONS.get(name) if name not in _NOT_METHODS else None)
