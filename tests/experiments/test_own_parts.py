"""Losses, optimisers and networks of one's own in the built-in experiments."""

import json
import os
import subprocess
import sys
import textwrap
from dataclasses import replace

import pytest
from faults import end, kill, start, start_cluster

from kl_lib import experiments
from kl_lib.experiments import Config, ConfigError
from kl_lib.experiments.convnet import initial
from kl_lib.experiments.convnet.own import imported

CONFIG = Config(dataset="digits", data_sha256="0" * 64, loss="kl", seed=0)

PARTS = '''
"""What somebody brings."""
import keras


def crossentropy(p, q):
    return keras.losses.categorical_crossentropy(p, q)


def crossentropy_logits(p, z):
    return keras.losses.categorical_crossentropy(p, z, from_logits=True)


def gentle(learning_rate=0.001):
    return keras.optimizers.SGD(learning_rate)


def dense(input_shape, classes, *, precision, logits, seed):
    layers = keras.layers
    weights = keras.initializers.GlorotUniform(seed)
    return keras.Sequential([
        keras.Input(input_shape),
        layers.Flatten(),
        layers.Dense(classes, activation=None if logits else "softmax", kernel_initializer=weights),
    ])
'''

# The same trainings, by names of the suite and by functions of one's own.
TRAINING = """
    import json
    from dataclasses import replace
    from kl_lib.experiments import *

    digits = load_data("digits")
    ce = Config(dataset="digits", data_sha256=digits.sha256, loss="ce", seed=3, epochs=2, threads=1)

    def numbers(**changes):
        result = train(replace(ce, **changes), digits)
        history = result.history()
        del history["seconds"]
        return [history, result.test_loss, result.test_accuracy, result.parameters]

    print("ANSWER", json.dumps({
        "ce": numbers(),
        "own ce": numbers(loss="own_parts:crossentropy"),
        "dense": numbers(network="own_parts:dense"),
        "ce_logits": numbers(loss="ce_logits"),
        "own ce_logits": numbers(loss="own_parts:crossentropy_logits"),
        "sgd": numbers(optimizer="keras.optimizers:SGD", learning_rate=0.1),
        "own sgd": numbers(optimizer="own_parts:gentle", learning_rate=0.1),
    }))
"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    found = tmp_path_factory.mktemp("own")
    (found / "own_parts.py").write_text(PARTS)
    return found


@pytest.fixture
def parts(folder, monkeypatch):
    """What somebody brings can be imported."""
    pytest.importorskip("keras")
    monkeypatch.syspath_prepend(folder)


@pytest.fixture(scope="module")
def training(folder):
    path = os.pathsep.join([str(folder), *filter(None, [os.environ.get("PYTHONPATH")]), *sys.path])
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(TRAINING)], capture_output=True, text=True,
        timeout=300, check=False, env=os.environ | {"PYTHONPATH": path},
    )  # fmt: skip
    assert done.returncode == 0, done.stderr[-3000:]
    return json.loads(done.stdout.split("ANSWER ")[1])


@pytest.mark.thorough
@pytest.mark.parametrize("loss", ["ce", "ce_logits"])
def test_a_loss_of_ones_own_that_is_cross_entropy_trains_as_cross_entropy_does(training, loss):
    assert training[f"own {loss}"] == training[loss]


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({}, ["Adam", 0.001]),
        ({"learning_rate": 0.01}, ["Adam", 0.01]),
        ({"optimizer": "own_parts:gentle"}, ["SGD", 0.001]),
        ({"optimizer": "own_parts:gentle", "learning_rate": 0.5}, ["SGD", 0.5]),
        ({"optimizer": "keras.optimizers:SGD"}, ["SGD", 0.01]),
    ],
)
def test_an_optimiser_and_its_learning_rate_are_what_was_asked_for(parts, changes, expected):
    found = initial.optimizer(replace(CONFIG, **changes))
    assert (type(found).__name__, float(found.learning_rate)) == (
        expected[0],
        pytest.approx(expected[1]),
    )


@pytest.mark.thorough
def test_an_optimiser_of_ones_own_trains_as_the_one_it_makes(training):
    assert training["own sgd"] == training["sgd"]
    assert training["sgd"] != training["ce"]


@pytest.mark.thorough
def test_a_network_of_ones_own_is_trained(training):
    assert training["dense"][-1] == 64 * 10 + 10


def test_what_is_no_loss_is_an_error(parts):
    names = "kl, ce, kl_logits, ce_logits, module:function"
    with pytest.raises(ConfigError, match=f"^loss is 'mse', expected one of: {names}$"):
        initial.loss_function("mse")


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("own_parts:missing", "^loss is 'own_parts:missing', but own_parts has "),
        ("own_parts:__doc__", "expected a function"),
    ],
)
def test_what_is_no_function_is_refused(parts, name, message):
    with pytest.raises(ConfigError, match=message):
        initial.loss_function(replace(CONFIG, loss=name).loss)


# Identity


@pytest.fixture
def module(tmp_path, monkeypatch):
    monkeypatch.syspath_prepend(tmp_path)
    path = tmp_path / "parts_of_mine.py"
    path.write_text("def loss(p, q):\n    return 0\n")
    return path


def test_the_source_of_a_part_is_in_the_id(module):
    before = replace(CONFIG, loss="parts_of_mine:loss")
    assert before.arm == "parts_of_mine:loss"
    assert before.id not in (CONFIG.id, replace(CONFIG, loss="parts_of_mine:other").id)
    module.write_text(module.read_text() + "# changed\n")
    after = replace(CONFIG, loss="parts_of_mine:loss")
    assert after.id != before.id
    # What was recorded stays what it is, also where nobody has the module any more.
    module.unlink()
    assert experiments.Config.from_dict(before.as_dict()) == before


def test_a_part_with_other_source_than_in_the_config_is_not_run(module):
    loss = replace(CONFIG, loss="parts_of_mine:loss").loss
    assert imported("loss", loss)(1, 2) == 0
    module.write_text("def loss(p, q):\n    return 1\n")
    with pytest.raises(ConfigError, match=r"but its file has checksum .* use the same file"):
        imported("loss", loss)
    module.unlink()
    with pytest.raises(ConfigError, match="there is no module parts_of_mine here: install it"):
        imported("loss", loss)


def test_a_part_in_a_package_is_found_and_nothing_is_imported():
    code = (
        "import sys\n"
        "from kl_lib.experiments import Config\n"
        "part = 'keras.optimizers:SGD'\n"
        "kl = {'dataset': 'digits', 'data_sha256': '0' * 64, 'loss': 'kl', 'seed': 0}\n"
        "found = Config(**kl, optimizer=part)\n"
        "assert found.optimizer.startswith(part + '#')\n"
        "print('keras' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "False\n"


@pytest.mark.parametrize("value", ["gone_module:loss", "kl_lib.gone.module:loss"])
def test_a_part_that_can_not_be_imported_is_refused(value):
    with pytest.raises(ConfigError, match=f"loss is '{value}', but there is no module"):
        replace(CONFIG, loss=value)


@pytest.mark.parametrize("value", ["a module:loss", "module:", ":loss", "my-module:loss", "m:f#12"])
def test_what_is_no_name_of_a_function_is_refused(value):
    with pytest.raises(
        ConfigError, match="expected one of: kl, ce, kl_logits, ce_logits, module:fu"
    ):
        replace(CONFIG, loss=value)


# Workers


@pytest.mark.thorough
def test_workers_import_a_part_from_the_folder_that_kl_lib_is_called_in(
    folder, monkeypatch, tmp_path
):
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join(sys.path))
    monkeypatch.chdir(folder)
    grid = ["digits", "--seeds", "0:1", "--loss", "own_parts:crossentropy,ce", "--epochs", "1"]
    status, _, errors = end(start(tmp_path, grid=grid))
    assert (status, errors) == (0, "")
    own, ce = experiments.read_records(tmp_path, "digits")[::-1]
    assert (ce.config.arm, own.config.arm) == ("ce", "own_parts:crossentropy")
    assert own.result["test_loss"] == ce.result["test_loss"]


@pytest.mark.thorough
def test_a_cluster_worker_that_has_no_such_module_refuses_the_run(folder, monkeypatch, tmp_path):
    pytest.importorskip("distributed")
    address, processes = start_cluster(1, tmp_path)
    try:
        monkeypatch.setenv("PYTHONPATH", os.pathsep.join(sys.path))
        monkeypatch.chdir(folder)
        grid = ["digits", "--seeds", "0:1", "--loss", "own_parts:crossentropy", "--epochs", "1"]
        status, _, errors = end(start(tmp_path / "s", "--scheduler", address, grid=grid))
    finally:
        for process in processes:
            kill(process)
    assert status == 1
    assert "there is no module own_parts here: install it" in errors
    assert "Traceback" not in errors
    assert not [*(tmp_path / "s").glob("digits/*.json")]
