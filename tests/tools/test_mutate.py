"""The verdict of `make mutate`: survivors that are not listed fail it, and so do stale lines."""

import ast
import json

import mutate
import pytest

FIRST, SECOND = "- a\n+ b", "- a\n+ c"
LISTED = f"# What this file is\n\n# module.f: one more makes no difference\n\n{FIRST}\n\n{SECOND}\n"


@pytest.fixture
def verdict(tmp_path, monkeypatch, capsys):
    """A function of the exit codes of two mutants and the list, to whether all is well and why."""
    monkeypatch.setattr(mutate, "RESULTS", tmp_path)
    monkeypatch.setattr(mutate, "LIST", tmp_path / "mutants.txt")
    changes = {"first": ("module.f", FIRST), "second": ("module.f", SECOND)}
    monkeypatch.setattr(mutate, "change_of", lambda source, mutant: changes[mutant])
    results = tmp_path / "kl_lib" / "module.py.meta"
    results.parent.mkdir()

    def judge(first, second, text=LISTED):
        results.write_text(json.dumps({"exit_code_by_key": {"first": first, "second": second}}))
        mutate.LIST.write_text(text, "utf-8")
        return mutate.report(), capsys.readouterr().out

    return judge


def test_survivors_that_are_listed_are_well(verdict):
    well, said = verdict(0, 0)
    assert well
    assert "kl_lib/module.py                      2        0          0         2" in said
    assert verdict(1, -24, "")[0]  # killed, timed out


def test_a_survivor_that_is_not_listed_is_named_as_it_would_be_listed(verdict):
    well, said = verdict(0, 0, LISTED.replace(SECOND, ""))
    assert not well
    assert f"second survives and is not listed:\n# module.f: WHY\n{SECOND}" in said


def test_a_line_whose_mutant_is_killed_or_gone_is_named(verdict):
    for text in (LISTED, LISTED.replace("+ c", "+ d")):
        well, said = verdict(0, 1, text)
        assert not well
        assert "listed, but killed or gone:\n# module.f: one more makes no difference\n- a" in said


def test_a_function_that_no_test_reaches_is_listed_whole(verdict):
    whole = f"# module.f: needs another machine\n\n{mutate.ANY}\n"
    assert verdict(0, 33, whole)[0]
    well, said = verdict(1, 1, whole)
    assert not well
    assert "listed, but killed or gone:\n# module.f: needs another machine\n- any" in said


def test_a_line_needs_a_reason_and_a_verdict_every_result(verdict):
    assert "listed without a reason" in verdict(0, 0, LISTED.replace(": one more makes", ":"))[1]
    assert not verdict(0, 0, LISTED.replace(": one more makes no difference", ""))[0]
    assert "not checked yet" in verdict(0, None)[1]
    assert not verdict(0, None)[0]


def test_a_sample_is_of_what_is_not_checked(verdict):
    verdict(None, 1)
    assert mutate.sample(5) == ["first"]
    verdict(None, None)
    assert sorted(mutate.sample(2, 1)) == ["first", "second"]
    assert len(mutate.sample(1)) == 1


def test_survivors_are_checked_again_when_a_test_may_have_changed(tmp_path, monkeypatch):
    monkeypatch.setattr(mutate, "RESULTS", tmp_path)
    results = tmp_path / "kl_lib" / "module.py.meta"
    results.parent.mkdir()

    def codes_after_forget():
        results.write_text(json.dumps({"exit_code_by_key": {"first": 1, "second": 0}}))
        mutate.forget()
        return json.loads(results.read_text())["exit_code_by_key"]

    assert codes_after_forget() == {"first": 1, "second": None}
    assert codes_after_forget() == {"first": 1, "second": 0}
    (tmp_path / "seen.sha256").write_text("of other tests")
    assert codes_after_forget() == {"first": 1, "second": None}


def test_what_is_listed_here_has_its_reasons():
    listed = mutate.parse(mutate.LIST.read_text("utf-8"))
    assert len(listed) > 20
    assert all(len(reason.split()) > 2 for reason in listed.values())
    assert all(name.count(".") >= 1 and " " not in name for name, _ in listed)


def lines_of_functions(tree, source, room):
    """The lines of each function and method of a module, by its name in the list."""
    inside = [(room, node) for node in tree.body]
    inside += [
        (f"{room}.{x.name}", f) for x in tree.body if type(x) is ast.ClassDef for f in x.body
    ]
    return {
        f"{name}.{node.name}": [" ".join(line.split()) for line in found.splitlines()]
        for name, node in inside
        if isinstance(node, ast.FunctionDef)
        for found in [ast.get_source_segment(source, node)]
    }


def test_what_is_listed_stands_in_the_code():
    """A line whose code has changed or moved hides nothing, and says something of nothing."""
    package, functions = mutate.ROOT / "kl_lib", {}
    for path in package.glob("**/*.py"):
        room = ".".join(path.relative_to(package).with_suffix("").parts)
        source = path.read_text("utf-8")
        functions |= lines_of_functions(ast.parse(source), source, room)
    for name, change in mutate.parse(mutate.LIST.read_text("utf-8")):
        assert name in functions, name
        before = [line[2:] for line in change.splitlines() if line.startswith("-")]
        for line in before if change != mutate.ANY else ():
            assert " ".join(line.split()) in functions[name], (name, line)
