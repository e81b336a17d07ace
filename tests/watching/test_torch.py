"""PyTorch: kl_div however it was imported, KLDivLoss, distributions; gradients to the last bit."""

import copy
import math
import pickle
import warnings

import numpy as np
import pytest
from kl_calls import KL, LOGITS, P, Q, watched

import kl_lib as kl
from kl_lib.watching import WatchWarning

torch = pytest.importorskip("torch")
import torch.nn.functional as F  # noqa: E402, N812
from torch import nn  # noqa: E402
from torch.nn.functional import kl_div  # noqa: E402

p, q, z = (torch.tensor(x, dtype=torch.float32) for x in (P, Q, LOGITS))
LOSS = nn.KLDivLoss(reduction="batchmean")
MEAN = {"reduction": "batchmean"}


@pytest.fixture(autouse=True)
def quiet():
    """PyTorch warns of the mean itself."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "reduction: 'mean'")
        warnings.filterwarnings("ignore", "size_average and reduce args")
        yield


@pytest.mark.parametrize(
    "call",
    [
        lambda: kl_div(q.log(), p, **MEAN),
        lambda: F.kl_div(q.log(), p, **MEAN),
        lambda: LOSS(q.log(), p),
        lambda: kl_div(q.log(), p.log(), log_target=True, **MEAN),
        lambda: kl_div(q.log(), p, reduction="sum") / 8,
        lambda: kl_div(q.log(), p, reduction="none").sum(-1).mean(),
        lambda: kl_div(q.log(), p, size_average=False, reduce=False).sum(-1).mean(),
    ],
)
def test_right_calls_are_clean_with_the_value_of_kl(call):
    site, value = watched(call)
    assert site.mistakes == ()
    assert math.isclose(value.item(), KL, rel_tol=1e-5)
    assert math.isclose(site.kl, KL, rel_tol=1e-5)
    assert torch.equal(value, call())


@pytest.mark.parametrize(
    ("code", "call"),
    [
        (101, lambda: kl_div(q, p, **MEAN)),
        (102, lambda: kl_div(q.log(), p.log(), **MEAN)),
        (103, lambda: kl_div(q.log(), p, log_target=True, **MEAN)),
        (104, lambda: kl_div(q, p.log(), **MEAN)),
        (107, lambda: kl_div(F.logsigmoid(z), torch.sigmoid(z + 1), reduction="none")),
        (111, lambda: kl_div(q.log(), p)),
        (111, lambda: nn.KLDivLoss()(q.log(), p)),
        (115, lambda: kl_div(q.log().T, p.T, **MEAN)),
        (115, lambda: kl_div(q[0].log(), p[0], **MEAN)),
        (151, lambda: kl_div(q.log(), p, size_average=False)),
        (301, lambda: kl_div(z, p, **MEAN)),
        (302, lambda: kl_div(q.log(), 1 + 3 * p, **MEAN)),
        (303, lambda: kl_div(z.log_softmax(0), p, **MEAN)),
        (304, lambda: kl_div(q.log(), p[:, None], reduction="sum")),
        (304, lambda: kl_div(q[0].log(), p, **MEAN)),
        (305, lambda: kl_div(q.log(), p.clone().requires_grad_(), **MEAN)),
        (313, lambda: kl_div(torch.tensor([[0.0, 1.0]]).log(), torch.tensor([[0.5, 0.5]]), **MEAN)),
        (312, lambda: kl_div(torch.tensor([[0.0, 1.0]]).log(), torch.tensor([[0.0, 1.0]]), **MEAN)),
    ],
)
def test_each_mistake_is_found(code, call):
    site, _ = watched(call)
    assert code in site.codes


def test_under_no_grad_no_gradient_goes_into_the_target():
    target = p.clone().requires_grad_()
    with torch.no_grad():
        site, _ = watched(lambda: kl_div(q.log(), target, **MEAN))
    assert site.codes == ()


def network():
    torch.manual_seed(1)
    return nn.Sequential(nn.Linear(6, 16), nn.ReLU(), nn.Dropout(0.3), nn.Linear(16, 5))


def trained(steps=12):
    model = network()
    optimizer = torch.optim.Adam(model.parameters(), lr=0.01)
    generator = torch.Generator().manual_seed(0)
    losses = []
    for _ in range(steps):
        x = torch.randn(8, 6, generator=generator)
        optimizer.zero_grad()
        loss = LOSS(model(x).log_softmax(-1), p)
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    return losses, [x.detach().clone() for x in model.parameters()]


def test_a_training_is_the_same_to_the_last_bit():
    losses, weights = trained()
    with kl.watch("raise", first=2, every=3) as seen:
        inside, weights_inside = trained()
    assert losses == inside
    assert all(map(torch.equal, weights, weights_inside))
    [site] = seen.sites
    assert (site.calls, site.looked_at) == (12, 5)
    assert math.isclose(site.kl, losses[0], rel_tol=1) or site.kl > 0


def test_distributions_against_the_closed_form():
    normal = torch.distributions.Normal
    call = lambda: torch.distributions.kl_divergence(normal(0.0, 1.0), normal(z[0], 1.0))  # noqa: E731
    site, value = watched(call)
    assert site.codes == ()
    assert torch.equal(value, call())
    assert math.isclose(site.kl, float((z[0] ** 2 / 2).mean()), rel_tol=1e-5)
    assert str(site).endswith("the mean of 5 pairs of distributions")
    row, column = normal(torch.zeros(3), 1.0), normal(torch.zeros(2, 1), 1.0)
    site, _ = watched(lambda: torch.distributions.kl_divergence(row, column))
    assert site.codes == (304,)


def test_kl_lib_s_own_loss_is_seen_by_its_module_too():
    from kl_lib.losses.torch import KLFromLogits, kl_loss

    site, value = watched(lambda: KLFromLogits()(p, z))
    assert (site.call, site.file, site.codes) == ("kl_lib.losses.torch.kl_loss", __file__, ())
    assert math.isclose(value.item(), KL, rel_tol=1e-5)
    assert math.isclose(site.kl, KL, rel_tol=1e-5)
    assert watched(lambda: kl_loss(p.T, z.T, axis=0))[0].codes == ()
    assert watched(lambda: kl_loss(p, q))[0].codes == (106,)
    assert watched(lambda: kl_loss(z, p))[0].codes == (104,)


def test_labels_which_kl_lib_puts_in_order_are_named():
    from kl_lib.losses.torch import kl_loss

    rows = {"a": [0.5, 0.1], "b": [0.5, 0.9]}, {"b": [0.4, 0.2], "a": [0.6, 0.8]}
    with kl.watch("raise") as seen:
        kl_loss(*rows)
    assert seen.sites == ()
    assert seen.unseen[0].why == "of values with labels, which it puts in one order"


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float64])
def test_other_precisions_are_clean(dtype):
    inputs = z.to(dtype).log_softmax(-1)
    site, _ = watched(lambda: kl_div(inputs, p.to(dtype), **MEAN))
    assert site.codes == ()


def test_a_large_batch_is_cut_and_its_categories_are_not():
    logits = torch.randn(2, 7, 300, 400, generator=torch.Generator().manual_seed(2))
    site, _ = watched(lambda: kl_div(logits.log_softmax(1), logits.flip(0).softmax(1), **MEAN))
    assert site.codes == ()
    site, _ = watched(lambda: kl_div(logits.softmax(1), logits.flip(0).softmax(1), **MEAN))
    assert site.codes[0] == 101


# What has no values


@pytest.mark.parametrize(
    ("why", "call"),
    [
        ("transformed by torch.func", lambda: torch.func.vmap(lambda a, b: kl_div(a, b, **MEAN))(
            q.log(), p)),
        ("on the device meta", lambda: kl_div(q.to("meta"), p.to("meta"), **MEAN)),
        ("a Own of PyTorch's", lambda: kl_div(q.as_subclass(Own), p.as_subclass(Own), **MEAN)),
    ],
)  # fmt: skip
def test_what_has_no_values_is_named(why, call):
    with kl.watch("raise") as seen:
        call()
    assert seen.sites == ()
    assert why in seen.unseen[0].why
    assert seen.unseen[0].file == __file__


class Own(torch.Tensor):
    pass


def test_a_trace_of_torch_jit_gets_no_operation_of_ours():
    def loss(a, b):
        return kl_div(a, b, reduction="sum")

    plain = str(torch.jit.trace(loss, (q.log(), p)).graph)
    with kl.watch("record"):
        inside = str(torch.jit.trace(loss, (q.log(), p), check_trace=False).graph)
    assert inside.count("aten::") == plain.count("aten::")


def test_a_script_made_in_a_block_computes_the_same():
    with kl.watch("raise"):
        script = torch.jit.script(nn.KLDivLoss(reduction="batchmean"))
    assert torch.equal(script(q.log(), p), LOSS(q.log(), p))


@pytest.mark.parametrize("whole", [False, True])
def test_what_torch_compile_has_made_before_or_inside_computes_the_same(whole):
    def loss(a, b):
        return kl_div(a, b, **MEAN) * 2

    before = torch.compile(loss, backend="eager", fullgraph=whole)
    plain = before(q.log(), p)
    with kl.watch("raise"):
        inside = torch.compile(lambda a, b: loss(a, b), backend="eager", fullgraph=whole)
        assert torch.equal(before(q.log(), p), plain)
        assert torch.equal(inside(q.log(), p), plain)
    assert torch.equal(before(q.log(), p), plain)


def test_what_torch_compile_takes_apart_is_named_once_at_its_line_also_if_made_before():
    def loss(a, b):
        return kl_div(a, b, **MEAN) * 2

    before = torch.compile(loss, backend="aot_eager")
    before(q.log(), p)
    with kl.watch("raise") as seen:
        before(q.log(), p)
    assert seen.sites == ()
    [unseen] = seen.unseen
    assert (unseen.why, unseen.file) == ("compiled by torch.compile", __file__)


# The block


def test_modules_and_functions_are_pickled_and_copied_inside():
    with kl.watch():
        loss = pickle.loads(pickle.dumps(LOSS))
        assert pickle.loads(pickle.dumps(kl_div)) is kl_div
        copied = copy.deepcopy(nn.Sequential(nn.LogSoftmax(-1)))
    assert torch.equal(loss(q.log(), p), LOSS(q.log(), p))
    assert copied is not None


def test_a_warning_of_pytorch_s_own_still_comes():
    warnings.simplefilter("always")
    with pytest.warns(UserWarning, match="reduction: 'mean' divides"), kl.watch("record"):
        kl_div(q.log(), p)


def test_a_mistake_is_warned_of_at_its_line():
    with pytest.warns(WatchWarning, match="KLD101") as caught, kl.watch():
        kl_div(q, p, **MEAN)
    assert caught[0].filename == __file__


def test_an_exception_of_pytorch_goes_through():
    with pytest.raises(RuntimeError), kl.watch():
        kl_div(q.log(), torch.ones(3, 4), **MEAN)
    assert np.isfinite(kl_div(q.log(), p, **MEAN).item())
