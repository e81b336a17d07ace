"""A function with another body is the same function; a stand-in is what it stands for."""

import copy
import gc
import inspect
import pickle
import sys
import traceback

import numpy as np
import pytest

from kl_lib.watching.wrapping.importing import install, remove
from kl_lib.watching.wrapping.replacing import stand_in
from kl_lib.watching.wrapping.swapping import swap


class Told:
    """An observer that remembers."""

    def __init__(self):
        self.calls, self.inside, self.wants = [], 0, True

    def enter(self):
        self.inside += self.wants
        return self.wants

    def leave(self):
        self.inside -= 1

    def told(self, given, result):
        self.calls.append((given, result))


def plain(a, /, b, c=3, *rest, d, e=5, **more):
    """Its words."""
    return a, b, c, rest, d, e, more


def with_cells():
    factor, offset = 10, 1
    return lambda x, *, y=2: factor * x + offset * y


def test_arguments_of_every_kind_go_through_and_are_told_by_name():
    observer = Told()
    undo = swap(plain, observer)
    try:
        assert plain(1, 2, 4, 5, d=6, f=7) == (1, 2, 4, (5,), 6, 5, {"f": 7})
        assert plain(1, b=2, d=3) == (1, 2, 3, (), 3, 5, {})
    finally:
        undo()
    [(given, result), _] = observer.calls
    assert given == {"a": 1, "b": 2, "c": 4, "d": 6, "e": 5, "*": (5,), "f": 7}
    assert result == (1, 2, 4, (5,), 6, 5, {"f": 7})


def test_a_function_with_a_closure_keeps_it():
    function, observer = with_cells(), Told()
    undo = swap(function, observer)
    assert function(3) == 32
    assert function(3, y=5) == 35
    undo()
    assert function(3) == 32
    assert [given for given, _ in observer.calls] == [{"x": 3, "y": 2}, {"x": 3, "y": 5}]


@pytest.mark.parametrize("make", [lambda: plain, with_cells])
def test_what_can_be_asked_about_a_function_stays(make):
    function = make()

    def facts():
        return (
            inspect.signature(function),
            inspect.getsource(function),
            function.__name__,
            function.__qualname__,
            function.__doc__,
            function.__defaults__,
            function.__kwdefaults__,
            function.__code__.co_name,
            function.__code__.co_filename,
        )

    before = facts()
    undo = swap(function, Told())
    try:
        assert facts() == before
    finally:
        undo()


def test_wrong_arguments_get_python_s_own_message():
    with pytest.raises(TypeError) as before:
        plain(1)
    undo = swap(plain, Told())
    try:
        with pytest.raises(TypeError) as inside:
            plain(1)
    finally:
        undo()
    assert str(inside.value) == str(before.value)


def test_an_exception_goes_through_and_the_observer_is_left():
    def fails():
        raise KeyError("as it does")

    observer = Told()
    undo = swap(fails, observer)
    with pytest.raises(KeyError, match="as it does") as error:
        fails()
    undo()
    assert observer.inside == 0
    assert observer.calls == []
    lines = [frame.lineno for frame in traceback.extract_tb(error.tb) if frame.name == "fails"]
    assert len(lines) == 2  # the new body on the line of the def, then the old one
    assert lines[0] == fails.__code__.co_firstlineno


def test_who_does_not_want_to_know_is_not_told():
    observer = Told()
    observer.wants = False
    undo = swap(plain, observer)
    try:
        assert plain(1, 2, d=3)[0] == 1
    finally:
        undo()
    assert observer.calls == []


def test_it_is_the_same_object_and_is_pickled_and_copied_as_before():
    undo = swap(plain, Told())
    try:
        assert pickle.loads(pickle.dumps(plain)) is plain
        assert copy.deepcopy(plain) is plain
    finally:
        undo()


def test_a_frame_inside_can_show_its_locals():
    """As debuggers and pytest do; names of cells among them."""
    seen = []

    class Looks(Told):
        def enter(self):
            seen.append(dict(sys._getframe(1).f_locals))
            return True

    function = with_cells()
    undo = swap(function, Looks())
    function(3)
    undo()
    assert seen[0]["x"] == 3


# Universal functions

special = pytest.importorskip("scipy.special")

REL_ENTR = special.rel_entr
HELD = [REL_ENTR]
NAMED = {"it": REL_ENTR}


class Holder:
    of_class = staticmethod(REL_ENTR).__func__


class Slotted:
    def __init__(self):
        self.own = REL_ENTR


def closure():
    inner = REL_ENTR
    return lambda p, q: inner(p, q)


def places(slotted):
    return [REL_ENTR, HELD[0], NAMED["it"], Holder.of_class, slotted.own, special.rel_entr]


def test_a_stand_in_is_put_wherever_the_original_is_held_and_taken_back():
    home, observer = vars(special._ufuncs), Told()
    slotted, by_closure = Slotted(), closure()
    undo = stand_in({home["rel_entr"]: observer}, home)
    try:
        held = places(slotted)
        assert all(type(x) is not np.ufunc for x in held)
        assert all(x(0.5, 0.25) == 0.5 * np.log(2) for x in [*held, by_closure])
        assert len(observer.calls) == len(held) + 1
        assert observer.calls[0][0] == {"p": 0.5, "q": 0.25}
        NAMED["taken inside"] = special.rel_entr
    finally:
        undo()
    held = [*places(slotted), NAMED.pop("taken inside")]
    assert [x is home["rel_entr"] for x in held] == [True] * 7


def test_a_stand_in_is_what_it_stands_for():
    original = special._ufuncs.rel_entr
    undo = stand_in({original: Told()}, vars(special._ufuncs))
    try:
        stand = special.rel_entr
        assert isinstance(stand, np.ufunc)
        assert stand == original
        assert hash(stand) == hash(original)
        assert repr(stand) == repr(original)
        assert (stand.nin, stand.nout) == (2, 1)
        assert stand.outer([0.5], [0.25, 0.5]).shape == (1, 2)
        pickled = pickle.dumps(stand)
        assert np.array_equal(stand(0.5, 0.25, out=np.zeros(())), original(0.5, 0.25))
    finally:
        undo()
    assert pickle.loads(pickled) is original


def test_two_are_told_apart_and_the_process_is_searched_once(monkeypatch):
    home, observers, searches = vars(special._ufuncs), (Told(), Told()), []
    search = gc.get_referrers
    held = [home["rel_entr"], home["kl_div"]]

    def counted(*objects):
        searches.append(len(objects))
        return search(*objects)

    monkeypatch.setattr(gc, "get_referrers", counted)
    undo = stand_in(dict(zip(held, observers, strict=True)), home)
    try:
        assert held[0](0.5, 0.25) == 0.5 * np.log(2)
        assert held[1](0.5, 0.25) == 0.5 * np.log(2) - 0.25
    finally:
        undo()
    assert [len(x.calls) for x in observers] == [1, 1]
    # `is`, for a stand-in equals what it stands for.
    assert [held[0] is home["rel_entr"], held[1] is home["kl_div"]] == [True, True]
    assert searches.count(2) == 2  # in and out; a class that holds one is searched for by itself


# What is imported later


def test_a_module_is_told_of_once_it_has_been_run(tmp_path, monkeypatch):
    (tmp_path / "comes_later.py").write_text("value = 1\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    told = []
    install({"comes_later"}, lambda name: told.append(sys.modules[name].value))
    try:
        import comes_later
    finally:
        remove()
        sys.modules.pop("comes_later", None)
    assert "exec_module" not in vars(comes_later.__loader__)
    assert told == [1]
    assert not any(type(finder).__name__ == "_Finder" for finder in sys.meta_path)


def test_a_module_that_fails_fails_as_before(tmp_path, monkeypatch):
    (tmp_path / "fails_later.py").write_text("1 / 0\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    told = []
    install({"fails_later"}, told.append)
    try:
        with pytest.raises(ZeroDivisionError):
            import fails_later  # noqa: F401
    finally:
        remove()
    assert told == []
