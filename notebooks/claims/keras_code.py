"""Versloot 2019, the program of the article: the Keras API and the ConvNet, line by line."""

from __future__ import annotations

import contextlib
import functools
import importlib
import inspect
import io
import warnings
from collections.abc import Callable

import keras
import numpy as np

from kl_lib.experiments import book_results, read_records

from . import Found, Source, holds, lost, opinion, today

SOURCE = Source("P")
claim = SOURCE.claim

OLD = "kullback_leibler_divergence"
ONE_HOT = np.eye(3, dtype="float32")[:2]
SURE = np.array([[0.8, 0.1, 0.1], [0.2, 0.7, 0.1]], dtype="float32")

SOURCE.section("The loss in Keras")


@claim(f"The loss is `keras.losses.{OLD}`.", "ch-keras-loss")
def old_name():
    return today(
        hasattr(keras.losses, OLD), f"Keras {keras.__version__} has no such name: `kl_divergence`"
    )


@claim("It takes y_true and y_pred, in this order.", "q-argument-order-table")
def order():
    names = list(inspect.signature(keras.losses.kl_divergence).parameters)
    return holds(names == ["y_true", "y_pred"], ", ".join(names))


@claim(f"A model takes it as the string '{OLD}'.", "ch-keras-loss")
def as_string():
    try:
        keras.losses.get(OLD)
    except ValueError as error:
        return today(False, f"ValueError: {str(error).partition(':')[0]}")
    return today(True, "found")


@claim("It is simply named when the model is compiled.", "ch-keras-loss")
def compiled():
    model = _small("kl_divergence")
    return holds(model.loss == "kl_divergence", "`compile(loss='kl_divergence')` trains")


@functools.cache
def _small(loss: str) -> keras.Model:
    """A model of three inputs and three classes, compiled as the article compiles."""
    keras.utils.set_random_seed(0)
    model = keras.Sequential([keras.Input((3,)), keras.layers.Dense(3, activation="softmax")])
    model.compile(loss=loss, optimizer=keras.optimizers.Adam(), metrics=["accuracy"])
    model.fit(np.eye(3), np.eye(3), epochs=2, verbose=0)
    return model


@claim("A classifier with softmax can be trained with it.", "ch-keras-loss")
def trains():
    keras.utils.set_random_seed(0)
    model = keras.Sequential([keras.Input((3,)), keras.layers.Dense(3, activation="softmax")])
    model.compile(loss="kl_divergence", optimizer=keras.optimizers.Adam(0.1))
    losses = model.fit(np.eye(3), np.eye(3), epochs=30, verbose=0).history["loss"]
    return holds(
        losses[-1] < 0.1 * losses[0], "three classes, 30 epochs: below a tenth of the loss"
    )


@claim("Adam is made without arguments.", "ch-cifar10")
def adam():
    rate = float(keras.optimizers.Adam().learning_rate.numpy())
    return holds(rate > 0, f"its learning rate is then {rate:.3f}")


@claim("Accuracy is a metric by name.", "ch-cifar10")
def accuracy():
    model = _small("kl_divergence")
    model.evaluate(np.eye(3), np.eye(3), verbose=0)
    kinds = [type(metric).__name__ for metric in model._compile_metrics.metrics]
    return holds("CategoricalAccuracy" in kinds, "of one-hot labels it is CategoricalAccuracy")


SOURCE.section("Imports and settings")


@claim("`keras` is imported by itself.", "ch-cifar10")
def multi_backend():
    import tensorflow as tf

    return today(
        tf.keras.__version__ == keras.__version__,
        f"and is the Keras {keras.__version__} that TensorFlow has as tf.keras",
    )


def _imports(module: str, *names: str) -> Found:
    found = importlib.import_module(module)
    missing = [name for name in names if not hasattr(found, name)]
    told = f"no {', '.join(missing)}" if missing else "there: " + ", ".join(names)
    return today(not missing, told)


@claim("`keras.datasets` has cifar10.", "ch-cifar10")
def datasets():
    return _imports("keras.datasets", "cifar10")


@claim("`keras.models` has Sequential.", "ch-cifar10")
def sequential():
    return _imports("keras.models", "Sequential")


@claim("`keras.layers` has Dense, Dropout and Flatten.", "ch-cifar10")
def layers():
    return _imports("keras.layers", "Dense", "Dropout", "Flatten")


@claim("`keras.layers` has Conv2D and MaxPooling2D.", "ch-cifar10")
def convolutions():
    return _imports("keras.layers", "Conv2D", "MaxPooling2D")


@claim("`keras.backend` tells the order of an image's axes.", "ch-cifar10")
def backend():
    told = keras.backend.image_data_format()
    return today(told in ("channels_first", "channels_last"), told)


@claim("That order depends on TensorFlow, Theano or CNTK.", "ch-cifar10")
def engines():
    kinds = sorted(path for path in ("tensorflow", "theano", "cntk") if _is_backend(path))
    return today(len(kinds) == 3, "of the three, Keras 3 has " + ", ".join(kinds))


def _is_backend(name: str) -> bool:
    return importlib.util.find_spec(f"keras.src.backend.{name}") is not None


@claim("With verbosity 1 training shows its progress.", "ch-cifar10")
def verbose():
    told = io.StringIO()
    with contextlib.redirect_stdout(told):
        _small("kl_divergence").fit(np.eye(3), np.eye(3), epochs=2, verbose=1)
    lines = [line for line in told.getvalue().splitlines() if line.startswith("Epoch ")]
    return holds(len(lines) == 2, f"2 epochs: {lines[0]}, {lines[1]}, each with a bar")


@claim("The images are 32 pixels wide and high, of ten classes.", "sec-cifar-recorded")
def size():
    return _network_has(
        lambda model: model.input_shape[1:3] == (32, 32) and model.output_shape[1] == 10,
        "input 32 × 32, ten outputs",
    )


@claim("A batch has 250 images.", "sec-cifar-recorded")
def batch():
    return _recorded("batch_size", 250)


@claim("There are 25 epochs.", "sec-cifar-recorded")
def epochs():
    return _recorded("epochs", 25)


@claim("20 % of the images are held out for validation.", "sec-cifar-recorded")
def held_out():
    return _recorded("validation_split", 0.2)


def _recorded(name: str, stated: float) -> Found:
    runs = read_records(book_results(), "cifar10")
    found = {getattr(run.config, name) for run in runs}
    return holds(found == {stated}, f"so are all {len(runs)} recorded runs")


SOURCE.section("Data")


@claim("`load_data` returns training and test images with their labels.", "ch-cifar10")
def load_data():
    source = inspect.getsource(keras.datasets.cifar10.load_data)
    return holds(
        "return (x_train, y_train), (x_test, y_test)" in source, "two pairs, by its source"
    )


@claim("With the channels last, reshaping changes nothing.", "ch-cifar10")
def reshape():
    images = np.arange(2 * 32 * 32 * 3).reshape(2, 32, 32, 3)
    return holds(np.array_equal(images, images.reshape(2, 32, 32, 3)), "no number moves")


@claim("With the channels first, reshaping puts them first.", "ch-cifar10")
def reshape_first():
    images = np.arange(2 * 32 * 32 * 3).reshape(2, 32, 32, 3)
    there = np.array_equal(images.reshape(2, 3, 32, 32), images.transpose(0, 3, 1, 2))
    return holds(there, "it cuts the rows of pixels into three; that needs `transpose`")


@claim("Then an input has the shape (3, 32, 32).", "ch-cifar10")
def shape_first():
    layer = keras.layers.Conv2D(32, 3, data_format="channels_first")
    shape = layer.compute_output_shape((None, 3, 32, 32))[1:]
    return holds(shape == (32, 30, 30), f"a convolution makes {shape} of it")


@claim("astype('float32') makes floats of the bytes.", "ch-cifar10")
def floats():
    bytes_ = np.arange(256, dtype="uint8")
    return holds(np.array_equal(bytes_.astype("float32"), bytes_), "all 256 values are kept")


@claim("Dividing by 255 brings them to 0 to 1.", "ch-cifar10")
def scaled():
    found = np.arange(256, dtype="uint8").astype("float32") / 255
    return holds((found.min(), found.max()) == (0, 1), f"{found.min():.0f} to {found.max():.0f}")


@claim("`to_categorical` makes the labels one-hot.", "ch-cifar10")
def categorical():
    labels = np.array([[3], [9]])
    found = keras.utils.to_categorical(labels, 10)
    return holds(np.array_equal(found, np.eye(10)[[3, 9]]), f"{labels.shape} → {found.shape}")


SOURCE.section("Network")


@functools.cache
def _network() -> tuple[keras.Model, list[str]]:
    """The article's ConvNet, as copy 001 writes it, and what Keras warns of."""
    from keras.layers import Conv2D, Dense, Dropout, Flatten, MaxPooling2D

    with warnings.catch_warnings(record=True) as told:
        warnings.simplefilter("always")
        model = keras.Sequential()
        model.add(Conv2D(32, kernel_size=(3, 3), activation="relu", input_shape=(32, 32, 3)))
        model.add(MaxPooling2D(pool_size=(2, 2)))
        model.add(Dropout(0.50))
        model.add(Conv2D(64, kernel_size=(3, 3), activation="relu"))
        model.add(MaxPooling2D(pool_size=(2, 2)))
        model.add(Dropout(0.50))
        model.add(Flatten())
        model.add(Dense(256, activation="relu"))
        model.add(Dense(10, activation="softmax"))
    return model, [str(one.message) for one in told]


def _network_has(condition: Callable[[keras.Model], bool], measured: str) -> Found:
    model, _ = _network()
    return holds(condition(model), measured)


@claim("The network is adapted from another post, reshaping from Keras's `mnist_cnn.py`.")
def adapted():
    return lost("links")


@claim("Both copies of the article print the whole program.", "ch-cifar10")
def both_copies():
    try:
        exec(WITHOUT_ELSE, {"order": keras.backend.image_data_format()})
        end = "runs"
    except NameError as error:
        end = f"stops: {error}"
    return lost(
        "one copy has no `else:`, both Dropouts, Flatten, `compile` and `fit`; without the first "
        f"it {end}"
    )


WITHOUT_ELSE = """
if order == "channels_first":
    input_shape = (3, 32, 32)
    input_shape = (32, 32, 3)
input_shape
"""


@claim("The first layer takes input_shape.", "ch-cifar10")
def input_shape():
    _, told = _network()
    return today(not told, "it does, with a warning: Keras 3 wants an `Input` in front")


@claim(
    "The layers follow each other: convolution, pooling, dropout, twice, then three more.",
    "ch-cifar10",
)
def stacked():
    return _network_has(
        lambda model: len(model.layers) == 9, "nine layers build, and Keras connects them"
    )


@claim("A convolution of 3 × 3 has 32 outputs, another 64.", "ch-cifar10")
def outputs():
    model, _ = _network()
    shapes = [model.layers[i].output.shape[1:] for i in (0, 3)]
    return holds(
        [shape[2] for shape in shapes] == [32, 64], " and ".join(str(tuple(x)) for x in shapes)
    )


@claim("Pooling is of 2 × 2.", "ch-cifar10")
def pooling():
    model, _ = _network()
    shapes = [tuple(model.layers[i].output.shape[1:3]) for i in (1, 4)]
    return holds(
        shapes == [(15, 15), (6, 6)], "30 → 15 and 13 → 6, so a row and a column are dropped"
    )


@claim("The convolutions and the dense layer end in ReLU.", "ch-cifar10")
def relu():
    model, _ = _network()
    found = [model.layers[i].activation.__name__ for i in (0, 3, 7)]
    return holds(found == ["relu"] * 3, ", ".join(found))


@claim("`Flatten` makes a vector of the maps.", "ch-cifar10")
def flatten():
    model, _ = _network()
    before, after = (tuple(model.layers[i].output.shape[1:]) for i in (5, 6))
    return holds(after == (np.prod(before),), f"{before} → {after}")


@claim("Dropout takes half of the numbers away.", "ch-cifar10")
def dropout():
    keras.utils.set_random_seed(0)
    kept = keras.layers.Dropout(0.5)(np.ones((1, 100_000)), training=True).numpy()
    return holds(
        abs((kept == 0).mean() - 0.5) < 0.01, "50%, and doubles the others, in training alone"
    )


@claim("A dense layer of 256 comes before the ten classes.", "ch-cifar10")
def dense():
    model, _ = _network()
    share = model.layers[7].count_params() / model.count_params()
    return holds(
        model.layers[7].units == 256, f"it has {share:.0%} of {model.count_params():,} weights"
    )


@claim("The last layer is a softmax over the classes.", "ch-cifar10")
def last_layer():
    model, _ = _network()
    rows = model(np.random.default_rng(0).random((4, 32, 32, 3)).astype("float32")).numpy()
    return holds(abs(rows.sum(axis=1) - 1).max() < 1e-6, "rows of outputs sum to 1 within 1e-6")


SOURCE.section("Training and score")


@claim("`fit` holds a share of the training images out.", "ch-cifar10")
def validation():
    model = _small("kl_divergence")
    history = model.fit(np.eye(3), np.eye(3), validation_split=0.34, verbose=0).history
    return holds("val_loss" in history, "its history has val_loss: of the last images, unshuffled")


@claim("`evaluate` gives the loss first and the accuracy second.", "ch-cifar10")
def score():
    model = _small("kl_divergence")
    loss, right = model.evaluate(np.eye(3), np.eye(3), verbose=0)
    own = keras.ops.mean(keras.losses.kl_divergence(np.eye(3), model(np.eye(3)))).numpy()
    return holds(abs(loss - own) < 1e-6 and 0 <= right <= 1, "both as computed by hand")


@claim("The test set tells how the network generalises.", "sec-cifar-wrong")
def generalises():
    return opinion("to photographs drawn as these were; that is what a test set is")


@claim("It prints test loss and test accuracy.", "sec-cifar-recorded")
def printed():
    runs = read_records(book_results(), "cifar10")
    return lost(f"the numbers; the book has {len(runs)} recorded runs")
