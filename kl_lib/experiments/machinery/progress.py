"""Progress of a run or a sweep, in words and as bars on a terminal."""

from __future__ import annotations

import math
import statistics
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeRemainingColumn

from ...printing import progress_bar
from .experiment import Experiment
from .status import Status
from .words import duration

# Seconds after which a sweep says what it waits for, and where it is if no terminal shows that.
PATIENCE, MINUTE = 3.0, 60.0


def step_line(step: int, steps: int, numbers: dict[str, float]) -> str:
    """Write what a run says of a step; what begins with ``val_`` is of the validation.

    Examples
    --------
    >>> step_line(2, 10, {"loss": 0.5, "val_loss": 0.6, "val_accuracy": 0.75})
    'epoch  2/10  loss 0.5000  validation: loss 0.6000  accuracy 0.750'
    """
    training = [_number(name, v) for name, v in numbers.items() if not name.startswith("val_")]
    validation = [
        _number(name.removeprefix("val_"), v)
        for name, v in numbers.items()
        if name.startswith("val_")
    ]
    if validation:
        validation[0] = f"validation: {validation[0]}"
    return "  ".join([f"epoch {step:{len(str(steps))}}/{steps}", *training, *validation])


@contextmanager
def steps_shown(steps: int) -> Iterator[Callable[..., None]]:
    """Show a line for each step, with the time left, and on a terminal a bar below them.

    Yields a function to be called with the number of each step, its line and its seconds; without
    them they are those since the one before. Steps that were done before, of a checkpoint, are
    `old`: they say nothing of the pace.
    """
    console = Console(highlight=False, markup=False)
    taken: list[float] = []
    before = time.perf_counter()
    columns = TextColumn("training"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn()
    with progress_bar(console, *columns) as bar:
        task = bar.add_task("training", total=steps)

        def show(step: int, line: str, seconds: float | None = None, *, old: bool = False) -> None:
            nonlocal before
            now = time.perf_counter()
            if old:
                console.print(f"{line}  done before", soft_wrap=True)
            else:
                taken.append(now - before if seconds is None else seconds)
                # The median, because the first epoch also builds the graph.
                left = duration(statistics.median(taken) * (steps - step))
                console.print(f"{line}  {taken[-1]:.1f} s, {left} left", soft_wrap=True)
            before = now
            bar.update(task, completed=step)

        yield show


@contextmanager
def sweep_shown() -> Iterator[Callable[[Status], None]]:
    """Show a line for each run that ends, and what is waited for.

    On a terminal there is a bar for the whole sweep, and elsewhere a line a minute.
    """
    console = Console(highlight=False, markup=False)
    known: set[str] | None = None
    spoken = time.monotonic()
    awaited: tuple[str | None, float] = None, spoken
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        TextColumn("{task.completed} of {task.total} epochs, {task.fields[left]}"),
    )
    with progress_bar(console, *columns) as bar:
        task = bar.add_task("starting", total=None, left="", visible=False)

        def show(status: Status) -> None:
            nonlocal known, spoken, awaited
            now = time.monotonic()
            runs = f"{len(status.finished)} of {len(status.configs)} runs"
            seconds = status.seconds_left
            left = "time left unknown" if seconds is None else f"{duration(seconds)} left"
            bar.update(
                task,
                description=f"{runs}, {len(status.running)} in progress",
                completed=status.epochs_done,
                total=status.epochs,
                left=left,
                visible=True,
            )
            ended = {*status.finished, *status.failed}
            if known is None:  # the first call comes before anything is done
                known = ended
                if ended:
                    console.print(f"{runs} are finished already")
            for config in status.configs:
                if config.id in ended - known:
                    console.print(f"{_ended(status, config)}  ({runs}, {left})", soft_wrap=True)
                    spoken = now
            known = ended
            if status.waits_for != awaited[0]:
                awaited = status.waits_for, now
            elif status.waits_for and now - awaited[1] >= PATIENCE:
                console.print(f"Waiting for {status.waits_for}", soft_wrap=True)
                awaited, spoken = (status.waits_for, math.inf), now
            if not console.is_terminal and now - spoken >= MINUTE:
                epochs = f"{status.epochs_done} of {status.epochs} epochs"
                console.print(f"{epochs}, {runs}, {len(status.running)} in progress, {left}")
                spoken = now

        yield show


def _ended(status: Status, config: Experiment) -> str:
    run = f"{config.arm}, seed {config.seed}: "
    if config.id in status.failed:
        return f"{run}failed, {status.failed[config.id]}"
    return run + config.outcome(status.finished[config.id])


def _number(name: str, value: float) -> str:
    return f"{name} {value:.{3 if name.endswith('accuracy') else 4}f}"
