"""How runs of one seed part: at the first step, from step to step, and where a gradient is dead.

All runs of one study share a seed and differ in one thing from the reference, cross-entropy: in the
loss, or in a disturbance of the initial kernels by 1e-7 (the null arm). One more has another seed.
It shows how far two runs are apart that have nothing in common but data and network.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING, Any

from ....printing import plain_text
from ...machinery.checkpoint import Checkpoint
from ...machinery.choices import ConfigError
from ...machinery.runs import describe_environment
from ..config import LOSSES, NULL_DISTURBANCE, Config
from ..data import Data
from .measures import Apart, Wrong, apart, sure_and_wrong
from .tables import tables
from .tracing import Counts, Trace, trace
from .vectors import norm

if TYPE_CHECKING:
    from rich.console import Console, ConsoleOptions, RenderResult

#: What is compared with the reference, if nothing else is asked for.
ARMS = ("null", "kl", "kl_logits", "other seed")


@dataclass(frozen=True, kw_only=True)
class Drift:
    """What `study_drift` found. Print it for tables.

    Attributes
    ----------
    config : Config
        The reference.
    data : dict
        The images it was measured on.
    environment : dict
        The machine and the versions it was measured with.
    steps : tuple of int
        After how many updates the runs were looked at, from 0.
    travelled : tuple of float
        How far the reference is from its own initial weights, at each look.
    first_loss : float
        Loss of the first batch in nats, of the reference.
    first_gradient : float
        Length of its gradient.
    arms : dict
        How far each arm is from the reference, an Apart under its name.
    counts : dict
        Counts of each arm, and of the reference under the name of its loss.
    wrong : dict
        What each loss does on this backend where the network is sure and wrong.
    """

    config: Config
    data: dict[str, Any]
    environment: dict[str, Any]
    steps: tuple[int, ...]
    travelled: tuple[float, ...]
    first_loss: float
    first_gradient: float
    arms: dict[str, Apart]
    counts: dict[str, Counts]
    wrong: dict[str, Wrong]

    def __str__(self) -> str:
        return plain_text(self)

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        yield from tables(self)


def study_drift(
    config: Config,
    data: Data,
    *,
    arms: Sequence[str] = ARMS,
    on_epoch: Callable[[str, int, float], None] | None = None,
    checkpoints: Mapping[str, Checkpoint] | None = None,
) -> Drift:
    """Trace one run for each arm, and measure how far it is from the reference at each look.

    Parameters
    ----------
    config : Config
        The reference: any loss, no disturbance.
    data : Data
        The arrays that ``config.data_sha256`` was taken of.
    arms : sequence of str
        ``"null"``, the reference with initial kernels disturbed by 1e-7; ``"other seed"``, the
        reference with the next seed; or the name of another loss.
    on_epoch : callable, optional
        Called with the name of an arm, the number of an epoch, from 1, and its seconds, when one is
        done, and at the start with those of a checkpoint.
    checkpoints : mapping, optional
        Where to go on from and where to save each epoch, by the ids of the configs that
        `arm_configs` gives. :func:`~kl_lib.experiments.run_drift` sees to that.

    Returns
    -------
    Drift

    Raises
    ------
    ConfigError
        If the config is disturbed, or there is no such arm; and as `train`.

    Examples
    --------
    Five short runs::

        from kl_lib.experiments import Config, load_data, study_drift

        digits = load_data("digits")
        config = Config(dataset="digits", data_sha256=digits.sha256, loss="ce", seed=0, epochs=5)
        print(study_drift(config, digits))
    """
    configs = arm_configs(config, arms)
    environment = describe_environment(config)
    kept = checkpoints or {}

    def traced(name: str) -> Trace:
        heard = None if on_epoch is None else partial(on_epoch, name)
        return trace(configs[name], data, on_epoch=heard, checkpoint=kept.get(configs[name].id))

    reference = traced(config.loss)
    found: dict[str, Apart] = {}
    counts = {config.loss: reference.counts}
    for name in arms:
        arm = traced(name)
        found[name] = apart(arm, reference)
        counts[name] = arm.counts
    return Drift(
        config=config,
        data={
            "description": data.description,
            "sha256": data.sha256,
            "training_images": reference.images,
            "probe_images": len(reference.predictions[0]),
        },
        environment=environment,
        steps=reference.steps,
        travelled=tuple(norm(w - reference.weights[0]) for w in reference.weights),
        first_loss=reference.first_loss,
        first_gradient=norm(reference.first_gradient),
        arms=found,
        counts=counts,
        wrong={loss: sure_and_wrong(loss, config.backend) for loss in LOSSES},
    )


def arm_configs(reference: Config, arms: Sequence[str] = ARMS) -> dict[str, Config]:
    """Return the configs of a study: the reference under the name of its loss, then each arm.

    Raises
    ------
    ConfigError
        If the reference is disturbed, or there is no such arm.
    """
    if reference.disturbance:
        raise ConfigError(
            f"disturbance is {reference.disturbance:g}, expected 0: this is to be the reference"
        )
    return {reference.loss: reference} | {name: _arm_config(reference, name) for name in arms}


def _arm_config(reference: Config, name: str) -> Config:
    if name == "null":
        return replace(reference, disturbance=NULL_DISTURBANCE)
    if name == "other seed":
        return replace(reference, seed=reference.seed + 1)
    if name == reference.loss or name not in LOSSES:
        others = [loss for loss in LOSSES if loss != reference.loss]
        raise ConfigError(
            f"arm is {name!r}, expected one of: null, other seed, {', '.join(others)}"
        )
    return replace(reference, loss=name)
