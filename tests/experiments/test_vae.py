"""The experiment `vae`: its terms against closed forms and quadrature, its objectives, its runs."""

import json
import subprocess
import sys

import numpy as np
import pytest
from scipy import integrate, special, stats

import kl_lib as kl
from kl_lib.experiments import (
    ConfigError,
    DataError,
    RecordError,
    Vae,
    binarised,
    book_results,
    find_experiment,
    importance_weighted,
    load_images,
    read_records,
)
from kl_lib.experiments.vae.config import VARIANTS

# Networks, in a process of their own: the number of threads can be set once in each.

PROGRAM = r"""
import json, sys, tempfile
import numpy as np
from kl_lib.experiments.machinery.backend import start_quietly
start_quietly("tensorflow", 1)
import keras
from kl_lib.experiments import Vae, load_images, run
from kl_lib.experiments.vae import measuring, network, training
from kl_lib.experiments.vae.network import Networks
plain = lambda value: np.asarray(value, np.float64).tolist()
answer = {}

random = np.random.default_rng(0)
q, p = random.normal(size=(2, 2, 5)).astype("float32")
answer["normals"] = [plain(q), plain(p)]
answer["kl"] = plain(network.kl_normal(*q, *p))
answer["log density"] = plain(network.log_normal(q[0], *p))
x = (random.random((3, 7)) < 0.5).astype("float32")
logits = 3 * random.normal(size=(3, 7)).astype("float32")
answer["pixels"] = [plain(x), plain(logits), plain(network.bernoulli_nll(x, logits))]

# One latent: the likelihood of an image is an integral over a line.
images = (random.random((4, 6)) < 0.5).astype("float32")
small = Networks(6, 5, 1, 0, seed=3)
found = measuring.terms(small.model(4000), images, 4000)
line = np.linspace(-9, 9, 4001, dtype="float32")[:, None]
answer["line"] = [plain(line[:, 0]), plain(small.decode(line)), plain(images)]
answer["bound"] = measuring.importance_weighted(found["log_weight"])
answer["small elbo"] = float(found["log_weight"].mean())

# Two layers: the mean of the sampled log-ratio is the sum of the two KL terms.
both = Networks(6, 6, 3, 2, seed=4)
found = measuring.terms(both.model(5000), images, 5000)
kls = found["kl"].sum(-1) + found["kl_top"].sum(-1)
ratio = -found["log_weight"] - found["nll"][:, None]
answer["two layers"] = [plain(kls), plain(found["nll"]), plain(found["log_weight"].mean(1)),
                        plain(found["log_weight"].std(1)), list(found["kl_top"].shape)]

# The loss, on terms that are given.
terms = {"nll": np.array([1.0, 3.0], "float32"),
         "kl": np.array([[0.1, 1.0], [0.3, 2.0]], "float32"),
         "kl_top": np.array([[0.5], [0.7]], "float32")}
for floor in (0.0, 0.25):
    model = training.trainable(both.model(), floor)
    model.beta.assign(0.5)
    answer[f"loss {floor}"] = float(model.compute_loss(y_pred=terms))

digits = load_images("digits")
def config(**choices):
    return Vae(dataset="digits", data_sha256=digits.sha256, seed=0, epochs=3, hidden=16, latents=4,
               top_latents=2, images=20, samples=10, **choices)

def stop(number, **numbers):
    if number == 2:
        raise KeyboardInterrupt

def times(record):
    values = record.result | record.history
    return {name: value for name, value in values.items()
            if name not in ("seconds", "peak_memory")}

for variant in ("elbo", "two_layers"):
    with tempfile.TemporaryDirectory() as one, tempfile.TemporaryDirectory() as other:
        whole = run(one, config(variant=variant), digits)
        try:
            run(other, config(variant=variant), digits, progress=stop)
        except KeyboardInterrupt:
            answer[f"stopped {variant}"] = True
        begun = []
        again = run(other, config(variant=variant), digits, begun=begun.append)
        answer[f"{variant} goes on"] = [begun, times(whole) == times(again)]
        answer[variant] = times(whole)
print(json.dumps(answer))
"""


@pytest.fixture(scope="module")
def networks():
    pytest.importorskip("keras")
    pytest.importorskip("tensorflow")
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM], capture_output=True, text=True, timeout=600
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


@pytest.mark.thorough
def test_the_kl_term_is_that_of_the_library(networks):
    (mean, log_variance), (mean_p, log_variance_p) = np.array(networks["normals"])
    exact = kl.kl_normal(mean, np.exp(log_variance / 2), mean_p, np.exp(log_variance_p / 2))
    np.testing.assert_allclose(networks["kl"], exact, rtol=1e-5)
    density = stats.norm(mean_p, np.exp(log_variance_p / 2)).logpdf(mean)
    np.testing.assert_allclose(networks["log density"], density, rtol=1e-5)


@pytest.mark.thorough
def test_the_pixels_are_bernoulli(networks):
    x, logits, nll = map(np.array, networks["pixels"])
    exact = -stats.bernoulli(special.expit(logits)).logpmf(x).sum(axis=1)
    np.testing.assert_allclose(nll, exact, rtol=1e-5)


@pytest.mark.thorough
def test_the_bound_comes_close_to_the_likelihood_and_the_elbo_stays_below(networks):
    z, probabilities, images = map(np.array, networks["line"])
    pixels = stats.bernoulli(probabilities[:, None, :]).pmf(images[None]).prod(axis=-1)
    likelihood = integrate.simpson(pixels * stats.norm.pdf(z)[:, None], x=z, axis=0)
    exact = np.log(likelihood).mean()
    assert networks["bound"] == pytest.approx(exact, abs=0.01)
    assert networks["small elbo"] < exact - 0.01


@pytest.mark.thorough
def test_with_two_layers_the_sampled_ratio_averages_to_the_sum_of_two_kl_terms(networks):
    kls, nll, elbo, spread, shape = networks["two layers"]
    assert shape == [4, 2]
    error = np.array(spread) / np.sqrt(5000)
    assert np.all(np.array(kls) > 0.01)
    assert np.all(np.abs(-np.array(nll) - kls - elbo) < 5 * error)


@pytest.mark.thorough
def test_the_loss_is_nll_and_beta_times_each_kl_above_its_floor(networks):
    assert networks["loss 0.0"] == pytest.approx(2 + 0.5 * (0.2 + 1.5 + 0.6), rel=1e-6)
    assert networks["loss 0.25"] == pytest.approx(2 + 0.5 * (0.25 + 1.5 + 0.6), rel=1e-6)


@pytest.mark.thorough
@pytest.mark.parametrize("variant", ["elbo", "two_layers"])
def test_a_run_that_was_stopped_ends_as_if_it_had_not_been(networks, variant):
    assert networks[f"stopped {variant}"]
    assert networks[f"{variant} goes on"] == [[2], True]


@pytest.mark.thorough
@pytest.mark.parametrize("variant", ["elbo", "two_layers"])
def test_the_elbo_of_a_record_is_the_sum_of_its_terms(networks, variant):
    found = networks[variant]
    kls = [value for name, value in found.items() if name in ("test_kl", "test_kl_top")]
    assert len(kls) == (2 if variant == "two_layers" else 1)
    assert found["test_elbo"] == pytest.approx(-found["test_nll"] - sum(kls), rel=1e-9)
    assert sum(found["kl_of_dimension"]) == pytest.approx(found["test_kl"], rel=1e-9)
    assert found["part_elbo"] <= found["part_bound"]
    assert found["nll"][-1] < found["nll"][0]


# Objectives


@pytest.mark.parametrize(
    ("variant", "betas"),
    [
        ("elbo", [1, 1]),
        ("free_bits", [1, 1]),
        ("mean_kl", [0.1, 0.1]),
        ("annealed", [1 / 3, 2 / 3]),
    ],
)
def test_beta_is_that_of_the_arm(variant, betas):
    config = Vae(variant=variant, latents=10, warm_up=2, seed=0, data_sha256="0" * 64)
    assert [config.beta(epoch) for epoch in (1, 2)] == pytest.approx(betas)
    assert config.beta(3) == (0.1 if variant == "mean_kl" else 1)


def test_the_experiment_is_known_by_its_name():
    assert find_experiment("vae").experiment is Vae
    assert Vae.usual["variant"] == VARIANTS


# The bound


def test_the_bound_of_weights_is_the_log_of_their_mean():
    weights = np.random.default_rng(0).normal(size=(5, 30)) * 20
    exact = (special.logsumexp(weights, axis=1) - np.log(30)).mean()
    assert importance_weighted(weights) == pytest.approx(exact, rel=1e-12)


def test_weights_of_the_posterior_give_the_likelihood_with_any_number_of_samples():
    w, s, x = 2.0, 0.5, 1.5
    posterior = stats.norm(w * x / (w**2 + s**2), s / np.sqrt(w**2 + s**2))
    z = posterior.rvs(size=(1, 3), random_state=0)
    weights = stats.norm.logpdf(x, w * z, s) + stats.norm.logpdf(z) - posterior.logpdf(z)
    exact = stats.norm.logpdf(x, 0, np.sqrt(w**2 + s**2))
    assert importance_weighted(weights) == pytest.approx(exact, rel=1e-12)
    assert importance_weighted(weights[:, :1]) == pytest.approx(exact, rel=1e-12)


# The images


def test_a_pixel_is_drawn_with_the_probability_of_its_grey_value():
    grey = np.repeat(np.array([[0], [51], [128], [255]], np.uint8), 20_000, axis=1)
    drawn = binarised(grey, np.random.default_rng(5))
    assert set(np.unique(drawn)) == {0.0, 1.0}
    exact = np.array([0, 51, 128, 255]) / 255
    error = np.sqrt(exact * (1 - exact) / grey.shape[1])
    assert np.all(np.abs(drawn.mean(axis=1) - exact) <= 4 * error)


def test_the_digits_are_grey_for_training_and_drawn_for_testing():
    pytest.importorskip("sklearn")
    data = load_images("digits")
    assert data["x_train"].shape == (1437, 64)
    assert data["x_test"].shape == (360, 64)
    assert set(np.unique(data["x_test"])) == {0, 1}
    assert data["x_train"].max() == 255
    assert load_images("digits").sha256 == data.sha256


@pytest.fixture
def images(tmp_path):
    def written(**arrays):
        path = tmp_path / "images.npz"
        np.savez(path, **arrays)
        return path

    return written


def test_a_file_has_images_of_any_size(images):
    grey = np.arange(2 * 3 * 4, dtype=np.uint8).reshape(2, 3, 4)
    data = load_images("mnist", images(x_train=grey, x_test=grey[:1], y_train=[0, 1]))
    np.testing.assert_array_equal(data["x_train"], grey.reshape(2, 12))
    assert data["x_test"].shape == (1, 12)


@pytest.mark.parametrize(
    ("arrays", "message"),
    [
        ({"x_train": np.zeros((2, 3, 4), np.uint8)}, "lacks 'x_test is not a file"),
        ({"x_train": np.zeros((2, 3, 4)), "x_test": np.zeros((2, 3, 4))}, "x_train is float64"),
        ({"x_train": np.zeros((2, 3), np.uint8), "x_test": np.zeros((2, 3), np.uint8)}, "uint8 "),
    ],
)
def test_a_file_of_something_else_is_refused(images, arrays, message):
    with pytest.raises(DataError, match=message):
        load_images("mnist", images(**arrays))


def test_a_single_array_is_refused(tmp_path):
    np.save(tmp_path / "one.npy", np.zeros(3))
    with pytest.raises(DataError, match="holds a single array"):
        load_images("mnist", tmp_path / "one.npy")


def test_the_digits_take_no_file(tmp_path):
    with pytest.raises(DataError, match="leave it out"):
        load_images("digits", tmp_path / "any.npz")


# The records of the book


@pytest.fixture(scope="module")
def records():
    return read_records(book_results(), "vae")


def test_the_records_of_the_book_are_of_one_protocol(records):
    choices = {
        tuple(sorted((k, v) for k, v in r.config.as_dict().items() if k not in ("variant", "seed")))
        for r in records
    }
    assert len(choices) == 1
    assert {r.config.arm for r in records} == set(VARIANTS)


def test_a_record_whose_bound_is_below_its_elbo_is_refused(records):
    record = records[0]
    config = Vae.from_dict(record.config.as_dict())
    assert list(config.contradictions(record)) == []
    record.result["part_bound"] = record.result["part_elbo"] - 1
    assert "below the ELBO" in "".join(config.contradictions(record))
    del record.result["part_bound"], record.history["nll"]
    problems = " ".join(config.contradictions(record))
    assert "lacks part_bound" in problems
    assert "no nll for each" in problems


def test_a_config_of_other_data_is_refused():
    pytest.importorskip("keras")
    from kl_lib.experiments.vae.training import train

    config = Vae(variant="elbo", seed=0, data_sha256="0" * 64)
    with pytest.raises(ConfigError, match="make the config from these data"):
        train(config, load_images("digits"), lambda *_, **__: None, None)


def test_pictures_that_were_not_kept_are_named(records, tmp_path):
    from kl_lib.experiments.vae.pictures import collect_pictures

    with pytest.raises(RecordError, match="--keep-model"):
        collect_pictures(tmp_path, [r for r in records if not r.kept][:1])
