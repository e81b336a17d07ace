"""`kl-lib audit`: what it prints, changes and exits with."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from calling import invoke

from kl_lib.audit import RULES

ROOT = Path(__file__).parents[2]
WRONG = RULES["KLD101"].wrong
RIGHT = RULES["KLD101"].right
TARGET = RULES["KLD102"].wrong


@pytest.fixture
def here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_a_finding_is_a_line_that_editors_know_and_says_why_and_what_instead(here):
    Path("train.py").write_text(WRONG, "utf-8")
    result = invoke("audit", "train.py")
    assert result.exit_code == 1
    first, *others = result.stdout.splitlines()
    assert first.startswith("train.py:5:12: KLD101 kl_div expects log-probabilities")
    assert others[0].startswith("    why: ")
    assert any(line.startswith("    fix: log_softmax") for line in others)
    assert result.stderr == "kl-lib: 1 finding in 1 file of 1 read\n"


def test_status_0_without_findings(here):
    Path("train.py").write_text(RIGHT, "utf-8")
    result = invoke("audit", ".")
    assert (result.exit_code, result.stdout) == (0, "")


def test_exit_zero(here):
    Path("train.py").write_text(WRONG, "utf-8")
    assert invoke("audit", ".", "--exit-zero").exit_code == 0


def test_a_file_that_cannot_be_parsed_is_named_and_the_rest_goes_on(here):
    Path("a.py").write_text("import torch.nn.functional as F\nF.kl_div(p q)\n", "utf-8")
    Path("b.py").write_text(WRONG, "utf-8")
    result = invoke("audit", ".")
    assert result.exit_code == 2
    assert "kl-lib: a.py: line 2 is no Python that can be parsed" in result.stderr
    assert "b.py:5:12: KLD101" in result.stdout


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        (b"# coding: latin-9-nothing\nkl_div(p, q)", "encoding"),
        ("# coding: utf-8\nkl_div = 'ä'\n".encode("latin-1"), "encoding"),
        (b"kl_div = " + b"(" * 3000 + b")" * 3000, ""),
    ],
)
def test_a_file_that_cannot_be_read_is_named(here, text, reason):
    Path("a.py").write_bytes(text)
    result = invoke("audit", "a.py")
    assert result.exit_code == 2
    assert result.stderr.startswith("kl-lib: a.py: ")
    assert reason in result.stderr


@pytest.mark.parametrize(
    ("args", "message"),
    [
        ([], "no files given"),
        (["nowhere"], "there is no nowhere"),
        ([".", "--format", "xml"], "--format is 'xml', expected any of: text, json, sarif, github"),
        ([".", "--select", "KLD9"], "rule is 'KLD9', expected a code such as KLD101"),
        ([".", "--ignore", "E501"], "rule is 'E501'"),
    ],
)
def test_a_wrong_command_line_is_status_2_and_one_line(here, args, message):
    result = invoke("audit", *args)
    assert result.exit_code == 2
    assert message in result.stderr
    assert result.stderr.count("\n") == 1


def test_rules_are_selected_and_ignored(here):
    Path("a.py").write_text(RULES["KLD112"].wrong + RULES["KLD102"].wrong, "utf-8")

    def codes(*args: str) -> list[str]:
        found = json.loads(invoke("audit", "a.py", "--format", "json", *args).stdout)
        return [one["code"] for one in found]

    assert codes() == ["KLD102"]
    assert codes("--select", "KLD112") == ["KLD112"]
    assert codes("--extend-select", "KLD112") == ["KLD112", "KLD102"]
    assert codes("--select", "KLD1", "--ignore", "KLD102") == ["KLD112"]
    assert codes("--select", "all") == ["KLD112", "KLD102"]


def test_settings_come_from_pyproject_and_the_command_line_goes_before(here):
    Path("a.py").write_text(RULES["KLD112"].wrong, "utf-8")
    Path("old").mkdir()
    Path("old/b.py").write_text(WRONG, "utf-8")
    settings = '[tool.kl-lib.audit]\nextend-select = ["KLD112"]\nexclude = ["old"]\n'
    Path("pyproject.toml").write_text(settings, "utf-8")
    assert "KLD112" in invoke("audit", ".").stdout
    assert "old" not in invoke("audit", ".").stdout
    assert "KLD101" in invoke("audit", ".", "--exclude", "a.py").stdout


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('[tool.kl-lib.audit]\nselcet = ["KLD112"]\n', "has 'selcet', expected any of: select"),
        ('[tool.kl-lib.audit]\nselect = "KLD112"\n', "select is 'KLD112', expected a list"),
        ("[tool.kl-lib.audit\n", "cannot be read"),
        ("[tool.kl-lib]\naudit = 3\n", "is no table"),
    ],
)
def test_a_wrong_setting_is_named(here, text, message):
    Path("pyproject.toml").write_text(text, "utf-8")
    result = invoke("audit", ".")
    assert result.exit_code == 2
    assert message in result.stderr


def test_folders_of_other_people_are_left_out_unless_named(here):
    for name in (".venv/lib", "site-packages", "src"):
        Path(name).mkdir(parents=True)
        Path(name, "a.py").write_text(WRONG, "utf-8")
    assert invoke("audit", ".").stdout.count("KLD101") == 1
    assert invoke("audit", "site-packages").stdout.count("KLD101") == 1


def test_json_is_a_list_of_objects(here):
    Path("train.py").write_text(WRONG, "utf-8")
    [found] = json.loads(invoke("audit", ".", "--format", "json").stdout)
    assert {"path", "line", "column", "code", "message", "why", "fix"} <= set(found)
    assert (found["path"], found["line"], found["column"]) == ("train.py", 5, 12)
    Path("train.py").write_text(RIGHT, "utf-8")
    assert json.loads(invoke("audit", ".", "--format", "json").stdout) == []


def test_sarif_has_what_version_2_1_0_requires(here):
    Path("train.py").write_text(WRONG, "utf-8")
    held = json.loads(invoke("audit", ".", "--format", "sarif").stdout)
    assert held["version"] == "2.1.0"
    [run] = held["runs"]
    [rule] = run["tool"]["driver"]["rules"]
    assert run["tool"]["driver"]["name"] == "kl-lib audit"
    [result] = run["results"]
    assert result["ruleId"] == rule["id"] == "KLD101"
    assert result["ruleIndex"] == 0
    assert result["level"] in ("none", "note", "warning", "error")
    assert result["message"]["text"]
    [place] = result["locations"]
    assert place["physicalLocation"]["artifactLocation"]["uri"] == "train.py"
    region = place["physicalLocation"]["region"]
    assert (region["startLine"], region["startColumn"]) == (5, 12)
    assert region["endColumn"] > region["startColumn"]


def test_github_annotations_are_escaped(here):
    Path("a,b.py").write_text(WRONG, "utf-8")
    [line] = invoke("audit", "a,b.py", "--format", "github").stdout.splitlines()
    assert line.startswith("::warning file=a%2Cb.py,line=5,col=12,endLine=5,title=KLD101::")


def test_statistics_count(here):
    Path("a.py").write_text(WRONG + WRONG + TARGET, "utf-8")
    lines = invoke("audit", ".", "--statistics").stdout.splitlines()
    assert [line.split()[:2] for line in lines] == [["2", "KLD101"], ["1", "KLD102"]]


def test_the_rules_are_listed():
    lines = invoke("audit", "--rules").stdout.splitlines()
    assert [line.split()[0] for line in lines] == sorted(RULES)


def test_many_files_are_read_by_several_processes(here):
    for i in range(45):
        Path(f"m{i:02}.py").write_text(WRONG if i % 9 == 0 else "x = 1\n", "utf-8")
    found = json.loads(invoke("audit", ".", "--format", "json", "--jobs", "2").stdout)
    assert [one["path"] for one in found] == [f"m{i:02}.py" for i in range(0, 45, 9)]


def test_nothing_is_imported_or_run(here):
    Path("a.py").write_text("import torch.nn.functional as F\nopen('ran', 'w')\n" + WRONG, "utf-8")
    assert invoke("audit", ".").exit_code == 1
    assert sorted(os.listdir()) == ["a.py"]


def test_without_libcst_one_line_names_the_extra(here, monkeypatch):
    Path("a.py").write_text(WRONG, "utf-8")
    monkeypatch.setitem(sys.modules, "libcst", None)
    result = invoke("audit", ".")
    assert result.exit_code == 2
    assert result.stderr == 'kl-lib: kl_lib.audit needs libcst: pip install "kl-lib[audit]"\n'


def test_the_rules_are_known_without_libcst_or_a_framework():
    code = "import kl_lib.audit, sys; print(*sorted({'libcst', 'torch', 'rich'} & {*sys.modules}))"
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, cwd=ROOT, check=True
    )
    assert done.stdout.strip() == ""
