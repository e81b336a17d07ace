"""``kl-lib watch`` and ``pytest --kl-watch``, each in a process of its own."""

import json
import os
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

pytest.importorskip("scipy")
ROOT = Path(__file__).parents[2]
ENVIRONMENT = os.environ | {"PYTHONPATH": str(ROOT)}

SCRIPT = """
import sys
from scipy.stats import entropy
import beside
print(sys.argv[1:], __name__)
entropy([[0.5, 0.5], [0.1, 0.9]], [[0.4, 0.6], [0.2, 0.8]], axis=beside.AXIS)
if "--fail" in sys.argv:
    sys.exit(3)
if "--crash" in sys.argv:
    raise KeyError("its own")
"""


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "script.py").write_text(SCRIPT)
    (tmp_path / "beside.py").write_text("AXIS = 0\n")
    return tmp_path


def run(folder, *arguments):
    command = [sys.executable, *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, cwd=folder, env=ENVIRONMENT)


def watch(folder, *arguments):
    pytest.importorskip("typer")
    return run(folder, "-m", "kl_lib.cli", "watch", *arguments)


def test_a_script_runs_with_its_arguments_and_the_report_goes_to_standard_error(folder):
    done = watch(folder, "script.py", "--epochs", 3)
    assert done.stdout == "['--epochs', '3'] __main__\n"
    assert "script.py:6:1: scipy.stats.entropy, 1 call\n  KLD201" in done.stderr
    assert done.returncode == 1


def test_a_module_runs_as_python_does_it_with_its_arguments(folder):
    (folder / "package").mkdir()
    (folder / "script.py").rename(folder / "package" / "__main__.py")
    done = watch(folder, "-m", "package", "--epochs", 3)
    assert done.stdout == "['--epochs', '3'] __main__\n"
    assert "__main__.py:6:1: scipy.stats.entropy, 1 call\n  KLD201" in done.stderr
    assert done.returncode == 1


def test_without_a_mistake_the_status_is_that_of_the_script(folder):
    (folder / "beside.py").write_text("AXIS = 1\n")
    assert watch(folder, "script.py").returncode == 0
    assert watch(folder, "script.py", "--fail").returncode == 3


def test_a_crash_shows_its_traceback_and_the_report(folder):
    done = watch(folder, "script.py", "--crash")
    assert "KeyError: 'its own'" in done.stderr
    assert "KLD201" in done.stderr
    assert done.returncode == 1


def test_json_and_raising_at_once(folder):
    done = watch(folder, "--json", "script.py")
    assert json.loads(done.stderr)["sites"][0]["findings"][0]["code"] == 201
    done = watch(folder, "--on", "raise", "script.py", "--fail")
    assert "WatchError: scipy.stats.entropy: KLD201" in done.stderr


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["none.py"], "kl-lib: there is no file none.py; pass the path of a Python script\n"),
        (
            ["-m", "package.none"],
            "kl-lib: there is no module package.none; pass the name that python -m takes\n",
        ),
        (["--on", "x", "script.py"], "kl-lib: --on is 'x'; pass record, warn or raise\n"),
    ],
)
def test_what_can_not_be_run_is_said_in_a_line(folder, arguments, message):
    done = watch(folder, *arguments)
    assert (done.returncode, done.stderr) == (2, message)


TESTS = """
from scipy.stats import entropy

def test_one():
    entropy([[0.5, 0.5], [0.1, 0.9]], [[0.4, 0.6], [0.2, 0.8]])
"""


def pytest_run(folder, *arguments):
    plugin = () if installed() else ("-p", "kl_lib.watching.pytest_plugin")
    (folder / "test_it.py").write_text(TESTS)
    options = ("-q", "-p", "no:cacheprovider", "-p", "no:nbval", *plugin)  # it loads for seconds
    return run(folder, "-m", "pytest", *options, *arguments, "test_it.py")


def installed():
    """Whether pytest finds the plugin by itself: the checkout may be installed without it."""
    from importlib.metadata import entry_points

    return any(x.value == "kl_lib.watching.pytest_plugin" for x in entry_points(group="pytest11"))


def test_a_test_run_that_passes_fails_for_a_mistake_and_says_where(folder):
    assert pytest_run(folder).returncode == 0
    done = pytest_run(folder, "--kl-watch")
    assert "1 passed" in done.stdout
    assert "test_it.py:5:5: scipy.stats.entropy, 1 call\n  KLD201" in done.stdout
    assert done.returncode == 1


@pytest.mark.thorough
def test_the_processes_of_xdist_report_too(folder):
    pytest.importorskip("xdist")
    done = pytest_run(folder, "--kl-watch", "-n", 1)
    assert "KLD201" in done.stdout
    assert done.returncode == 1


def test_the_plugin_is_an_entry_point():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    assert project["entry-points"]["pytest11"] == {"kl_lib": "kl_lib.watching.pytest_plugin"}
