"""The term of an operation called with some arguments: which is the array, which the axis."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from ..terms import SOME_AXIS, Term, Terms

#: Operations that reduce or normalise along an axis, which may be the second argument.
_ALONG_AN_AXIS = frozenset(["softmax", "log_softmax", "logsumexp", "sum", "nansum", "mean"])
_AXIS_WORDS = ("dim", "axis", "axes", "dims")
_OF_ONE = "exp sqrt square abs neg sigmoid logsigmoid log isnan isinf isfinite detach"
_ELEMENTWISE = frozenset(_OF_ONE.split())
_BINARY = frozenset(["add", "sub", "mul", "div", "pow", "xlogy", "and", "or"])


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
    if op in _ALONG_AN_AXIS:
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
