"""Code cells of notebooks are one program, and a finding names its cell."""

from __future__ import annotations

import json

import pytest
from calling import invoke

from kl_lib.audit import audit


def notebook(*cells: str, language: str = "python") -> str:
    made = []
    for cell in cells:
        kind = "markdown" if cell.startswith("# text") else "code"
        made.append({"cell_type": kind, "source": cell.splitlines(keepends=True)})
    return json.dumps({"cells": made, "metadata": {"kernelspec": {"language": language}}})


@pytest.fixture
def write(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return lambda text: (tmp_path / "a.ipynb").write_text(text, "utf-8")


IMPORTS = "%matplotlib inline\nimport torch.nn.functional as F"


def test_values_go_from_cell_to_cell(write):
    write(notebook("# text", IMPORTS, "q = F.softmax(s, -1)", "x = 1\nF.kl_div(q, p)"))
    result = audit(".")
    assert next(str(one).rpartition(": ")[0] for one in result) == "a.ipynb:cell 4:2:1"
    assert {(one.cell, one.line, one.code) for one in result} == {
        (4, 2, "KLD101"),
        (4, 2, "KLD111"),
    }


def test_magics_and_shell_lines_are_no_python(write):
    cells = ["%%bash\nkl_div <<<", "!pip install x\nF.softmax?\n%timeit F.kl_div(q, p)"]
    write(notebook(IMPORTS, *cells, "%%time\nF.kl_div(F.softmax(s, -1), p, reduction='sum')"))
    result = audit(".")
    assert [(one.cell, one.line, one.code) for one in result] == [(4, 2, "KLD101")]
    assert result.unreadable == ()


def test_a_magic_may_be_all_of_a_block(write):
    write(notebook(IMPORTS, "if cuda:\n    !nvidia-smi\nF.kl_div(q, p)"))
    assert [(one.cell, one.line) for one in audit(".")] == [(2, 3)]


@pytest.mark.parametrize(
    "cell",
    [
        "print('%d of %d'\n      % (1, 2))\nx = (7\n     % n)",
        "%matplotlib inline\nprint('%d of %d'\n      %(1, 2))",
        "addresses = !kubectl get service\nfirst = addresses[0]",
        "took = %timeit -o f()",
        "!curl -H one \\\n   -H two \\\n   https://x\nx = 1",
        "% matplotlib inline",
    ],
)
def test_lines_that_notebooks_have_are_no_complaint(write, cell):
    write(notebook(IMPORTS, cell, "F.kl_div(q, p)"))
    result = audit(".")
    assert result.unreadable == ()
    assert [(one.cell, one.line) for one in result] == [(3, 1)]


def test_a_cell_that_cannot_be_parsed_is_named_and_the_others_are_read(write):
    write(notebook(IMPORTS, "kl_div(p q", "F.kl_div(q, p)"))
    result = invoke("audit", ".")
    assert result.exit_code == 2
    assert "a.ipynb: cell 2: " in result.stderr
    assert "a.ipynb:cell 3:1:1: KLD111" in result.stdout


@pytest.mark.parametrize("text", ["kl_div", "[]", '{"kl_div": 1}', '{"cells": 3, "kl_div": 1}'])
def test_what_is_no_notebook_is_named(write, text):
    write(text if "kl_div" in text else f'["kl_div", {text}]')
    result = invoke("audit", ".")
    assert result.exit_code == 2
    assert "a.ipynb: no notebook" in result.stderr


def test_another_language_is_left_alone(write):
    write(notebook("F.kl_div <- function(q, p) q", language="R"))
    assert list(audit(".")) == []


def test_a_notebook_is_not_changed_by_fix(write, tmp_path):
    text = notebook(IMPORTS, "F.kl_div(F.log_softmax(a), F.log_softmax(b), reduction='sum')")
    write(text)
    assert "KLD102" in invoke("audit", ".", "--fix").stdout
    assert (tmp_path / "a.ipynb").read_text("utf-8") == text
