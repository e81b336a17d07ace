"""The mean of KL over batches: against mpmath over all rows, for Keras and for PyTorch.

What is not installed is skipped by name.
"""

import pickle
import subprocess
import sys
from types import SimpleNamespace

import mpmath
import numpy as np
import pandas as pd
import pytest
from mpmath import mpf
from thorough import first_of

import kl_lib as kl
from kl_lib import frameworks, metrics

INF = float("inf")


def keras_surface():
    if not frameworks.keras.available():
        pytest.skip("keras, or its backend, is not installed")
    import keras

    if keras.backend.backend() == "jax":
        import jax

        jax.config.update("jax_enable_x64", True)
    return SimpleNamespace(
        name="keras",
        metric=metrics.keras.KLDivergence,
        update=lambda metric, *batch: metric.update_state(*batch),
        result=lambda metric: float(metric.result()),
        reset=lambda metric: metric.reset_state(),
        tensor=keras.ops.convert_to_tensor,
    )


def torch_surface():
    if not frameworks.torch.available():
        pytest.skip("torch is not installed")
    import torch

    return SimpleNamespace(
        name="torch",
        metric=metrics.torch.KLDivergence,
        update=lambda metric, *batch: metric.update(*batch),
        result=lambda metric: metric.compute().item(),
        reset=lambda metric: metric.reset(),
        tensor=torch.as_tensor,
    )


SURFACES = {"keras": keras_surface, "torch": torch_surface}


@pytest.fixture(params=SURFACES)
def library(request):
    return SURFACES[request.param]()


@pytest.fixture
def keras():
    keras_surface()
    import keras

    return keras


@pytest.fixture
def torch():
    torch_surface()
    import torch

    return torch


# --- the truth ---------------------------------------------------------------------------------


def exact(p, q, weights=None):
    """Σ w·KL(p‖q) / Σ w by mpmath over all rows, of exactly the given floats."""
    weights = np.ones(len(p)) if weights is None else weights
    with mpmath.workdps(50):
        total = mpf(0)
        for a, b, w in zip(p, q, weights, strict=True):
            a, b = ([mpf(float(x)) / mpmath.fsum(map(float, row)) for x in row] for row in (a, b))
            total += float(w) * sum(x * mpmath.log(x / y) for x, y in zip(a, b, strict=True) if x)
        return float(total / mpmath.fsum(map(float, weights)))


def data(rows=23, categories=5):
    rng = np.random.default_rng(rows)
    p = rng.dirichlet(np.ones(categories), rows)
    p[::4] = np.eye(categories)[rng.integers(categories, size=len(p[::4]))]
    return p, rng.normal(size=p.shape), rng.uniform(0, 3, rows)


def softmax(z):
    e = np.exp(z - z.max(-1, keepdims=True))
    return e / e.sum(-1, keepdims=True)


def batches(size, *arrays):
    for start in range(0, len(arrays[0]), size):
        yield [array[start : start + size] for array in arrays]


# --- the mean ----------------------------------------------------------------------------------


@pytest.mark.parametrize("size", [1, 7, 23])
def test_the_mean_is_over_all_rows_however_they_are_cut_into_batches(library, size):
    p, z, w = data()
    for weights in (None, w):
        metric = library.metric(from_logits=True)
        for batch in batches(size, p, z, *([] if weights is None else [weights])):
            library.update(metric, *map(library.tensor, batch))
        assert library.result(metric) == pytest.approx(exact(p, softmax(z), weights), rel=1e-13)


def test_probabilities_and_logits_of_the_same_predictions_give_the_same_mean(library):
    p, z, w = data()
    q = softmax(z)
    by_q = library.metric(from_logits=False)
    library.update(by_q, p, q, w)
    assert library.result(by_q) == pytest.approx(exact(p, q, w), rel=1e-13)
    by_log_q = library.metric(from_logits=True)
    library.update(by_log_q, p, np.log(q), w)
    assert library.result(by_log_q) == pytest.approx(exact(p, q, w), rel=1e-13)


def test_what_the_predictions_are_has_to_be_said(library):
    with pytest.raises(TypeError, match="from_logits"):
        library.metric()


def test_a_certain_mistake_costs_what_it_costs_and_an_impossible_one_is_inf(library):
    metric = library.metric(from_logits=False)
    library.update(metric, [[0.5, 0.5]], [[1e-30, 1.0]])
    assert library.result(metric) == pytest.approx(exact([[0.5, 0.5]], [[1e-30, 1.0]]), rel=1e-6)
    assert library.result(metric) > 30
    library.update(metric, [[0.0, 1.0]], [[0.0, 1.0]])
    assert np.isfinite(library.result(metric))
    library.update(metric, [[0.5, 0.5]], [[0.0, 1.0]])
    assert library.result(metric) == INF


def test_weight_0_leaves_a_row_out_even_one_that_costs_inf(library):
    metric = library.metric(from_logits=False)
    p, q = [[0.5, 0.5], [0.5, 0.5]], [[0.0, 1.0], [0.25, 0.75]]
    library.update(metric, p, q, [0.0, 2.0])
    assert library.result(metric) == pytest.approx(exact(p[1:], q[1:]), rel=1e-6)


def test_the_mean_of_nothing_is_nan_and_a_reset_forgets(library):
    metric = library.metric(from_logits=True)
    assert np.isnan(library.result(metric))
    library.update(metric, [[1.0, 0.0]], [[0.0, 0.0]], [0.0])
    assert np.isnan(library.result(metric))
    library.update(metric, [[1.0, 0.0]], [[0.0, 30.0]])
    library.reset(metric)
    assert np.isnan(library.result(metric))
    library.update(metric, [[1.0, 0.0]], [[0.0, 0.0]])
    assert library.result(metric) == pytest.approx(np.log(2), rel=1e-7)


def test_rows_after_many_rows_still_count(library):
    """In float32 the sum stands still: 1 added to 2²⁴ is 2²⁴."""
    metric = library.metric(from_logits=True)
    p, z = np.array([[1.0, 0.0]], "float32"), np.array([[0.0, 0.0]], "float32")
    library.update(metric, p, z, np.array([2.0**24], "float32"))
    for _ in range(2):
        library.update(metric, p, np.array([[-INF, 0.0]], "float32"), np.array([0.0], "float32"))
        library.update(metric, [[0.0, 1.0]], z, np.array([1.0], "float32"))
    weight = float(metric.weight)
    assert weight == 2.0**24 + 2


@pytest.mark.parametrize("axis", [0, 1, -2])
def test_any_axis_may_hold_the_categories(library, axis):
    rng = np.random.default_rng(1)
    p, z = rng.dirichlet(np.ones(4), (2, 3)), rng.normal(size=(2, 3, 4))
    w = rng.uniform(size=(2, 3))
    metric = library.metric(from_logits=True, axis=axis)
    library.update(metric, np.moveaxis(p, -1, axis), np.moveaxis(z, -1, axis), w)
    expected = exact(p.reshape(-1, 4), softmax(z).reshape(-1, 4), w.ravel())
    assert library.result(metric) == pytest.approx(expected, rel=1e-13)


def test_one_distribution_may_be_set_against_a_batch_and_counts_for_each_row(library):
    p, z, w = data(5)
    metric = library.metric(from_logits=True)
    library.update(metric, p[:1], z, w)
    expected = exact(np.broadcast_to(p[:1], p.shape), softmax(z), w)
    assert library.result(metric) == pytest.approx(expected, rel=1e-13)


# --- what is refused ---------------------------------------------------------------------------


def test_class_numbers_and_rows_of_another_length_are_refused(library):
    metric = library.metric(from_logits=True)
    with pytest.raises(kl.DistributionError, match="p has 1 axis and q has 2"):
        library.update(metric, [0, 1], [[0.0, 1.0], [1.0, 0.0]])
    with pytest.raises(kl.DistributionError, match="p has 3 categories and q has 2"):
        library.update(metric, [[0.2, 0.3, 0.5]], [[0.0, 1.0]])
    with pytest.raises(ValueError, match="one weight for each loss"):
        library.update(metric, np.eye(3), np.eye(3), np.ones(2))
    assert np.isnan(library.result(metric))


def test_tables_are_aligned_by_their_labels_or_refused(library):
    p = pd.DataFrame([[1.0, 0.0], [0.25, 0.75]], columns=["cat", "dog"], index=["x", "y"])
    z = pd.DataFrame([[0.5, -1.0], [2.0, 0.0]], columns=["dog", "cat"], index=["y", "x"])
    metric = library.metric(from_logits=True)
    library.update(metric, p, z)
    expected = exact(p.to_numpy(), softmax(np.array([[0.0, 2.0], [-1.0, 0.5]])))
    assert library.result(metric) == pytest.approx(expected, rel=1e-6)
    for from_logits in (True, False):  # what stands for a category that is missing
        metric = library.metric(from_logits=from_logits)
        with pytest.raises(kl.DistributionError, match="'cow' is in q alone") as caught:
            library.update(metric, p, z.rename(columns={"dog": "cow"}))
        assert ("fill_value=-np.inf" in str(caught.value)) == from_logits


# --- PyTorch -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("p", "q", "weights", "message"),
    [
        ([[0.5, 0.6]], [[0.5, 0.5]], None, "p sums to 1.1"),
        ([[0.5, 0.5]], [[0.5, 0.7]], None, "q sums to 1.1999"),
        ([[0.5, 0.5]], [[-1.0, 2.0]], None, r"q\[0, 0\] is -1"),
        ([[0.5, 0.5]], [[0.5, 0.5]], [-1.0], r"weights\[0\] is -1"),
    ],
)
def test_values_are_checked_unless_the_metric_is_told_not_to(torch, p, q, weights, message):
    checked = metrics.torch.KLDivergence(from_logits=False)
    for add in (checked.update, checked):
        with pytest.raises(ValueError, match=message):
            add(p, q, weights)
    assert torch.isnan(checked.compute())
    metrics.torch.KLDivergence(from_logits=False, validate=False).update(p, q, weights)


def test_logits_are_checked_as_logits(torch):
    metric = metrics.torch.KLDivergence(from_logits=True)
    metric.update([[0.5, 0.5]], [[-1.0, 200.0]])
    with pytest.raises(ValueError, match="row 0 of q is -inf everywhere"):
        metric.update([[0.5, 0.5]], [[-INF, -INF]])


def test_a_call_adds_a_batch_and_returns_its_own_mean_with_its_graph(torch):
    p, z, w = (torch.tensor(x) for x in data())
    metric = metrics.torch.KLDivergence(from_logits=True)
    metric.update(p[:9], z[:9], w[:9])
    some = z[9:].clone().requires_grad_()
    found = metric(p[9:], some, w[9:])
    q = softmax(z.numpy())
    assert found.item() == pytest.approx(exact(p[9:], q[9:], w[9:]), rel=1e-13)
    assert metric.compute().item() == pytest.approx(exact(p, q, w), rel=1e-13)
    found.backward()
    slope = w[9:, None].numpy() * (q[9:] - p[9:].numpy()) / w[9:].sum().item()
    assert some.grad.numpy() == pytest.approx(slope, abs=1e-15)
    assert not metric.compute().requires_grad


def test_an_update_keeps_no_graph(torch):
    metric = metrics.torch.KLDivergence(from_logits=True)
    metric.update([[0.5, 0.5]], torch.zeros((1, 2), requires_grad=True))
    assert not metric.total.requires_grad
    assert not metric.weight.requires_grad


def test_metrics_of_several_processes_are_merged(torch):
    p, z, w = data()
    parts = []
    for batch in batches(8, p, z, w):
        parts.append(metrics.torch.KLDivergence(from_logits=True))
        parts[-1].update(*batch)
    whole = metrics.torch.KLDivergence(from_logits=True)
    for part in parts:
        whole.merge_state(pickle.loads(pickle.dumps(part)))
    assert whole.compute().item() == pytest.approx(exact(p, softmax(z), w), rel=1e-13)
    with pytest.raises(TypeError, match="pass a KLDivergence of kl_lib"):
        whole.merge_state(1.0)


def test_half_precision_is_computed_in_float32(torch):
    q = torch.tensor([[0.0078125, 0.9921875]], dtype=torch.bfloat16)
    metric = metrics.torch.KLDivergence(from_logits=False)
    metric.update([[0.5, 0.5]], q)
    expected = exact([[0.5, 0.5]], [[0.0078125, 0.9921875]])
    assert metric.compute().item() == pytest.approx(expected, rel=1e-6)


def test_it_agrees_with_torchmetrics(torch):
    torchmetrics = pytest.importorskip("torchmetrics")
    p, z, _ = (torch.tensor(x) for x in data())
    own = torchmetrics.KLDivergence()
    ours = metrics.torch.KLDivergence(from_logits=False)
    for a, b in batches(7, p, torch.softmax(z, -1)):
        own.update(a, b)
        ours.update(a, b)
    assert ours.compute().item() == pytest.approx(own.compute().item(), rel=1e-5)


# --- Keras -------------------------------------------------------------------------------------


def fixed_model(keras, z, **options):
    """A model that puts out row i of z for the input i."""
    model = keras.Sequential([keras.Input((), dtype="int32"), keras.layers.Embedding(*z.shape)])
    model.layers[0].set_weights([z])
    model.compile(optimizer=keras.optimizers.SGD(0.0), loss="mse", **options)
    return model


@pytest.mark.parametrize("jit", first_of([False, True]))
def test_fit_and_evaluate_report_the_mean_over_all_rows_of_the_epoch(keras, jit):
    if jit and keras.backend.backend() == "torch":
        pytest.skip("torch's compiler needs a C++ compiler")
    p, z, w = (x.astype("float32") for x in data())
    model = fixed_model(
        keras,
        z,
        jit_compile=jit,
        metrics=[metrics.keras.KLDivergence(from_logits=True, name="plain")],
        weighted_metrics=[metrics.keras.KLDivergence(from_logits=True, name="weighted")],
    )
    q = softmax(z.astype("float64"))
    rows = np.arange(len(p))
    history = model.fit(rows, p, sample_weight=w, batch_size=7, epochs=2, verbose=0).history
    for epoch in range(2):
        assert history["plain"][epoch] == pytest.approx(exact(p, q), rel=1e-6)
        assert history["weighted"][epoch] == pytest.approx(exact(p, q, w), rel=1e-6)
    options = {"sample_weight": w, "batch_size": 5, "verbose": 0, "return_dict": True}
    found = model.evaluate(rows, p, **options)
    assert found["weighted"] == pytest.approx(exact(p, q, w), rel=1e-6)


def test_masked_time_steps_are_left_out(keras):
    layer = keras.layers.Embedding(3, 2, mask_zero=True)  # token 0 is padding
    model = keras.Sequential([keras.Input((3,), dtype="int32"), layer])
    z = np.array([[0.0, -INF], [1.0, 2.0], [3.0, 1.0]], "float32")
    layer.set_weights([z])
    metric = metrics.keras.KLDivergence(from_logits=True)
    model.compile(loss="mse", optimizer="sgd", weighted_metrics=[metric])
    p = np.array([[[0.5, 0.5], [0.0, 1.0], [0.0, 1.0]]], "float32")
    found = model.evaluate(np.array([[1, 2, 0]]), p, verbose=0, return_dict=True)
    expected = exact(p[0, :2], softmax(z[[1, 2]].astype("float64")))
    assert found["kl_divergence"] == pytest.approx(expected, rel=1e-6)


def test_a_weight_for_each_sample_is_one_for_each_of_its_time_steps(keras):
    rng = np.random.default_rng(2)
    p, z, w = rng.dirichlet(np.ones(4), (2, 3)), rng.normal(size=(2, 3, 4)), np.array([1.0, 3.0])
    expected = exact(p.reshape(-1, 4), softmax(z).reshape(-1, 4), np.repeat(w, 3))
    for weights in (w, w[:, None]):
        metric = metrics.keras.KLDivergence(from_logits=True)
        metric.update_state(p, z, weights)
        assert float(metric.result()) == pytest.approx(expected, rel=1e-13)


def test_a_column_of_weights_is_one_for_each_row(keras):
    p, z, w = data()
    metric = metrics.keras.KLDivergence(from_logits=True)
    metric.update_state(p, z, w[:, None])
    assert float(metric.result()) == pytest.approx(exact(p, softmax(z), w), rel=1e-13)


def test_the_metric_survives_its_config_and_a_saved_model_keeps_it(keras, tmp_path):
    metric = metrics.keras.KLDivergence(from_logits=False, axis=1, name="mine")
    again = keras.metrics.deserialize(keras.metrics.serialize(metric))
    assert type(again) is metrics.keras.KLDivergence
    assert (again.from_logits, again.axis, again.name) == (False, 1, "mine")
    p, z, _ = (x.astype("float32") for x in data())
    model = fixed_model(keras, z, metrics=[metrics.keras.KLDivergence(from_logits=True)])
    model.evaluate(np.arange(len(p)), p, verbose=0)
    model.save(tmp_path / "model.keras")
    loaded = keras.models.load_model(tmp_path / "model.keras")
    found = loaded.evaluate(np.arange(len(p)), p, verbose=0, return_dict=True)
    expected = exact(p, softmax(z.astype("float64")))
    assert found["kl_divergence"] == pytest.approx(expected, rel=1e-6)


def test_keras_own_metric_clips_where_ours_does_not(keras):
    p, q = [[0.5, 0.5]], [[1e-30, 1.0]]
    own = keras.metrics.KLDivergence()
    own.update_state(p, q)
    assert float(own.result()) < 8
    metric = metrics.keras.KLDivergence(from_logits=False)
    metric.update_state(p, q)
    assert float(metric.result()) == pytest.approx(exact(p, q), rel=1e-6)


# --- loading -----------------------------------------------------------------------------------


def test_importing_the_metrics_imports_no_framework():
    names = {"keras", "torch", "jax"}
    code = f"import sys; from kl_lib import metrics; print({names} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "set()"


@pytest.mark.parametrize(
    ("name", "remedy"), [("keras", 'pip install "kl-lib[keras]"'), ("torch", "pip install torch")]
)
def test_a_missing_framework_is_named_with_its_remedy_in_one_line(name, remedy, monkeypatch):
    monkeypatch.setitem(sys.modules, name, None)
    monkeypatch.delitem(sys.modules, f"kl_lib.metrics.{name}", raising=False)
    monkeypatch.delitem(vars(metrics), name, raising=False)
    with pytest.raises(ImportError) as caught:
        getattr(metrics, name)
    message = str(caught.value)
    assert message.startswith(f"kl_lib.metrics.{name} needs {name}")
    assert message.endswith(remedy)
    assert "\n" not in message


def test_a_name_that_is_not_there_is_an_attribute_error():
    with pytest.raises(AttributeError, match="no attribute 'mxnet'"):
        metrics.mxnet  # noqa: B018
