"""The reference pages name everything that `kl_lib` offers, and nothing that it does not."""

from __future__ import annotations

import ast
import inspect
import re
import sys
from importlib import import_module
from pathlib import Path
from types import SimpleNamespace

import pytest
from sphinx.errors import PycodeError
from sphinx.pycode import ModuleAnalyzer

import kl_lib as kl
from kl_lib import experiments

sys.path.append(str(Path(__file__).parents[2] / "book" / "_ext"))
from kl_reference import leave_mocks_alone

BOOK = Path(__file__).parents[2] / "book"
TEXT = "\n".join(path.read_text("utf-8") for path in sorted(BOOK.glob("reference*.md")))
ENTRY = re.compile(r"^\.\. auto(?:function|class|exception|data):: ([\w.]+)(\(.*\))?$", re.M)
ENTRIES = dict(ENTRY.findall(TEXT))


def test_every_public_name_has_an_entry():
    names = {f"kl_lib.{name}" for name in kl.__all__ if name != "kl_mvn"}  # the short name of one
    names |= {f"kl_lib.experiments.{name}" for name in experiments.__all__}
    assert names - set(ENTRIES) == set()


def test_every_name_in_the_overview_has_an_entry():
    names = re.findall(r"^   (\w+)$", TEXT, re.M)
    assert len(names) > 10
    assert {f"kl_lib.{name}" for name in names} <= set(ENTRIES)


@pytest.mark.parametrize("folder", ["losses", "metrics"])
def test_every_loss_and_metric_has_an_entry(folder):
    """Read from the source, for the frameworks need not be here."""
    found = []
    for path in sorted((BOOK.parent / "kl_lib" / folder).glob("[!_]*.py")):
        [names] = re.findall(r"^__all__ = (\[.*?\])$", path.read_text("utf-8"), re.M) or ["[]"]
        found += [f"kl_lib.{folder}.{path.stem}.{name}" for name in ast.literal_eval(names)]
    assert len(found) >= 2
    assert set(found) - {f"kl_lib.{folder}.conftest.pytest_collect_file"} <= set(ENTRIES)


@pytest.mark.parametrize("entry", sorted(set(ENTRIES)))
def test_an_entry_is_a_documented_object(entry):
    module, _, name = entry.rpartition(".")
    if module.startswith(("kl_lib.losses.", "kl_lib.metrics.")):
        pytest.importorskip(module.rpartition(".")[2])
    if module == "kl_lib.figures":
        pytest.importorskip("matplotlib")
    thing = getattr(import_module(module), name)
    assert isinstance(thing, dict) or inspect.getdoc(thing)
    if written := ENTRIES[entry]:
        assert written == untyped(thing)


def untyped(thing: object) -> str:
    """The signature as the pages show it."""
    signature = inspect.signature(thing)
    empty = inspect.Parameter.empty
    bare = [parameter.replace(annotation=empty) for parameter in signature.parameters.values()]
    return str(inspect.Signature(bare))


def test_no_framework_is_loaded_to_read_its_source(monkeypatch):
    monkeypatch.setattr(ModuleAnalyzer, "get_module_source", ModuleAnalyzer.get_module_source)
    monkeypatch.setattr(ModuleAnalyzer, "cache", {})
    leave_mocks_alone(None, SimpleNamespace(autodoc_mock_imports=["keras"]))
    for module in ("keras", "keras.losses", "keras.metrics", "keras.src.metrics"):
        with pytest.raises(PycodeError, match="mocked"):
            ModuleAnalyzer.for_module(module)
    assert ModuleAnalyzer.for_module("kl_lib.losses").modname == "kl_lib.losses"
