"""Gluon's KLDivLoss: its two kinds of input, its batch axis, and hybridized networks."""

import math

import numpy as np
import pytest
from kl_calls import KL, LOGITS, P, Q, assert_a_gpu_gives_the_same, watched

import kl_lib as kl
from kl_lib import frameworks

if not frameworks.mxnet.available():
    pytest.skip("mxnet is not installed", allow_module_level=True)
frameworks.mxnet.kl_divergence([0.5, 0.5], [0.5, 0.5])  # loads it
import mxnet as mx  # noqa: E402

LOSS = mx.gluon.loss.KLDivLoss
BODY = mx.gluon.Block.__call__


def nd(values):
    return mx.nd.array(values)


def test_log_probabilities_are_clean_with_the_value_of_kl():
    site, values = watched(lambda: LOSS()(nd(np.log(Q)), nd(P)))
    assert site.codes == ()
    assert math.isclose(site.kl, KL, rel_tol=1e-5)
    assert np.array_equal(values.asnumpy(), LOSS()(nd(np.log(Q)), nd(P)).asnumpy())


@pytest.mark.parametrize(
    ("code", "pred", "label", "options"),
    [
        (101, Q, P, {}),
        (301, LOGITS, P, {}),
        (102, np.log(Q), np.log(P), {}),
        (104, Q, np.log(P), {}),
        (106, Q, P, {"from_logits": False}),
        (115, np.log(Q).T, P.T, {}),
    ],
)
def test_each_mistake_is_found(code, pred, label, options):
    site, _ = watched(lambda: LOSS(**options)(nd(pred), nd(label)))
    assert site.codes[0] == code


@pytest.mark.parametrize(
    ("pred", "label", "options"),
    [(LOGITS, P, {"from_logits": False}), (np.log(Q).T, P.T, {"batch_axis": 1})],
)
def test_other_right_calls_are_clean(pred, label, options):
    site, _ = watched(lambda: LOSS(**options)(nd(pred), nd(label)))
    assert site.codes == ()
    assert math.isclose(site.kl, KL, rel_tol=1e-5)


def test_a_loss_made_and_hybridized_before_the_block_is_seen():
    loss = LOSS()
    loss.hybridize()
    loss(nd(np.log(Q)), nd(P))
    assert watched(lambda: loss(nd(Q), nd(P)))[0].codes[0] == 101


def test_a_gradient_stays():
    def gradient():
        z = nd(LOGITS)
        z.attach_grad()
        with mx.autograd.record():
            loss = LOSS()(mx.nd.log_softmax(z), nd(P))
        loss.backward()
        return z.grad.asnumpy()

    plain = gradient()
    with kl.watch("raise") as seen:
        inside = gradient()
    assert np.array_equal(plain, inside)
    assert seen.sites[0].calls == 1


def test_from_a_gpu_all_comes_over_at_once_as_from_memory(monkeypatch):
    values = [nd(P), nd(LOGITS).astype("float64"), mx.nd.random.uniform(shape=(300, 400))]
    assert_a_gpu_gives_the_same(monkeypatch, values)


def test_the_class_is_given_back_as_it_was():
    with kl.watch():
        assert "__call__" in vars(LOSS)
    assert "__call__" not in vars(LOSS)
    assert mx.gluon.Block.__call__ is BODY
