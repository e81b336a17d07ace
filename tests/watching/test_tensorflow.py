"""Keras, tf_keras and TensorFlow Probability: seen inside the graph, and nothing else changes."""

import math
import pickle
import warnings

import numpy as np
import pytest
from kl_calls import KL, LOGITS, P, Q, assert_a_gpu_gives_the_same, watched

import kl_lib as kl
from kl_lib.watching import WatchError, WatchWarning

tf = pytest.importorskip("tensorflow")
keras = pytest.importorskip("keras")
if keras.backend.backend() != "tensorflow":
    pytest.skip("Keras has another backend", allow_module_level=True)

RANDOM = np.random.default_rng(0)
IMAGES = RANDOM.normal(size=(64, 6, 6, 1)).astype(np.float32)
LABELS = RANDOM.dirichlet(np.ones(3), 64).astype(np.float32)

pytestmark = pytest.mark.thorough


def network(end="softmax", **how):
    keras.utils.set_random_seed(3)
    layers = keras.layers
    model = keras.Sequential(
        [
            keras.Input((6, 6, 1)),
            layers.Conv2D(4, 3, activation="relu"),
            layers.Dropout(0.3),
            layers.Flatten(),
            layers.Dense(3, activation=end),
        ]
    )
    model.compile("adam", loss=keras.losses.KLDivergence(), **how)
    return model


def train(model, epochs=2):
    history = model.fit(IMAGES, LABELS, batch_size=16, epochs=epochs, verbose=0)
    return history.history["loss"], model.get_weights()


def same(one, other):
    return one[0] == other[0] and all(map(np.array_equal, one[1], other[1]))


def test_a_training_is_seen_step_by_step_and_is_the_same_to_the_last_bit():
    plain = train(network())
    with kl.watch("raise", first=2, every=5) as seen:
        inside = train(network())
    assert same(plain, inside)
    [site] = seen.sites
    assert site.call == "keras.losses.kl_divergence"
    assert site.file == __file__
    assert (site.calls, site.looked_at) == (8, 3)  # steps 1, 2 and 7
    assert site.codes == ()
    assert site.rows == 16
    # Keras clips and rounds in float32; the other is exact for the same arguments.
    assert math.isclose(site.gave, site.kl, rel_tol=1e-3)
    assert seen.unseen == ()


def test_the_mean_over_a_seen_batch_is_the_loss_that_keras_reports():
    with kl.watch("record") as seen:
        model = network()
        loss = model.train_on_batch(IMAGES[:16], LABELS[:16])
    assert math.isclose(seen.sites[0].gave, float(loss), rel_tol=1e-6)


def test_logits_are_found_in_a_training():
    with kl.watch("record") as seen:
        train(network(None), 1)
    [site] = seen.sites
    assert 301 in site.codes
    assert "softmax" in site.findings[0].remedy


def test_in_a_graph_raising_waits_for_the_end_of_the_block():
    went_on = []

    def program():
        with kl.watch("raise"):
            went_on.append(train(network(None), 1))

    with pytest.raises(WatchError, match="KLD301") as error:
        program()
    assert len(went_on) == 1
    assert 301 in error.value.site.codes


def test_what_xla_compiles_is_named_and_trains_as_before():
    plain = train(network(jit_compile=True))
    with kl.watch("raise") as seen:
        inside = train(network(jit_compile=True))
    assert same(plain, inside)
    assert seen.sites == ()
    [unseen] = seen.unseen
    assert (unseen.call, unseen.why) == ("keras.losses.kl_divergence", "compiled by XLA")
    assert unseen.file == __file__


def test_a_model_that_was_traced_before_is_named_if_it_runs():
    model, idle = network(), network()
    train(model, 1)
    train(idle, 1)
    with kl.watch("record") as seen:
        pass
    assert seen.unseen == ()
    with kl.watch("record") as seen:
        train(model, 1)
    assert seen.sites == ()
    assert [(x.why, x.file) for x in seen.unseen] == [("traced before the block", __file__)]


def test_a_model_that_was_traced_in_a_block_is_seen_in_the_next():
    model = network(None)
    with kl.watch("record"):
        train(model, 1)
    with kl.watch("record") as seen:
        train(model, 1)
    [site] = seen.sites
    assert (site.calls, site.looked_at) == (4, 3)
    assert seen.unseen == ()
    losses, _ = train(model, 1)  # outside the observer is asleep
    assert seen.sites[0].calls == 4
    assert len(losses) == 1


def test_run_eagerly_is_seen_too():
    with kl.watch("record") as seen:
        train(network(run_eagerly=True), 1)
    assert seen.sites[0].calls == 4


def test_the_functions_themselves():
    site, value = watched(lambda: keras.losses.kl_divergence(P, Q))
    assert site.codes == ()
    assert math.isclose(float(np.mean(value)), KL, rel_tol=1e-6)
    assert watched(lambda: keras.losses.KLDivergence()(P, LOGITS))[0].codes[0] == 301
    assert watched(lambda: keras.losses.kl_divergence(P.T, Q.T))[0].codes[0] == 303
    labels = np.arange(8)[:, None] % 5
    assert watched(lambda: keras.losses.kl_divergence(labels, Q))[0].codes[0] == 304
    assert watched(lambda: keras.losses.kl_divergence([[1, 0.0]], [[0, 1.0]]))[0].codes == (309,)


def test_a_metric_is_seen():
    metric = keras.metrics.KLDivergence()
    site, _ = watched(lambda: metric.update_state(P, Q))
    assert site.codes == ()


def test_a_loss_is_pickled_inside_a_block():
    with kl.watch():
        function = pickle.loads(pickle.dumps(keras.losses.kl_divergence))
    assert function is keras.losses.kl_divergence


def test_a_gradient_in_a_function_of_one_s_own_stays_and_autograph_s_lines_are_the_program_s():
    def step(z):
        if tf.reduce_sum(z) > 1e9:
            z = z + 1
        with tf.GradientTape() as tape:
            tape.watch(z)
            loss = tf.reduce_mean(keras.losses.kl_divergence(target, tf.nn.softmax(z)))
        return loss, tape.gradient(loss, z)

    target = tf.constant(P, tf.float32)
    z = tf.constant(LOGITS, tf.float32)
    plain = tf.function(step)(z)
    with kl.watch("record") as seen:
        inside = tf.function(step)(z)
    assert all(np.array_equal(a, b) for a, b in zip(plain, inside, strict=True))
    [site] = seen.sites
    assert site.file == __file__
    assert site.line == step.__code__.co_firstlineno + 5
    assert math.isclose(site.kl, KL, rel_tol=1e-5)


def test_random_numbers_drawn_after_the_loss_are_the_same():
    def step():
        loss = keras.losses.kl_divergence(tf.constant(P), tf.constant(Q))
        return loss, tf.random.normal((3,))

    tf.random.set_seed(1)
    plain = tf.function(step)()
    tf.random.set_seed(1)
    with kl.watch("record") as seen:
        inside = tf.function(step)()
    assert seen.sites[0].calls == 1
    assert all(np.array_equal(a, b) for a, b in zip(plain, inside, strict=True))


def test_a_batch_of_unknown_size_and_many_categories_is_cut():
    @tf.function(input_signature=[tf.TensorSpec((None, 3000)), tf.TensorSpec((None, 3000))])
    def loss(p, q):
        return keras.losses.kl_divergence(p, q)

    p, q = (RANDOM.dirichlet(np.ones(3000), 50).astype(np.float32) for _ in range(2))
    with kl.watch("record") as seen:
        values = loss(p, q).numpy()
    [site] = seen.sites
    assert site.rows == 2**16 // 3000
    p, q = p.astype(float), q.astype(float)
    exact = (p * np.log(p / q)).sum(axis=-1)[: site.rows].mean()
    assert math.isclose(site.kl, exact, rel_tol=1e-3)
    assert math.isclose(site.gave, float(values.mean()), rel_tol=1e-5)


def test_what_fails_in_a_look_stops_no_graph(monkeypatch):
    def broken(*_):
        raise RuntimeError("not thought of")

    monkeypatch.setattr("kl_lib.watching.judging.of_arrays", broken)
    with kl.watch("raise") as seen:
        train(network(), 1)
    assert "RuntimeError: not thought of" in seen.unseen[0].why


def test_a_warning_made_an_error_waits_for_the_end_of_the_block():
    went_on = []

    def program():
        with kl.watch("warn"):
            went_on.append(train(network(None), 1))

    with warnings.catch_warnings():
        warnings.simplefilter("error", WatchWarning)
        with pytest.raises(WatchWarning, match="KLD301"):
            program()
    assert len(went_on) == 1


def test_from_a_gpu_all_comes_over_at_once_as_from_memory(monkeypatch):
    values = [tf.constant(P), tf.constant(np.float32(LOGITS)), tf.random.uniform((300, 400))]
    assert_a_gpu_gives_the_same(monkeypatch, values)


# tf_keras and TensorFlow Probability


def test_tf_keras_is_seen_in_a_training():
    tf_keras = pytest.importorskip("tf_keras")

    def build():
        tf_keras.utils.set_random_seed(3)
        layers = [tf_keras.layers.Flatten(), tf_keras.layers.Dense(3)]
        model = tf_keras.Sequential(layers)
        model.compile("sgd", loss="kld")
        return model

    plain = train(build(), 1)
    with kl.watch("record") as seen:
        inside = train(build(), 1)
    assert same(plain, inside)
    [site] = seen.sites
    assert (site.call, site.calls) == ("tf_keras.losses.kl_divergence", 4)
    assert site.codes[0] == 301


def test_tfp_gives_the_closed_form_and_nan_is_found():
    tfd = pytest.importorskip("tensorflow_probability").distributions
    site, _ = watched(lambda: tfd.kl_divergence(tfd.Normal(0.0, 1.0), tfd.Normal([1.0, 2.0], 1.0)))
    assert site.codes == ()
    assert (site.gave, site.kl) == (1.25, 1.25)  # (1/2 + 2) / 2
    site, _ = watched(lambda: tfd.Normal(0.0, 1.0).kl_divergence(tfd.Normal(1.0, -1.0)))
    assert site.codes == (312,)


def test_tfp_batches_that_are_broadcast_by_accident_are_found_in_a_graph():
    tfd = pytest.importorskip("tensorflow_probability").distributions

    @tf.function
    def total(loc):
        return tfd.kl_divergence(tfd.Normal(loc, 1.0), tfd.Normal([[0.0], [1.0]], 1.0))

    with kl.watch("record") as seen:
        total(tf.constant([1.0, 2.0, 3.0]))
    assert seen.sites[0].codes == (304,)
