"""JAX: optax and Keras on it; a gradient is seen through, what is compiled is named."""

import math

import numpy as np
import pytest
from kl_calls import KL, LOGITS, P, watched

import kl_lib as kl

jax = pytest.importorskip("jax")
optax = pytest.importorskip("optax")


def loss(logits, target):
    return optax.kl_divergence(jax.nn.log_softmax(logits), target).mean()


def wrong(logits, target):
    return optax.kl_divergence(jax.nn.softmax(logits), target).mean()


def test_log_predictions_are_clean_and_probabilities_found():
    site, value = watched(loss, LOGITS, P)
    assert site.codes == ()
    assert math.isclose(float(value), KL, rel_tol=1e-5)
    assert math.isclose(site.kl, KL, rel_tol=1e-5)
    assert watched(wrong, LOGITS, P)[0].codes[0] == 101


def test_values_under_a_gradient_are_seen_and_the_gradient_stays():
    plain = jax.value_and_grad(loss)(LOGITS, P)
    with kl.watch("record") as seen:
        inside = jax.value_and_grad(loss)(LOGITS, P)
    assert all(np.array_equal(a, b) for a, b in zip(plain, inside, strict=True))
    [site] = seen.sites
    assert math.isclose(site.kl, KL, rel_tol=1e-5)


@pytest.mark.parametrize("transform", [jax.jit, lambda f: jax.vmap(f), jax.make_jaxpr])
def test_what_jax_traces_is_named(transform):
    with kl.watch("raise") as seen:
        transform(lambda z, p: loss(z, p))(LOGITS, P)  # a new one, which no cache knows
    assert seen.sites == ()
    [unseen] = seen.unseen
    assert (unseen.call, unseen.why) == ("optax.kl_divergence", "traced by JAX")


def test_kl_lib_s_own_loss_is_seen():
    from kl_lib.losses.jax import kl_loss

    site, _ = watched(kl_loss, P, LOGITS)
    assert (site.call, site.codes) == ("kl_lib.losses.jax.kl_loss", ())
    assert math.isclose(site.kl, KL, rel_tol=1e-5)
    assert watched(kl_loss, P, jax.nn.softmax(LOGITS))[0].codes == (106,)


def test_under_disable_jit_it_is_seen():
    """As the remedy says."""
    with kl.watch("record") as seen, jax.disable_jit():
        jax.jit(loss)(LOGITS, P)
    assert seen.sites[0].codes == ()


@pytest.mark.parametrize("own", [False, True])
def test_keras_on_jax_is_named_before_and_inside_and_seen_when_run_eagerly(own):
    keras = pytest.importorskip("keras")
    if keras.backend.backend() != "jax":
        pytest.skip("Keras has another backend")
    random = np.random.default_rng(0)
    x, y = random.normal(size=(32, 4)), random.dirichlet(np.ones(3), 32)

    def train(model):
        return model.fit(x, y, batch_size=8, verbose=0).history["loss"], model.get_weights()

    def network(**how):
        keras.utils.set_random_seed(3)
        end = None if own else "softmax"
        model = keras.Sequential([keras.Input((4,)), keras.layers.Dense(3, end)])
        model.compile("adam", loss=loss, **how)
        return model

    loss, name = keras.losses.KLDivergence(), "keras.losses.kl_divergence"
    if own:
        from kl_lib.losses.keras import KLFromLogits

        loss, name = KLFromLogits(), "kl_lib.losses.keras.kl_loss"
    before = network()
    plain = train(before)
    with kl.watch("record") as seen:
        inside = train(network())
    assert plain[0] == inside[0]
    assert all(map(np.array_equal, plain[1], inside[1]))
    assert {(x.call, x.why) for x in seen.unseen} == {(name, "traced by JAX")}
    with kl.watch("record") as seen:
        train(before)
    assert [(x.call, x.why) for x in seen.unseen] == [(name, "traced by JAX")]
    assert seen.unseen[0].file == __file__
    with kl.watch("record") as seen:
        train(network(run_eagerly=True))
    assert seen.sites[0].calls == 4
    assert seen.sites[0].codes == ()
