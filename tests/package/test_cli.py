"""The kl-lib command: what it prints, what it leaves behind, how it ends."""

import os
import re
import signal
import subprocess
import sys
from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner

import kl_lib
from kl_lib import cli, experiments
from kl_lib.commands import app
from kl_lib.experiments import Config, Epoch, Result

COMMAND = [sys.executable, "-m", "kl_lib.cli"]


def kl_lib_command(*args):
    """Run kl-lib in a process of its own."""
    command = [*COMMAND, *map(str, args)]
    return subprocess.run(command, capture_output=True, text=True, timeout=120)


def invoke(*args):
    """Run kl-lib in this process, for what needs no TensorFlow."""
    return CliRunner().invoke(app, [*map(str, args)])


@pytest.fixture
def finished(tmp_path):
    """A store with one finished run of the digits."""
    data = experiments.load_data("digits")
    config = Config(
        dataset="digits", data_sha256=data.sha256, loss="ce", seed=5, epochs=1, threads=1
    )
    epoch = Epoch(number=1, loss=1, accuracy=0.5, val_loss=1, val_accuracy=0.5, seconds=2)
    result = Result(
        epochs=(epoch,),
        test_loss=1.23456,
        test_accuracy=0.6789,
        parameters=9,
        seconds=61.2,
        peak_memory=10**9,
    )
    return experiments.write_record(tmp_path, experiments.new_record(config, data, result, {}))


def test_the_version_is_that_of_the_package():
    done = invoke("--version")
    assert done.exit_code == 0
    assert done.stdout == f"kl-lib {kl_lib.__version__}\n"


def test_help_and_version_load_no_framework():
    code = (
        "import sys\n"
        "from typer.testing import CliRunner\n"
        "from kl_lib.commands import app\n"
        "for args in (['--help'], ['run', '--help'], ['--version']):\n"
        "    assert CliRunner().invoke(app, args).exit_code == 0\n"
        "print(*sorted({'tensorflow', 'keras', 'sklearn', 'scipy', 'matplotlib'} & {*sys.modules}))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == ""


def test_the_help_lists_the_commands_of_the_experiments_and_the_others():
    text = invoke("--help").stdout
    assert re.search(r"\bdiagnose\b", text)
    for command in ("run", "sweep", "results"):
        assert re.search(rf"\b{command}\b", text)


def test_help_names_every_choice_that_makes_a_run():
    text = invoke("run", "--help").stdout
    for option in ("loss", "seed", "epochs", "batch-size", "validation-split", "threads", "data",
                   "backend", "precision"):  # fmt: skip
        assert f"--{option}" in text


def helps(command, path=()):
    """What each command and each of its options says of itself."""
    yield path, command.help or ""
    for parameter in command.params:
        yield (*path, parameter.name), getattr(parameter, "help", None) or ""
    if hasattr(command, "list_commands"):
        context = typer.Context(command)
        for name in command.list_commands(context):
            yield from helps(command.get_command(context, name), (*path, name))


def test_no_help_has_words_that_rich_takes_for_markup():
    found = dict(helps(typer.main.get_command(app)))
    assert len(found) > 60
    assert [path for path, text in found.items() if "[" in text] == []


def test_without_a_command_there_is_help_and_an_unknown_one_is_status_2():
    assert "run" in invoke().output
    assert invoke("walk").exit_code == 2
    assert invoke("run").exit_code == 2
    assert invoke("run", "digits", "--epochs", "many").exit_code == 2


@pytest.mark.parametrize(
    ("args", "status", "message"),
    [
        (["digits", "--loss", "mse"], 2, "kl-lib: loss is 'mse', expected one of: kl, ce, "),
        (["digits", "--backend", "theano"], 2, "backend is 'theano', expected one of: tensorflow"),
        (["digits", "--epochs", 0], 2, "kl-lib: epochs is 0, expected a whole number from 1\n"),
        (["mnist"], 2, "kl-lib: experiment is 'mnist', expected one of: cifar10, digits, "),
        (["digits", "--data", "a.npz"], 1, "digits are built in: leave the file out\n"),
        (["cifar10", "--data", "gone.npz"], 1, "kl-lib: there is no file gone.npz"),
        (["digits", "--store", "/dev/null"], 1, "kl-lib: /dev/null/digits: Not a directory\n"),
    ],
)
def test_an_error_is_one_line_on_stderr(args, status, message):
    done = invoke("run", *args)
    assert done.exit_code == status
    assert message in done.stderr
    assert done.stderr.count("\n") == 1
    assert done.stdout == ""


def test_a_finished_run_is_shown_and_not_run_again(finished, tmp_path):
    before = finished.read_bytes()
    done = invoke("run", "digits", "--loss", "ce", "--seed", 5, "--epochs", 1, "--store", tmp_path)
    assert done.exit_code == 0
    assert "is finished already; --force runs it again" in done.stdout
    assert "Test loss 1.2346 nats, accuracy 0.6789, epochs 1, 1 min 01 s" in done.stdout
    assert str(finished) in done.stdout
    assert finished.read_bytes() == before


def test_a_module_may_lie_where_the_command_is_called(tmp_path):
    text = (Path(__file__).parents[1] / "experiments" / "toy.py").read_text()
    (tmp_path / "toy_here.py").write_text(text)
    done = subprocess.run(
        # As the installed script does it: without the folder among the places for modules.
        [sys.executable, "-P", "-m", "kl_lib.cli", "run", "toy_here:Toy", "--epochs", "1"],
        capture_output=True, text=True, timeout=120, cwd=tmp_path,
        env=os.environ | {"PYTHONPATH": str(Path(kl_lib.__file__).parents[1])},
    )  # fmt: skip
    assert (done.returncode, done.stderr) == (0, "")
    assert "Finished: error" in done.stdout


def test_without_typer_one_line_names_the_extra(monkeypatch):
    monkeypatch.setitem(sys.modules, "typer", None)
    monkeypatch.delitem(sys.modules, "kl_lib.commands", raising=False)
    with pytest.raises(SystemExit) as ended:
        cli.main()
    assert ended.value.code == 'kl-lib needs typer: pip install "kl-lib[cli]"'


def test_a_run_trains_and_leaves_a_record_and_a_damaged_one_is_run_again(finished, tmp_path):
    finished.write_text(finished.read_text()[:-100])
    args = ("run", "digits", "--loss", "ce", "--seed", 5, "--epochs", 1, "--store", tmp_path)
    done = kl_lib_command(*args)
    assert done.returncode == 0, done.stderr
    assert f"{finished.name} is not whole JSON" in done.stderr
    assert "doing that now" in done.stderr
    assert done.stderr.count("\n") == 1  # nothing of what TensorFlow logs

    line = next(line for line in done.stdout.splitlines() if line.startswith("epoch"))
    assert re.fullmatch(
        r"epoch 1/1  loss \d\.\d{4}  accuracy 0\.\d{3}  "
        r"validation: loss \d\.\d{4}  accuracy 0\.\d{3}  \d+\.\d s, 0 s left",
        line,
    )
    assert "\x1b" not in done.stdout
    record = experiments.read_record(finished)
    assert record.config.seed == 5
    assert f"accuracy {record.result['test_accuracy']:.4f}" in done.stdout
    assert f"loss {record.history['loss'][0]:.4f}" in line
    left = [path for path in tmp_path.rglob("*") if path.is_file() and path.suffix != ".lock"]
    assert left == [finished]


@pytest.mark.thorough
def test_ctrl_c_ends_with_one_line_and_leaves_the_last_whole_epoch(tmp_path):
    args = ["run", "digits", "--epochs", "100000", "--store", str(tmp_path)]
    with subprocess.Popen(
        [*COMMAND, *args], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        for line in process.stdout:
            if line.startswith("epoch"):
                break
        process.send_signal(signal.SIGINT)
        _, errors = process.communicate(timeout=60)
    assert process.returncode == 130
    assert errors.splitlines()[-1].startswith("kl-lib: interrupted. Finished runs are stored")
    assert "Traceback" not in errors
    left = sorted(path.suffix for path in tmp_path.rglob("*") if path.is_file())
    assert left == [".checkpoint", ".lock"]
