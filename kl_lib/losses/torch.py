"""KL(p‖softmax(logits)) for PyTorch: a function of tensors, and the same as a module.

What value and gradient are in the hard cases stands in `kl_lib.losses`. The target comes first,
unlike in `torch.nn.functional.kl_div`, whose ``reduction="mean"`` divides by the number of all
elements: no reduction here does.
"""

from __future__ import annotations

from typing import Any

from kl_lib import checks

from . import _formula

try:
    import torch
except ImportError as error:
    raise ImportError("kl_lib.losses.torch needs torch: pip install torch") from error

__all__ = ["KLFromLogits", "kl_loss"]

#: What a message about p may advise here. Lists and integers are fine as arguments, so a remedy
#: must take them too.
_ADVICE = checks.Advice(
    normalize="pass torch.as_tensor({name}) / torch.as_tensor({name}).sum({axis}, keepdim=True)",
    logits="pass torch.as_tensor({name}).double().softmax({axis})",
    yes="pass torch.stack([1 - torch.as_tensor({name}), torch.as_tensor({name})], -1)",
    column="pass torch.cat([1 - torch.as_tensor({name}), torch.as_tensor({name})], {axis})",
)


def kl_loss(
    p: Any,
    logits: Any,
    *,
    axis: int = -1,
    weights: Any = None,
    reduction: str = "none",
    validate: bool = False,
) -> torch.Tensor:
    """KL(p‖softmax(logits)) in nats, one value for each row.

    Parameters
    ----------
    p
        Target distributions, shape (..., categories). May require a gradient too.
    logits
        Logits or log-probabilities, **not** probabilities, shape (..., categories); −inf masks a
        category. An axis of length 1 in one of the two is shared.
    axis
        The axis that holds the categories.
    weights
        One for each row, shape (...); a length of 1 is shared. Weight 0 leaves a row out, even one
        whose loss is inf.
    reduction
        What to do with the weighted losses w·KL: ``"none"``, leave them; ``"sum"``, add them;
        ``"mean_over_samples"``, divide their sum by how many there are; ``"mean_over_weights"``,
        by the sum of the weights. No rows, or weights that sum to 0, give 0.
    validate
        Check first that p holds distributions, that logits holds no nan and no row of −inf alone,
        and that no weight is negative. On a GPU that waits for the values.

    Returns
    -------
    tensor
        Nats, shape (...), or a scalar if reduced. float64 for float64 logits, otherwise float32.

    Raises
    ------
    DistributionError
        If p and logits do not pair up; with `validate`, if a value is wrong.
    ValueError
        For a `reduction` of another name, or weights that do not fit.

    Notes
    -----
    With the mean over samples, how hard a sample pulls does not depend on which others share its
    batch, so the batches of an epoch add up to the weighted sum over the data. The mean over
    weights is a weighted mean of KL, in nats, whatever the scale of the weights. (PyTorch's own
    cross-entropy with class weights does the second for class numbers and the first for
    probabilities.)

    For distillation at temperature T, pass ``logits / T`` and multiply by T².

    References
    ----------
    Kullback and Leibler, "On Information and Sufficiency", 1951.

    Examples
    --------
    >>> import torch
    >>> from kl_lib.losses.torch import kl_loss
    >>> p = torch.full((1, 4), 0.25)
    >>> logits = torch.tensor([[0.0, 1.0, 200.0, -200.0]], requires_grad=True)
    >>> loss = kl_loss(p, logits, reduction="mean_over_samples")
    >>> loss.backward()
    >>> print(round(loss.item(), 3), logits.grad)
    198.364 tensor([[-0.2500, -0.2500,  0.7500, -0.2500]])

    A masked category:

    >>> kl_loss([0.5, 0.5, 0.0], [3.0, 3.0, float("-inf")])
    tensor(0.)
    """
    _formula.check_reduction(reduction)
    p, logits, weights = _formula.align(p, logits, weights, axis)
    p, logits = torch.as_tensor(p), torch.as_tensor(logits)
    axis = _formula.check_shapes(p.shape, logits.shape, axis)
    if weights is not None:
        weights = torch.as_tensor(weights)
    if validate:
        _formula.check_values(
            p.detach(),
            logits.detach(),
            None if weights is None else weights.detach().cpu(),
            axis=axis,
            advice=_ADVICE,
        )
    dtype = torch.float64 if logits.dtype == torch.float64 else torch.float32
    values = _formula.kl_of_each_row(
        torch,
        p.to(dtype),
        logits.to(dtype),
        axis=axis,
        dtype="float64" if dtype == torch.float64 else "float32",
        largest=lambda z: torch.amax(z, dim=axis, keepdim=True),
        stop=torch.Tensor.detach,
    )
    if weights is not None:
        weights = weights.to(dtype)
        _formula.check_weights_shape(weights.shape, values.shape)
    return _formula.reduced(torch, values, weights, reduction)


class KLFromLogits(torch.nn.Module):
    """KL(p‖softmax(logits)) as a module, for code that keeps its loss in an object.

    Called with **p first and logits second**, as `kl_loss` and every function of kl_lib, and
    unlike PyTorch's own losses, which take the prediction first. Probabilities in the place of
    logits, or the two exchanged, raise nothing: the shapes are the same.

    Parameters
    ----------
    axis
        The axis that holds the categories: the last, where PyTorch's cross-entropy takes axis 1.
    reduction
        As for `kl_loss`, but the default divides by the number of samples.
    validate
        Check the values in each call, as `kl_loss` does.

    Raises
    ------
    ValueError
        For a `reduction` of another name, when the module is made.

    Examples
    --------
    >>> import torch
    >>> from kl_lib.losses.torch import KLFromLogits
    >>> loss_of = KLFromLogits(reduction="mean_over_weights")
    >>> loss_of
    KLFromLogits(axis=-1, reduction='mean_over_weights')
    >>> p, logits = torch.tensor([[1.0, 0.0], [0.5, 0.5]]), torch.tensor([[0.0, 20.0], [3.0, 3.0]])
    >>> loss_of(p, logits, weights=torch.tensor([1.0, 3.0]))
    tensor(5.)
    """

    def __init__(
        self, *, axis: int = -1, reduction: str = "mean_over_samples", validate: bool = False
    ) -> None:
        _formula.check_reduction(reduction)
        super().__init__()
        self.axis, self.reduction, self.validate = axis, reduction, validate

    def forward(self, p: Any, logits: Any, weights: Any = None) -> torch.Tensor:
        """The loss of p against logits; `weights` are one for each row, as for `kl_loss`."""
        return kl_loss(
            p,
            logits,
            axis=self.axis,
            weights=weights,
            reduction=self.reduction,
            validate=self.validate,
        )

    def extra_repr(self) -> str:
        """What stands between the brackets when the module is printed."""
        said = f"axis={self.axis}, reduction={self.reduction!r}"
        return f"{said}, validate=True" if self.validate else said
