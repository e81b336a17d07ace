"""Experiments: what a run is, what it is fed, what it computes, and what is kept of it."""

import errno
import functools
import getpass
import hashlib
import io
import json
import os
import pickle
import platform
import subprocess
import sys
import tarfile
import textwrap
from dataclasses import fields, replace
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest
from sklearn.datasets import load_digits
from thorough import first_of

from kl_lib import experiments
from kl_lib.experiments import (
    Checkpoint,
    CheckpointError,
    Config,
    ConfigError,
    DataError,
    Epoch,
    NewerRecordError,
    RecordError,
    Result,
)
from kl_lib.experiments.convnet import sources as sources_module
from kl_lib.experiments.convnet.config import DATASETS, config_from_dict
from kl_lib.experiments.machinery import checkpoint as checkpoint_module
from kl_lib.experiments.machinery import environment as environment_module
from kl_lib.experiments.machinery import records as records_module
from kl_lib.experiments.machinery.checkpoint import State, epochs_done
from kl_lib.experiments.machinery.identity import canonical_json

RESULTS = Path(__file__).parents[2] / "results"
CONFIG = Config(dataset="digits", data_sha256="ab" * 32, loss="kl", seed=0)

# Another value for each field that a run can differ in.
CHANGES = {
    "dataset": "cifar10",
    "data_sha256": "cd" * 32,
    "data_files": {"human": "01" * 32, "images": "23" * 32},
    "loss": "ce",
    "seed": 1,
    "epochs": 26,
    "batch_size": 251,
    "validation_split": 0.25,
    "threads": 1,
    "backend": "jax",
    "precision": "mixed_bfloat16",
    "disturbance": 1e-7,
    "network": "keras.applications:MobileNet",
    "optimizer": "keras.optimizers:SGD",
    "learning_rate": 0.01,
    "recipe": 3,
}


# A config and its id


def test_the_id_is_the_start_of_the_sha256_of_the_sorted_json():
    text = (
        '{"backend":"tensorflow","batch_size":250,"data_sha256":"' + "ab" * 32 + '",'
        '"dataset":"digits","epochs":25,"loss":"kl","precision":"float32","recipe":2,"seed":0,'
        '"threads":2,"validation_split":0.2}'
    )
    assert CONFIG.id == hashlib.sha256(text.encode()).hexdigest()[:16]


def test_every_field_is_in_the_list_of_changes():
    assert {field.name for field in fields(Config)} == CHANGES.keys()


@pytest.mark.parametrize("name", CHANGES)
def test_a_change_of_any_field_changes_the_id(name):
    assert replace(CONFIG, **{name: CHANGES[name]}).id != CONFIG.id


def test_a_field_that_came_later_is_in_the_json_only_where_it_is_used():
    assert "disturbance" not in CONFIG.as_dict()
    assert config_from_dict(CONFIG.as_dict()).disturbance == 0
    disturbed = replace(CONFIG, disturbance=0.5)
    assert disturbed.as_dict()["disturbance"] == 0.5
    assert config_from_dict(disturbed.as_dict()) == disturbed


def test_the_ids_of_the_runs_that_were_recorded_first_have_not_changed():
    four = Config(
        dataset="cifar10",
        data_sha256="01e4ed8b45fac5d73a55230fdfcfed2327a5f4fe41ff307a2f74e1e9cd80ec48",
        loss="kl",
        seed=0,
        recipe=1,
    )
    ids = {replace(four, loss=loss, seed=seed).id for loss in ("kl", "ce") for seed in (0, 1)}
    assert ids == {"6956bb258bb52fc8", "8de53edebe1405e4", "9ede349921948ac6", "b68af44657a1b966"}


def test_an_arm_is_a_loss_or_the_null_arm():
    assert CONFIG.arm == "kl"
    assert replace(CONFIG, loss="ce", disturbance=1e-7).arm == "null"
    assert replace(CONFIG, disturbance=1e-7).arm == "kl+1e-07"
    assert replace(CONFIG, loss="ce", disturbance=0.5).arm == "ce+0.5"


def test_the_same_values_in_other_types_are_the_same_config():
    same = Config(
        seed=np.int64(0),
        loss="kl",
        validation_split=np.float64(0.2),
        epochs=np.uint8(25),
        data_sha256="ab" * 32,
        dataset="digits",
    )
    assert same == CONFIG
    assert same.id == CONFIG.id


def test_a_config_comes_back_from_its_json():
    assert config_from_dict(json.loads(canonical_json(CONFIG.as_dict()))) == CONFIG


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"dataset": "mnist"}, "dataset is 'mnist', expected one of: cifar10, digits"),
        ({"loss": "kullback_leibler_divergence"}, "loss is .* expected one of: kl, ce, kl_"),
        ({"backend": "theano"}, "backend is 'theano', expected one of: tensorflow, jax"),
        ({"precision": "float8"}, "precision is 'float8', expected one of: float32, mixed_bf"),
        ({"data_sha256": "abc"}, "data_sha256 is 'abc', expected 64 hexadecimal digits"),
        ({"seed": -1}, "seed is -1, expected a whole number from 0 to 4294967295"),
        ({"seed": 2**32}, "seed is 4294967296, expected"),
        ({"seed": True}, "seed is True, expected a whole number"),
        ({"seed": 1.0}, r"seed is 1\.0, expected a whole number"),
        ({"epochs": 0}, "epochs is 0, expected a whole number from 1"),
        ({"batch_size": "250"}, "batch_size is '250', expected a whole number"),
        ({"threads": 0}, "threads is 0, expected a whole number from 1"),
        ({"validation_split": 1}, "validation_split is 1, expected a number between 0 and 1"),
        ({"validation_split": float("nan")}, "validation_split is nan, expected"),
        ({"validation_split": "0.2"}, "validation_split is '0.2', expected"),
        ({"validation_split": None}, "validation_split is None, expected"),
        ({"disturbance": -1e-7}, "disturbance is -1e-07, expected a number from 0"),
        ({"disturbance": float("inf")}, "disturbance is inf, expected a number from 0"),
        ({"disturbance": "none"}, "disturbance is 'none', expected a number from 0"),
    ],
)
def test_a_config_that_no_run_can_have_is_refused_by_name(change, message):
    with pytest.raises(ConfigError, match=message):
        replace(CONFIG, **change)


def test_a_stored_config_with_other_fields_is_refused_by_name():
    values = CONFIG.as_dict()
    with pytest.raises(ConfigError, match="config has unknown fields: colour"):
        config_from_dict(values | {"colour": "blue"})
    del values["seed"]
    with pytest.raises(ConfigError, match="config lacks seed"):
        config_from_dict(values)


# Data


@pytest.fixture(scope="module")
def digits():
    return experiments.load_data("digits")


def test_every_fifth_of_scikit_learns_digits_is_for_testing(digits):
    bunch = load_digits()
    assert digits.x_test.shape == (360, 8, 8, 1)
    assert digits.x_train.shape == (1437, 8, 8, 1)
    np.testing.assert_array_equal(digits.y_test, bunch.target[::5])
    np.testing.assert_array_equal(
        digits.x_test[..., 0], np.floor(bunch.images[::5] * (255 / 16)).astype(int)
    )
    assert sorted([*digits.y_train, *digits.y_test]) == sorted(bunch.target)
    assert digits.x_train.dtype == digits.y_train.dtype == np.uint8


def cifar_like(train=6, test=3):
    random = np.random.default_rng(0)
    return {
        "x_train": random.integers(0, 256, (train, 32, 32, 3), dtype=np.uint8),
        "y_train": random.integers(0, 10, (train, 1), dtype=np.uint8),
        "x_test": random.integers(0, 256, (test, 32, 32, 3), dtype=np.uint8),
        "y_test": random.integers(0, 10, (test, 1), dtype=np.uint8),
    }


def load(path, **arrays):
    np.savez(path, **arrays)
    return experiments.load_data("cifar10", file=path)


def test_a_file_of_four_arrays_is_loaded(tmp_path):
    arrays = cifar_like()
    data = load(tmp_path / "a.npz", **arrays)
    np.testing.assert_array_equal(data.x_train, arrays["x_train"])
    np.testing.assert_array_equal(data.y_test, arrays["y_test"][:, 0])


def test_the_checksum_depends_on_the_values_and_not_on_how_they_are_stored(tmp_path):
    arrays = cifar_like()
    data = load(tmp_path / "a.npz", **arrays)
    np.savez_compressed(
        tmp_path / "b.npz",
        y_test=arrays["y_test"][:, 0].astype(">i8"),
        x_train=np.asfortranarray(arrays["x_train"]),
        x_test=arrays["x_test"],
        y_train=arrays["y_train"].astype("int32"),
        extra=np.zeros(2),
    )
    assert experiments.load_data("cifar10", file=tmp_path / "b.npz").sha256 == data.sha256
    for name in arrays:
        changed = {key: value.copy() for key, value in arrays.items()}
        changed[name].flat[-1] ^= 1
        assert load(tmp_path / "c.npz", **changed).sha256 != data.sha256
    assert len(data.sha256) == 64


def test_a_missing_file_is_named_with_what_it_should_hold(tmp_path):
    with pytest.raises(DataError, match=r"there is no file .*gone\.npz.*x_train"):
        experiments.load_data("cifar10", file=tmp_path / "gone.npz")
    with pytest.raises(DataError, match="there is no file"):
        experiments.load_data("cifar10", file=tmp_path)


def test_missing_arrays_are_named(tmp_path):
    arrays = cifar_like()
    del arrays["y_train"], arrays["x_test"]
    with pytest.raises(DataError, match=r"lacks y_train, x_test \(it has x_train, y_test\)"):
        load(tmp_path / "a.npz", **arrays)


@pytest.mark.parametrize(
    ("name", "change", "message"),
    [
        (
            "x_train",
            lambda x: x[:, :28],
            r"x_train has shape \(6, 28, 32, 3\), expected \(images, 32",
        ),
        ("x_test", lambda x: x.transpose(0, 3, 1, 2), r"x_test has shape \(3, 3, 32, 32\)"),
        ("x_test", lambda x: x[:0], r"x_test has shape \(0, 32, 32, 3\)"),
        ("x_train", lambda x: x / 255, "x_train is float64, expected uint8"),
        ("y_train", lambda y: np.eye(10)[y[:, 0]], r"y_train has shape \(6, 10\), expected"),
        ("y_train", lambda y: y / 1.0, "y_train is float64, expected whole numbers"),
        ("y_test", lambda y: np.array([[3], [10], [1]]), r"y_test\[1\] is 10, expected a label"),
        ("y_test", lambda y: np.array([[3], [1], [-1]]), r"y_test\[2\] is -1, expected a label"),
        ("y_train", lambda y: y[:-1], "x_train has 6 images and y_train 5 labels"),
    ],
)
def test_an_array_that_is_not_what_it_should_be_is_named(tmp_path, name, change, message):
    arrays = cifar_like()
    arrays[name] = change(arrays[name])
    with pytest.raises(DataError, match=rf"a\.npz: {message}"):
        load(tmp_path / "a.npz", **arrays)


def test_a_file_cut_anywhere_is_refused(tmp_path):
    path = tmp_path / "a.npz"
    np.savez_compressed(path, **cifar_like(1, 1))
    whole = path.read_bytes()
    for length in range(0, len(whole), 97):
        path.write_bytes(whole[:length])
        with pytest.raises(DataError, match=r"a\.npz cannot be read .*Fetch or write it again"):
            experiments.load_data("cifar10", file=path)


def test_a_file_with_a_flipped_byte_in_its_pixels_is_refused(tmp_path):
    path = tmp_path / "a.npz"
    np.savez(path, **cifar_like())
    damaged = bytearray(path.read_bytes())
    damaged[5000] ^= 1
    path.write_bytes(damaged)
    with pytest.raises(DataError, match="cannot be read"):
        experiments.load_data("cifar10", file=path)


def test_what_is_not_an_archive_of_arrays_is_refused(tmp_path):
    (tmp_path / "text.npz").write_text("not an archive")
    with pytest.raises(DataError, match="cannot be read"):
        experiments.load_data("cifar10", file=tmp_path / "text.npz")
    np.save(tmp_path / "one.npy", np.zeros(3))
    with pytest.raises(DataError, match="holds a single array"):
        experiments.load_data("cifar10", file=tmp_path / "one.npy")


class Bomb:
    """Leaves a file where it is unpickled."""

    def __reduce__(self):
        return (open, (os.environ["BOMB"], "w"))


def test_nothing_is_unpickled(tmp_path, monkeypatch):
    monkeypatch.setenv("BOMB", str(tmp_path / "exploded"))
    arrays = cifar_like() | {"y_test": np.array([Bomb()], dtype=object)}
    with pytest.raises(DataError, match="cannot be read"):
        load(tmp_path / "a.npz", **arrays)
    assert not (tmp_path / "exploded").exists()
    with np.load(tmp_path / "a.npz", allow_pickle=True) as file:
        assert file["y_test"] is not None
    assert (tmp_path / "exploded").exists(), "the bomb is a dud, and this test shows nothing"


def archive(path, batches, images=2):
    """An archive like that of CIFAR-10, with fewer images, and the arrays in it."""
    arrays = cifar_like(5 * images, images)
    with tarfile.open(path, "w:gz") as file:
        for number, name in enumerate([*(f"data_batch_{n}" for n in range(1, 6)), "test_batch"]):
            part = "test" if number == 5 else "train"
            rows = slice(None) if number == 5 else slice(images * number, images * (number + 1))
            pixels = arrays[f"x_{part}"][rows].transpose(0, 3, 1, 2).reshape(images, -1)
            batch = {b"data": pixels, b"labels": arrays[f"y_{part}"][rows, 0].tolist()}
            content = pickle.dumps(batches.get(name, batch))
            entry = tarfile.TarInfo(f"cifar-10-batches-py/{name}")
            entry.size = len(content)
            file.addfile(entry, io.BytesIO(content))
    return arrays


def publish(monkeypatch, path):
    monkeypatch.setattr(
        sources_module, "PUBLISHED_SHA256", hashlib.sha256(path.read_bytes()).hexdigest()
    )


def test_the_published_archive_is_read_as_keras_reads_it(tmp_path, monkeypatch):
    expected = archive(tmp_path / "a", {})
    publish(monkeypatch, tmp_path / "a")
    found = sources_module._from_archive(tmp_path / "a")
    for name, values in expected.items():
        np.testing.assert_array_equal(found[name], values.squeeze() if name[0] == "y" else values)


def test_an_archive_with_another_checksum_is_not_unpickled(tmp_path, monkeypatch):
    monkeypatch.setenv("BOMB", str(tmp_path / "exploded"))
    archive(tmp_path / "a", {"data_batch_3": Bomb()})
    with pytest.raises(DataError, match="is not the archive of CIFAR-10 that was published"):
        sources_module._from_archive(tmp_path / "a")
    assert not (tmp_path / "exploded").exists()
    publish(monkeypatch, tmp_path / "a")
    with pytest.raises(TypeError):
        sources_module._from_archive(tmp_path / "a")
    assert (tmp_path / "exploded").exists(), "the bomb is a dud, and this test shows nothing"


def test_the_checksum_and_the_place_of_the_archive_are_those_of_keras():
    keras = Path(find_spec("keras").origin).parent  # found without being loaded
    source = (keras / "src" / "datasets" / "cifar10.py").read_text()
    assert sources_module.PUBLISHED_SHA256 in source
    assert sources_module.ORIGIN in source
    assert f'"{sources_module.ARCHIVE.removesuffix("_archive")}"' in source


def test_only_known_data_are_loaded_and_only_cifar10_comes_from_a_file(tmp_path):
    with pytest.raises(DataError, match="data set is 'mnist', expected one of: cifar10, digits"):
        experiments.load_data("mnist")
    with pytest.raises(DataError, match="digits are built in: leave the file out"):
        experiments.load_data("digits", file=tmp_path / "a.npz")


def test_a_note_takes_the_place_of_the_description(tmp_path):
    np.savez(tmp_path / "a.npz", **cifar_like())
    data = experiments.load_data("cifar10", file=tmp_path / "a.npz", note="six made-up images")
    assert data.description == "six made-up images"


# Model and training, in one process of their own: the number of threads can be set once in each.

TRAINING = """
    import json, os, tempfile, time
    from dataclasses import replace
    from kl_lib.experiments import *
    from kl_lib.experiments.convnet import initial
    from kl_lib.experiments.convnet.network import convnet

    import keras, numpy as np

    digits = load_data("digits")
    kl = Config(dataset="digits", data_sha256=digits.sha256, loss="kl", seed=3, epochs=5,
                batch_size=32, threads=1)
    ce = replace(kl, loss="ce")
    environment = describe_environment(kl)
    heard = []
    result = train(kl, digits, on_epoch=heard.append)

    def numbers(result):
        history = result.history()
        del history["seconds"]
        return history | {"test": [result.test_loss, result.test_accuracy]}

    def message(function, *args):
        try:
            function(*args)
        except Exception as error:
            return f"{type(error).__name__}: {error}"

    def refusal(config):
        return message(train, config, digits)

    # Stopped after each epoch in turn, and gone on with.
    class Stopped(Exception):
        pass

    def stopped_after(number, config):
        def stop(epoch):
            if epoch.number == number:
                raise Stopped

        heard = []
        with tempfile.TemporaryDirectory() as folder:
            checkpoint = Checkpoint(f"{folder}/a.checkpoint", config, environment)
            try:
                train(config, digits, on_epoch=stop, checkpoint=checkpoint)
            except Stopped:
                pass
            result = train(config, digits, on_epoch=heard.append, checkpoint=checkpoint)
        assert [epoch.number for epoch in heard] == list(range(1, config.epochs + 1))
        assert result.seconds > sum(result.history()["seconds"])
        return numbers(result)

    # Without learning, all that is left of a training is where it starts, which images it sees in
    # which order, and what dropout does to them.
    def without_learning(**changes):
        adam = keras.optimizers.Adam
        keras.optimizers.Adam = lambda: adam(0.0)
        try:
            history = train(replace(kl, epochs=2, **changes), digits).history()
        finally:
            keras.optimizers.Adam = adam
        return history["loss"], history["accuracy"]

    def weights(**changes):
        config = replace(kl, **changes)
        model = initial.initial_model(config, (8, 8, 1))
        return [np.asarray(w, "float64") for w in model.get_weights()]

    def disturbances(seed):
        null, plain = weights(loss="ce", disturbance=1e-3, seed=seed), weights(loss="ce", seed=seed)
        return [a - b for a, b in zip(null, plain, strict=True)]

    def disturbance(seed):
        return np.concatenate([noise.ravel() for noise in disturbances(seed) if noise.ndim > 1])

    # Images that say which they are. Nothing but the order decides what an epoch sees, and there is
    # time to make batches between the epochs, in the order of the one before.
    from kl_lib.experiments.convnet.batches import stream

    def seen(orders, size):
        epochs = []

        class Looker(keras.Model):
            def train_step(self, batch):
                x, p = map(np.asarray, batch)
                assert x.dtype == p.dtype == np.float32
                epochs[-1].append([np.rint(255 * x).ravel().tolist(), p.argmax(1).tolist()])
                return {"loss": 0.0}

        class Begin(keras.callbacks.Callback):
            def on_epoch_begin(self, epoch, logs=None):
                epochs.append([])
                order_batches(orders[epoch])

            def on_epoch_end(self, epoch, logs=None):
                time.sleep(0.3)

        numbers = np.arange(256, dtype=np.uint8)
        images, order_batches = stream(numbers.reshape(256, 1, 1, 1), numbers % 10, size)
        model = Looker()
        model.compile(run_eagerly=True)
        model.fit(images, epochs=len(orders), shuffle=False, callbacks=[Begin()], verbose=0)
        return epochs

    orders = [np.random.default_rng(n).permutation(256) for n in range(3)]

    # Every value that a pixel can have.
    pixels, _ = stream(np.arange(256, dtype=np.uint8).reshape(256, 1, 1, 1), np.zeros(256, int), 99)
    scaled = np.concatenate([np.ravel(x) for x, _ in pixels])

    bfloat = initial.initial_model(replace(kl, precision="mixed_bfloat16"), (8, 8, 1))

    # The same training as anybody would write it in Keras, on arrays made from scikit-learn's own.
    from sklearn.datasets import load_digits

    def plain_script(loss):
        bunch = load_digits()
        x = (np.floor(bunch.images * 255 / 16) / 255).astype("float32")[..., None]
        y = keras.utils.to_categorical(bunch.target, 10)
        test = np.arange(1797) % 5 == 0
        seeds = np.random.SeedSequence(3).generate_state(6).tolist()
        weights = [keras.initializers.GlorotUniform(seeds[n]) for n in (0, 2, 4, 5)]
        layers = keras.layers
        model = keras.Sequential([
            layers.Conv2D(32, kernel_size=(3, 3), activation="relu", padding="same",
                          kernel_initializer=weights[0]),
            layers.MaxPooling2D(pool_size=(2, 2)),
            layers.Dropout(0.50, seed=seeds[1]),
            layers.Conv2D(64, kernel_size=(3, 3), activation="relu", padding="same",
                          kernel_initializer=weights[1]),
            layers.MaxPooling2D(pool_size=(2, 2)),
            layers.Dropout(0.50, seed=seeds[3]),
            layers.Flatten(),
            layers.Dense(256, activation="relu", kernel_initializer=weights[2]),
            layers.Dense(10, activation="softmax", kernel_initializer=weights[3]),
        ])
        model.build((None, 8, 8, 1))
        model.compile(loss=loss, optimizer=keras.optimizers.Adam(), metrics=["accuracy"])
        x_train, y_train, kept = x[~test], y[~test], 1149
        history = {}
        for epoch in range(5):
            order = np.random.default_rng([0, 3, epoch]).permutation(kept)
            fitted = model.fit(x_train[order], y_train[order], batch_size=32, shuffle=False,
                               validation_data=(x_train[kept:], y_train[kept:]), verbose=0)
            for name, [value] in fitted.history.items():
                history.setdefault(name, []).append(value)
        return history | {"test": model.evaluate(x[test], y[test], batch_size=32, verbose=0)}

    # Trainings by the dozen.
    def thorough():
        return {
            # Whatever else the process draws.
            "again": [keras.utils.set_random_seed(1), numbers(train(kl, digits))][1],
            "ce": numbers(train(ce, digits)),
            "other seed": numbers(train(replace(kl, seed=4, epochs=1), digits)),
            "plain ce": plain_script("categorical_crossentropy"),
            "stopped": [stopped_after(n, replace(kl, epochs=3)) for n in (1, 3)],
            "not stopped": numbers(train(replace(kl, epochs=3), digits)),
            "paired": {
                arm: without_learning(**changes)
                for arm, changes in {
                    "kl": {}, "ce": {"loss": "ce"}, "kl_logits": {"loss": "kl_logits"},
                    "ce_logits": {"loss": "ce_logits"},
                    "null": {"loss": "ce", "disturbance": 1e-7}, "other seed": {"seed": 4},
                }.items()
            },
            "bfloat16": numbers(train(replace(kl, precision="mixed_bfloat16"), digits)),
            "networks left": networks_left(),
        }

    # Python looks for unreachable networks when it likes; here it may not.
    import gc
    def networks():
        return sum(isinstance(thing, keras.Sequential) for thing in gc.get_objects())

    def networks_left():
        gc.collect()
        gc.disable()
        before = networks()
        for seed in (0, 1, 2):
            train(replace(kl, seed=seed, epochs=1), digits)
        try:
            return networks() - before
        finally:
            gc.enable()

    print("ANSWER", json.dumps((thorough() if "THOROUGH" in os.environ else {}) | {
        "first": numbers(result),
        "plain kl": plain_script(keras.losses.KLDivergence()),
        "same weights": [
            all(map(np.array_equal, weights(), weights(loss=loss)))
            for loss in ("ce", "kl_logits", "ce_logits")
        ],
        "disturbance": [disturbance(3).mean(), disturbance(3).std()],
        "disturbed": [[noise.shape, bool(noise.any())] for noise in disturbances(3)],
        "disturbance again": bool((disturbance(3) == disturbance(3)).all()),
        "disturbances alike": np.corrcoef(disturbance(3), disturbance(4))[0, 1],
        "orders": [order.tolist() for order in orders],
        "seen": seen(orders, 100),
        "scaled": (scaled == np.arange(256, dtype="float32") / np.float32(255)).tolist(),
        "compute": [layer.compute_dtype for layer in bfloat.layers],
        "variables": sorted({str(v.dtype) for v in bfloat.weights}),
        "memory": result.peak_memory,
        "heard": [epoch.number for epoch in heard],
        "seconds": [result.seconds, *result.history()["seconds"]],
        "environment": environment,
        "parameters": {
            "cifar10": convnet((32, 32, 3)).count_params(),
            "digits": convnet((8, 8, 1)).count_params(),
            "result": result.parameters,
        },
        "sizes": {n: convnet((n, n, 1)).output_shape for n in (4, 9, 10, 11)},
        "layers": [type(layer).__name__ for layer in convnet((32, 32, 3)).layers],
        "no data": message(load_data, "cifar10"),
        "other threads": refusal(replace(kl, threads=2)),
        "other backend": refusal(replace(kl, backend="jax")),
        "other data": refusal(replace(kl, data_sha256="0" * 64)),
        "other recipe": refusal(replace(kl, recipe=99)),
        "huge split": refusal(replace(kl, validation_split=1 - 1e-9)),
    }))
"""


@pytest.fixture(scope="module")
def training(tmp_path_factory):
    # No data: an empty folder of Keras. No network: a proxy at a port that nothing listens on.
    nowhere = {
        "KERAS_HOME": str(tmp_path_factory.mktemp("keras")),
        **dict.fromkeys(("http_proxy", "https_proxy", "HTTPS_PROXY"), "http://127.0.0.1:9"),
        **dict.fromkeys(("no_proxy", "NO_PROXY"), ""),
    }
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(TRAINING)],
        capture_output=True, text=True, timeout=300, check=False, env=os.environ | nowhere,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr[-3000:]
    return json.loads(done.stdout.split("ANSWER ")[1])


def test_the_network_has_the_parameters_of_the_sources(training):
    # weights and biases: 3·3·3·32+32, 3·3·32·64+64, 6·6·64·256+256, 256·10+10
    assert 896 + 18_496 + 590_080 + 2_570 == 612_042
    assert training["parameters"]["cifar10"] == 612_042
    # padded, 2·2·64 values are left of 8·8 pixels
    assert training["parameters"]["digits"] == 320 + 18_496 + 65_792 + 2_570
    assert training["parameters"]["result"] == training["parameters"]["digits"]


def test_the_network_has_the_layers_of_the_source(training):
    block = ["Conv2D", "MaxPooling2D", "Dropout"]
    assert training["layers"] == [*block, *block, "Flatten", "Dense", "Dense"]


def test_the_network_takes_images_of_any_size_from_4_pixels(training):
    assert set(map(tuple, training["sizes"].values())) == {(None, 10)}


@pytest.mark.parametrize("loss", first_of(["first", "ce"]))
def test_a_training_learns_the_digits_with_either_loss(training, loss):
    assert training[loss]["loss"][0] > 2 > 1 > training[loss]["loss"][-1]
    assert training[loss]["test"][1] > 0.8


@pytest.mark.thorough
def test_the_same_config_gives_the_same_numbers_to_the_last_bit(training):
    assert training["again"] == training["first"]
    assert training["other seed"]["loss"][0] != training["first"]["loss"][0]


@pytest.mark.parametrize(("ours", "plain"), first_of([("first", "plain kl"), ("ce", "plain ce")]))
def test_a_training_is_a_plain_keras_script_to_the_last_bit(training, ours, plain):
    assert training[ours] == training[plain]


@pytest.mark.thorough
def test_a_training_that_was_stopped_goes_on_to_the_same_numbers_to_the_last_bit(training):
    assert training["stopped"] == [training["not stopped"]] * 2


def test_each_epoch_takes_the_images_in_its_own_order(training):
    for epoch, order in zip(training["seen"], training["orders"], strict=True):
        assert [image for images, _ in epoch for image in images] == order
        assert [label for _, labels in epoch for label in labels] == [n % 10 for n in order]
        assert [len(images) for images, _ in epoch] == [100, 100, 56]


def test_a_pixel_of_a_batch_is_its_255th_part_to_the_last_bit(training):
    assert training["scaled"] == [True] * 256


@pytest.mark.thorough
def test_runs_with_the_same_seed_see_the_same_images_and_masks_whatever_their_loss(training):
    losses, accuracies = training["paired"]["kl"]
    assert losses[0] != losses[1], "dropout is off, and this test shows nothing"
    assert training["paired"]["other seed"][1] != accuracies
    for arm in ("ce", "kl_logits", "ce_logits", "null"):
        assert training["paired"][arm][1] == accuracies
        assert training["paired"][arm][0] == pytest.approx(losses, abs=2e-5)


def test_runs_with_the_same_seed_start_from_the_same_weights_whatever_their_loss(training):
    assert training["same weights"] == [True] * 3


def test_the_null_arm_starts_from_weights_with_normal_noise_that_follows_from_the_seed(training):
    mean, spread = training["disturbance"]
    assert abs(mean) < 4e-3 / 87_178**0.5
    kernels_and_biases = [len(shape) > 1 for shape, _ in training["disturbed"]]
    assert kernels_and_biases == [True, False] * 4
    assert [disturbed for _, disturbed in training["disturbed"]] == kernels_and_biases
    assert spread == pytest.approx(1e-3, rel=0.02)
    assert training["disturbance again"]
    assert abs(training["disturbances alike"]) < 0.02


def test_mixed_precision_computes_in_bfloat16_up_to_the_last_layer(training):
    *before, last = training["compute"]
    assert {*before} == {"bfloat16"}
    assert last == "float32"
    assert training["variables"] == ["float32"]


@pytest.mark.thorough
def test_mixed_precision_learns_nearly_as_single_precision(training):
    assert training["bfloat16"]["loss"] != training["first"]["loss"]
    assert training["bfloat16"]["loss"] == pytest.approx(training["first"]["loss"], rel=0.1)


def test_the_peak_memory_is_in_bytes(training):
    assert 1e8 < training["memory"] < 1e10


@pytest.mark.thorough
def test_a_run_lets_go_of_the_networks_of_the_runs_before_it(training):
    assert training["networks left"] <= 1


@pytest.mark.thorough
def test_the_two_losses_start_from_the_same_weights_images_and_masks(training):
    # On one-hot labels both are −log q, so the first epoch differs by little. Not by nothing: KL
    # clips, and what that changes grows.
    kl, ce = training["first"]["loss"][0], training["ce"]["loss"][0]
    assert kl != ce
    assert 10 * abs(kl - ce) < abs(kl - training["other seed"]["loss"][0])


def test_every_epoch_is_announced_and_timed(training):
    assert training["heard"] == list(range(1, 6))
    total, *epochs = training["seconds"]
    assert all(seconds > 0 for seconds in epochs)
    assert sum(epochs) <= total < sum(epochs) + 10


def test_a_process_can_not_change_its_threads(training):
    assert training["other threads"].startswith("BackendError: threads is 2, but TensorFlow is")
    assert "with 1," in training["other threads"]


def test_a_process_can_not_change_its_backend(training):
    assert training["other backend"] == (
        "BackendError: backend is 'jax', but this process has loaded Keras on tensorflow: "
        "start a new Python process"
    )


JAX = """
    import json, os, tempfile
    from dataclasses import replace
    from kl_lib.experiments import *

    digits = load_data("digits")
    config = Config(dataset="digits", data_sha256=digits.sha256, loss="kl", seed=3, epochs=3,
                    batch_size=250, threads=1, backend="jax")
    environment = describe_environment(config)

    class Stopped(Exception):
        pass

    def stop(epoch):
        if epoch.number == 2:
            raise Stopped

    def numbers(result):
        history = result.history()
        del history["seconds"]
        return [history, result.test_loss, result.test_accuracy]

    with tempfile.TemporaryDirectory() as folder:
        checkpoint = Checkpoint(f"{folder}/a.checkpoint", config, environment)
        try:
            train(config, digits, on_epoch=stop, checkpoint=checkpoint)
        except Stopped:
            pass
        stopped = numbers(train(config, digits, checkpoint=checkpoint))
    try:
        train(replace(config, threads=2), digits)
    except BackendError as error:
        threads = str(error)
    print("ANSWER", json.dumps({
        "whole": numbers(train(config, digits)),
        "stopped": stopped,
        "ce": numbers(train(replace(config, loss="ce"), digits)),
        "threads": threads,
        "environment": environment,
    }))
"""


def test_jax_trains_too_and_goes_on_to_the_same_numbers_to_the_last_bit():
    pytest.importorskip("jax")
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(JAX)],
        capture_output=True, text=True, timeout=300, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr[-3000:]
    answer = json.loads(done.stdout.split("ANSWER ")[1])
    assert answer["stopped"] == answer["whole"]
    losses = answer["whole"][0]["loss"]
    assert losses[0] > losses[1] > losses[2]
    assert answer["ce"][0]["loss"] == pytest.approx(losses, abs=1e-3)
    assert answer["threads"].startswith("threads is 2, but JAX is already running")
    assert answer["environment"]["packages"]["jax"]


@pytest.mark.parametrize("started", [False, True])
def test_jax_is_asked_whether_it_has_started_and_is_left_as_it_was(started):
    pytest.importorskip("jax")
    code = f"""
        import jax
        from kl_lib.experiments.machinery.backend import _jax_runs
        jax.config.update("jax_num_cpu_devices", 3)
        {"jax.devices()" if started else ""}
        found = [_jax_runs(), _jax_runs()]
        print("ANSWER", found, len(jax.devices()), _jax_runs())
    """
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(code)],
        capture_output=True, text=True, timeout=100, check=False,
    )  # fmt: skip
    assert done.stdout == f"ANSWER {[started, started]} 3 True\n", done.stderr


def test_a_jax_that_is_too_old_is_refused_in_one_line(monkeypatch):
    from types import SimpleNamespace

    from kl_lib.experiments.machinery import backend

    old = SimpleNamespace(__version__="0.4.30", config=SimpleNamespace())
    monkeypatch.setitem(sys.modules, "jax", old)
    with pytest.raises(
        backend.BackendError, match=r"^JAX is 0\.4\.30, expected 0\.5 or newer: pip ins"
    ):
        backend.use_threads(1, "jax")


def test_a_config_is_refused_for_data_or_code_that_are_not_its_own(training):
    assert "make the config from these data" in training["other data"]
    assert "recipe is 99" in training["other recipe"]
    assert "leaves 0 of 1437 images to train on" in training["huge split"]


def test_the_environment_names_versions_and_no_places_or_people(training):
    environment = training["environment"]
    assert environment["python"] == platform.python_version()
    assert environment["packages"]["numpy"] == np.__version__
    assert environment["devices"] == ["cpu:0"] or "gpu" in environment["devices"][0]
    assert environment["cores"] >= 1
    text = json.dumps(environment)
    for secret in (str(Path.home()), os.getcwd(), sys.prefix, platform.node()):
        assert secret not in text
    assert f"/{getpass.getuser()}" not in text


CPUINFO = """\
processor\t: 0
model name\t: A processor
{name}\t: fpu avx avx2 {more}
bugs\t\t: amx_bf16
"""


@pytest.mark.parametrize(
    ("name", "more", "expected"),
    [
        ("flags\t", "avx512f amx_bf16x", ["avx2", "avx512f"]),
        ("flags\t", "amx_bf16 avx512f", ["avx2", "avx512f", "amx_bf16"]),
        ("Features", "bf16", ["avx2", "bf16"]),
        ("something", "", None),
    ],
)
def test_the_instruction_set_is_what_the_system_lists(monkeypatch, tmp_path, name, more, expected):
    (tmp_path / "cpuinfo").write_text(CPUINFO.format(name=name, more=more))
    monkeypatch.setattr(environment_module, "Path", lambda _: tmp_path / "cpuinfo")
    assert environment_module.instruction_set() == expected
    (tmp_path / "cpuinfo").unlink()
    assert environment_module.instruction_set() is None


def test_the_environment_names_the_commit_of_the_repository(training):
    def git(*args):
        return subprocess.run(["git", *args], cwd=RESULTS, capture_output=True).returncode == 0

    commit, dirty = (training["environment"][name] for name in ("git_commit", "git_dirty"))
    if git("ls-files", "--error-unmatch", "../kl_lib/experiments/machinery/environment.py"):
        assert git("merge-base", "--is-ancestor", commit, "HEAD")
        assert isinstance(dirty, bool)
    else:
        assert commit is dirty is None


def test_without_data_and_without_network_the_error_says_how_to_get_them(training):
    said = training["no data"]
    assert said.startswith("DataError: CIFAR-10 is not on this machine and could not be fetched (")
    for remedy in ("Keras downloads 170 MB", "--data FILE.npz", "x_train", "kl-lib run digits"):
        assert remedy in said
    assert "\n" not in said


def test_without_keras_the_error_names_the_extra(monkeypatch):
    from kl_lib.experiments.machinery.backend import import_keras

    monkeypatch.setitem(sys.modules, "keras", None)
    with pytest.raises(ModuleNotFoundError, match=r'pip install "kl-lib\[experiments\]"'):
        import_keras()


def started_quietly(load):
    """What a process says on standard error whose backend does this when it is loaded."""
    code = f"""
        import os
        from kl_lib.experiments.machinery import backend

        def load(name):
            os.write(2, b"a log line")
            {load}

        backend.import_keras = load
        backend.start_quietly("tensorflow")
    """
    code = textwrap.dedent(code)
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=False, timeout=60
    )
    assert done.returncode != 0
    assert "a log line" not in done.stderr
    return done.stderr


def test_a_backend_that_fails_or_aborts_while_it_is_kept_quiet_is_heard():
    assert "ModuleNotFoundError: no keras" in started_quietly(
        'raise ModuleNotFoundError("no keras")'
    )
    aborted = started_quietly("os.abort()")
    assert "Fatal Python error: Aborted" in aborted
    assert "in start_quietly" in aborted


# The store


@pytest.fixture
def record(digits):
    config = Config(dataset="digits", data_sha256=digits.sha256, loss="ce", seed=7, epochs=2)
    epochs = tuple(
        Epoch(
            number=number,
            loss=1 / number,
            accuracy=0.5,
            val_loss=0.1 + 0.2,
            val_accuracy=0.25,
            seconds=1.5,
        )
        for number in (1, 2)
    )
    result = Result(
        epochs=epochs,
        test_loss=1.1,
        test_accuracy=0.6,
        parameters=87_178,
        seconds=3.25,
        peak_memory=10**9,
    )
    return experiments.new_record(config, digits, result, {"python": "3.11.7"})


def test_a_record_comes_back_as_it_was_written(tmp_path, record):
    path = experiments.write_record(tmp_path, record)
    assert path == tmp_path / "digits" / f"{record.config.id}.json"
    assert experiments.read_record(path) == record
    assert experiments.find_record(tmp_path, record.config) == record
    assert record.history["val_loss"] == [0.1 + 0.2] * 2
    assert record.data["train_images"] == 1437
    assert experiments.find_record(tmp_path, replace(record.config, seed=8)) is None


def test_records_are_read_by_loss_and_seed_and_other_files_are_not(tmp_path, record):
    for loss, seed in (("kl", 2), ("ce", 10), ("kl", 1), ("ce", 9)):
        config = replace(record.config, loss=loss, seed=seed)
        experiments.write_record(tmp_path, replace(record, config=config))
    (tmp_path / "digits" / "0123-abc.part").write_text("{")
    read = experiments.read_records(tmp_path, "digits")
    assert [(r.config.loss, r.config.seed) for r in read] == [
        ("ce", 9), ("ce", 10), ("kl", 1), ("kl", 2),
    ]  # fmt: skip
    assert experiments.read_records(tmp_path, "cifar10") == []


def test_a_record_cut_anywhere_is_named_and_never_read(tmp_path, record):
    path = experiments.write_record(tmp_path, record)
    whole = path.read_bytes()
    for length in range(len(whole) - 1):  # the last byte is the end of the last line
        path.write_bytes(whole[:length])
        with pytest.raises(RecordError, match=rf"{path.name} .*Run it again"):
            experiments.read_record(path)


def test_a_record_with_any_character_changed_is_named_or_says_the_same(tmp_path, record):
    path = experiments.write_record(tmp_path, record)
    whole = path.read_text()
    refused = []
    for place, character in enumerate(whole):
        other = "7" if character != "7" else "8"
        path.write_text(whole[:place] + other + whole[place + 1 :])
        try:
            read = experiments.read_record(path)
        except RecordError as error:
            refused.append(str(error))
        else:
            assert read == record
    assert all(path.name in message for message in refused)
    # What is left are last digits that make no difference to a float64.
    assert len(refused) > 0.99 * len(whole)


def resealed(path, **changes):
    """Change parts of a stored record and give it the checksum that fits: a careful forger."""
    content = json.loads(path.read_text())
    for dotted, value in changes.items():
        *above, name = dotted.split("__")
        part = content
        for key in above:
            part = part[key]
        if value is None:
            del part[name]
        else:
            part[name] = value
    content.pop("sha256", None)
    text = json.dumps(content, sort_keys=True, separators=(",", ":"))
    content["sha256"] = hashlib.sha256(text.encode()).hexdigest()
    path.write_text(json.dumps(content))


def test_resealing_without_a_change_leaves_a_record_whole(tmp_path, record):
    path = experiments.write_record(tmp_path, record)
    resealed(path)
    assert experiments.read_record(path) == record


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"schema": 0}, "its schema is 0, and this version of kl_lib reads 1 and 2"),
        ({"schema": "2"}, "its schema is '2', and this version of kl_lib reads 1 and 2"),
        ({"environment": None}, "it lacks environment"),
        ({"environment": []}, "environment is not an object"),
        ({"config__seed": 8}, "its id is .*, but its config has id"),
        ({"config__seed": None}, "config lacks seed"),
        ({"config__loss": "mse"}, "loss is 'mse'"),
        ({"data__sha256": "0" * 64}, "the checksum of its data is not the one in its config"),
        ({"history__loss": [1.0]}, "history has no loss for each of its 2 epochs"),
        ({"history__val_loss": None}, "history has no val_loss"),
        ({"history__accuracy": [0.5, "0.6"]}, "accuracy in its history holds something"),
        ({"history__accuracy": [0.5, 1.5]}, r"it has an accuracy of 1\.5, expected 0 to 1"),
        ({"history__loss": [1.0, float("inf")]}, "not JSON compliant"),
        ({"result__test_loss": None}, "result has no test_loss"),
        ({"result__peak_memory": None}, "result has no peak_memory"),
        ({"result__test_accuracy": -0.1}, r"it has an accuracy of -0\.1"),
    ],
)
def test_a_record_that_contradicts_itself_is_named(tmp_path, record, changes, message):
    path = experiments.write_record(tmp_path, record)
    resealed(path, **changes)
    with pytest.raises(RecordError, match=rf"{path.name} is damaged: .*({message})"):
        experiments.read_record(path)


def test_a_record_of_a_newer_version_is_never_written_over(tmp_path, record):
    path = experiments.write_record(tmp_path, record)
    resealed(path, schema=3)
    before = path.read_bytes()
    newer = functools.partial(
        pytest.raises, NewerRecordError, match=r"its schema is 3, .*reads 1 and 2\. Update kl_lib"
    )
    with newer():
        experiments.read_record(path)
    with newer():
        experiments.run(tmp_path, record.config, None)
    # A sweep names it, after it has done what else there is to do.
    with pytest.raises(experiments.SweepError, match=r"its schema is 3, .*reads 1 and 2\. Update"):
        experiments.sweep(tmp_path, [record.config])
    assert path.read_bytes() == before


def test_a_record_under_another_name_is_named(tmp_path, record):
    path = experiments.write_record(tmp_path, record)
    other = path.rename(path.with_name("0123456789abcdef.json"))
    with pytest.raises(RecordError, match=r"0123456789abcdef\.json is damaged: its config has id"):
        experiments.read_record(other)


def test_what_is_no_record_is_named(tmp_path):
    path = tmp_path / "a.json"
    with pytest.raises(RecordError, match=r"a\.json can't be read"):
        experiments.read_record(path)
    path.write_text("[1, 2]")
    with pytest.raises(RecordError, match="it is JSON, but not an object"):
        experiments.read_record(path)
    path.write_bytes(b"\xff\xfe\x00")
    with pytest.raises(RecordError, match=r"a\.json is not whole JSON"):
        experiments.read_record(path)


@pytest.mark.parametrize("step", ["fsync", "replace"])
def test_a_write_that_fails_leaves_the_older_record_and_nothing_else(
    tmp_path, record, monkeypatch, step
):
    path = experiments.write_record(tmp_path, record)

    def full(*_):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, step, full)
    with pytest.raises(OSError, match="No space left"):
        experiments.write_record(tmp_path, replace(record, environment={}))
    monkeypatch.undo()
    assert list(path.parent.iterdir()) == [path]
    assert experiments.read_record(path) == record


def test_a_number_that_json_does_not_have_is_not_written(tmp_path, record):
    history = record.history | {"loss": [1.0, float("nan")]}
    with pytest.raises(ValueError, match="not JSON compliant"):
        experiments.write_record(tmp_path, replace(record, history=history))
    assert experiments.read_records(tmp_path, "digits") == []


# Checkpoints

ENVIRONMENT = {"python": "3.11.7", "cpu": "this one", "git_commit": "ab" * 20, "git_dirty": True}


@pytest.fixture
def checkpoint(tmp_path):
    found = Checkpoint(tmp_path / "scratch" / "a.checkpoint", CONFIG, ENVIRONMENT)
    found.save(STATE)
    return found


STATE = State(
    epochs=[{"number": 1, "loss": 0.1 + 0.2}],
    peak_memory=12345,
    arrays=[np.arange(6, dtype="float32").reshape(2, 3), np.int64(7), np.array([1], "uint32")],
)


def same_state(one, other):
    return (one.epochs, one.peak_memory) == (other.epochs, other.peak_memory) and all(
        a.dtype == b.dtype and np.array_equal(a, b)
        for a, b in zip(one.arrays, other.arrays, strict=True)
    )


def test_a_checkpoint_comes_back_as_it_was_saved(checkpoint):
    assert same_state(checkpoint.load(), STATE)
    assert epochs_done(checkpoint.path) == 1
    checkpoint.remove()
    assert checkpoint.load() is None
    assert epochs_done(checkpoint.path) == 0
    checkpoint.remove()


def test_a_checkpoint_that_is_cut_or_changed_anywhere_is_not_used(checkpoint):
    whole = checkpoint.path.read_bytes()
    refused = 0
    for place in range(len(whole)):
        checkpoint.path.write_bytes(whole[:place])
        with pytest.raises(CheckpointError, match="it is damaged"):
            checkpoint.load()
        changed = bytearray(whole)
        changed[place] ^= 1
        checkpoint.path.write_bytes(changed)
        try:
            found = checkpoint.load()
        except CheckpointError as error:
            refused += str(error) == "it is damaged"
        else:
            assert same_state(found, STATE)
    # What is left are last digits that make no difference to a float64.
    assert refused > 0.99 * len(whole)
    checkpoint.path.write_bytes(b"")
    assert epochs_done(checkpoint.path) == 0


@pytest.mark.parametrize(
    ("config", "environment", "message"),
    [
        ({"seed": 1}, {}, "it was written with another seed"),
        ({"loss": "ce", "disturbance": 1e-7}, {}, "another disturbance, loss"),
        ({}, {"cpu": "another one"}, "it was written with another cpu"),
        ({}, {"python": "3.12.1"}, "it was written with another python"),
        ({}, {"instruction_set": ["avx2"]}, "it was written with another instruction_set"),
    ],
)
def test_a_checkpoint_of_another_run_or_place_is_not_used(checkpoint, config, environment, message):
    other = Checkpoint(checkpoint.path, replace(CONFIG, **config), ENVIRONMENT | environment)
    with pytest.raises(CheckpointError, match=message):
        other.load()


def test_a_checkpoint_is_used_after_a_commit(checkpoint):
    later = ENVIRONMENT | {"git_commit": "cd" * 20, "git_dirty": False}
    assert same_state(Checkpoint(checkpoint.path, CONFIG, later).load(), STATE)


def test_a_checkpoint_of_another_version_of_its_format_is_not_used(checkpoint, monkeypatch):
    monkeypatch.setattr(checkpoint_module, "SCHEMA", checkpoint_module.SCHEMA + 1)
    with pytest.raises(CheckpointError, match="another version of kl_lib wrote it"):
        checkpoint.load()


# The records that the book shows

COMMITTED = [path for name in DATASETS for path in sorted((RESULTS / name).glob("*"))]


def test_there_are_recorded_runs_of_the_sources_experiment():
    runs = experiments.read_records(experiments.book_results(), "cifar10")
    plain = [r.config for r in runs if r.config.epochs == 25 and r.config.precision == "float32"]
    assert {(c.loss, c.seed) for c in plain} >= {("kl", 0), ("kl", 1), ("ce", 0), ("ce", 1)}


@pytest.mark.parametrize("path", COMMITTED, ids=lambda path: path.stem)
def test_a_committed_record_is_whole_and_says_what_it_was_measured_on(path):
    record = experiments.read_record(path)
    assert path == records_module.record_path(RESULTS, record.config)
    assert record.data["description"]
    assert record.environment["git_dirty"] is False
    assert len(record.environment["git_commit"]) == 40
    assert all(record.environment["packages"].values())
    if record.config.dataset == "cifar10":
        assert record.result["parameters"] == 612_042
        assert (record.data["train_images"], record.data["test_images"]) == (50_000, 10_000)
    text = path.read_text()
    assert not any(f'"/{folder}' in text for folder in ("home", "root", "tmp", "Users", "work"))
