"""The mean of KL(p‖q) over batches of tensors, with the methods that torchmetrics has."""

from __future__ import annotations

import math
from typing import Any

from kl_lib.losses import _formula

try:
    import torch
except ImportError as error:
    raise ImportError("kl_lib.metrics.torch needs torch: pip install torch") from error

from kl_lib.losses.torch import _ADVICE, kl_loss

__all__ = ["KLDivergence"]


class KLDivergence:
    """The mean of KL(p‖q) in nats over all rows so far.

    `torchmetrics.KLDivergence` takes p first, too, and q as probabilities, or both as logarithms
    with ``log_prob=True``. It divides both by their sums unseen; here sums are checked.

    Parameters
    ----------
    from_logits
        True if q comes as logits or log-probabilities, False if it comes as probabilities. It has
        to be said: one taken for the other may be a number that looks right.
    axis
        The axis that holds the categories.
    validate
        Check the values of each batch, as `kl_lib.losses.torch.kl_loss` does. On a GPU that waits
        for them; with False, rows of probabilities are divided by their sums.

    Notes
    -----
    The two sums are kept on the device of the last batch, in float64 (on the CPU for a device
    that has none), and hold no graph. The value of a batch that a call gives does: gradients pass
    through it. `torchmetrics` itself adds up the sums of several processes; here each process has
    its own metric, and `merge_state` adds them.

    Examples
    --------
    >>> import torch
    >>> from kl_lib.metrics.torch import KLDivergence
    >>> mean_kl = KLDivergence(from_logits=False)
    >>> mean_kl.update(torch.tensor([[1.0, 0.0], [0.5, 0.5]]), torch.full((2, 2), 0.5))
    >>> mean_kl.update(torch.tensor([[0.0, 1.0]]), torch.tensor([[0.75, 0.25]]))
    >>> print(round(mean_kl.compute().item(), 4))  # (log 2 + 0 + log 4) / 3
    0.6931
    >>> mean_kl.reset()
    >>> mean_kl.compute()
    tensor(nan, dtype=torch.float64)
    """

    def __init__(self, *, from_logits: bool, axis: int = -1, validate: bool = True) -> None:
        self.from_logits, self.axis, self.validate = from_logits, axis, validate
        self.reset()

    def reset(self) -> None:
        """Forget all rows."""
        self.total = torch.zeros((), dtype=torch.float64)
        self.weight = torch.zeros((), dtype=torch.float64)

    def update(self, p: Any, q: Any, weights: Any = None) -> None:
        """Add the rows of a batch.

        Parameters
        ----------
        p
            Target distributions, shape (..., categories).
        q
            Predictions: logits or probabilities, as `from_logits` says, of the same shape. An axis
            of length 1 in one of the two is shared.
        weights
            One for each row, shape (...); a length of 1 is shared. Weight 0 leaves a row out.

        Raises
        ------
        DistributionError
            If p and q do not pair up; with `validate`, if a value is wrong.
        ValueError
            For weights that do not fit.
        """
        with torch.no_grad():
            self._add(*self._sums(p, q, weights))

    def __call__(self, p: Any, q: Any, weights: Any = None) -> torch.Tensor:
        """Add the rows of a batch and return the mean over this batch alone."""
        total, weight = self._sums(p, q, weights)
        self._add(total.detach(), weight.detach())
        return total / weight

    def compute(self) -> torch.Tensor:
        """The mean over all rows so far, a float64 scalar; nan if their weights sum to 0."""
        return self.total / self.weight

    def merge_state(self, other: KLDivergence) -> None:
        """Add the rows that another metric has seen, from another process, say.

        Raises
        ------
        TypeError
            If `other` is something else.
        """
        if not isinstance(other, KLDivergence):
            raise TypeError(f"other is {other!r}; pass a KLDivergence of kl_lib.metrics.torch")
        self._add(other.total, other.weight)

    def __repr__(self) -> str:
        return f"KLDivergence(from_logits={self.from_logits}, axis={self.axis})"

    def _add(self, total: torch.Tensor, weight: torch.Tensor) -> None:
        self.total = self.total.to(total.device) + total
        self.weight = self.weight.to(weight.device) + weight

    def _sums(self, p: Any, q: Any, weights: Any) -> tuple[torch.Tensor, torch.Tensor]:
        """Σ w·KL and Σ w of a batch, in float64."""
        missing = -math.inf if self.from_logits else 0.0
        p, q, weights = _formula.align(p, q, weights, self.axis, "q", missing)
        p, q = torch.as_tensor(p), torch.as_tensor(q)
        weights = None if weights is None else torch.as_tensor(weights)
        axis = _formula.check_shapes(p.shape, q.shape, self.axis, "q")
        if self.validate:
            _formula.check_values(
                p.detach(),
                q.detach(),
                None if weights is None else weights.detach().cpu(),
                axis=axis,
                advice=_ADVICE,
                name="q",
                from_logits=self.from_logits,
            )
        if not self.from_logits:
            q = torch.log(q if q.dtype == torch.float64 else q.float())
        values = kl_loss(p, q, axis=axis)
        # Apple's devices have no float64.
        values = (values.cpu() if values.device.type == "mps" else values).double()
        if weights is None:
            weights = torch.ones_like(values)
        weights = weights.to(values)
        _formula.check_weights_shape(weights.shape, values.shape)
        total = _formula.reduced(torch, values, weights, "sum")
        return total, (weights * torch.ones_like(values)).sum()
