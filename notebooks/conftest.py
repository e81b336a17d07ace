"""How nbval compares the notebooks of this folder: `pytest --nbval --nbval-current-env notebooks`.

nbval runs every cell again. This file makes the comparison stricter where nbval looks away
(figures, order) and sensible where it is too strict (last digits): see `compare.py`. It also runs
the cells as `execute.py` does, and skips, by name, a notebook whose packages this platform does not
have and, of a whole folder without THOROUGH=1, those that train longest.
"""

from __future__ import annotations

import os
import platform
import subprocess
import tempfile
from collections.abc import Generator
from pathlib import Path
from typing import Any

import pytest
from compare import exceptions_for, outputs_difference
from execute import KERNEL_ARGUMENTS, kernel_environment, missing_packages
from nbval.kernel import CURRENT_ENV_KERNEL_NAME, NbvalKernelspecManager, RunningKernel
from nbval.plugin import IPyNbCell, IPyNbFile

#: They train networks for a quarter of a minute or more.
DEAREST = {
    *("07_keras_kl_loss", "08_keras_cifar10", "09_drift"),
    *("13_soft_labels", "15_vae_elbo", "16_trust_region"),
}


class Kernel(RunningKernel):
    """A kernel with the arguments and the environment that `execute.py` gives it."""

    def __init__(self, folder: str, settings: str, startup_timeout: float) -> None:
        from jupyter_client.manager import KernelManager

        self.km = KernelManager(
            kernel_name=CURRENT_ENV_KERNEL_NAME, kernel_spec_manager=NbvalKernelspecManager()
        )
        self.km.start_kernel(
            extra_arguments=KERNEL_ARGUMENTS,
            env=kernel_environment(settings),
            cwd=folder,
            stderr=subprocess.DEVNULL,
        )
        self.kc = self.km.client()
        self.kc.start_channels()
        self.kc.wait_for_ready(timeout=startup_timeout)
        self._ensure_iopub_up()

    def execute_cell_input(self, cell_input: str, allow_stdin: bool | None = None) -> str:
        # With history, as in Jupyter Lab: otherwise a trailing semicolon is not honoured.
        return self.kc.execute(
            cell_input, store_history=True, allow_stdin=allow_stdin, stop_on_error=False
        )


class Cell(IPyNbCell):
    def compare_outputs(self, test: Any, ref: Any, skip_compare: Any = None) -> bool:
        difference = outputs_difference(self.sanitize_outputs(ref), self.sanitize_outputs(test))
        self.comparison_traceback = [difference or ""]
        return difference is None

    def sanitize(self, s: Any) -> Any:
        for pattern in self.parent.exceptions.get(self.cell_num, []):
            if isinstance(s, str):
                s = pattern.sub("(not compared)", s)
        return s

    def runtest(self) -> None:
        super().runtest()
        # nbval passes a cell that was never run, and one that is meant to fail and does not.
        if self.cell.execution_count is None and self.cell.source.strip():
            self.raise_cell_error("The stored cell was never run: python notebooks/execute.py")

    def setup(self) -> None:
        if reason := self.parent.not_run():
            pytest.skip(reason)
        super().setup()


class Notebook(IPyNbFile):
    def setup(self) -> None:
        self.exceptions = exceptions_for(self.path.stem)
        self.settings = tempfile.TemporaryDirectory()
        if not self.not_run():
            self.kernel = Kernel(
                str(self.path.parent),
                self.settings.name,
                self.config.option.nbval_kernel_startup_timeout,
            )

    def not_run(self) -> str | None:
        """Why the cells are skipped, if they are."""
        if missing := missing_packages(self.nb):
            here = f"{platform.system()} {platform.machine()}"
            return f"needs {', '.join(missing)}, which is not installed here ({here})"
        named = any(
            argument.split("::")[0].endswith(self.path.name) for argument in self.config.args
        )
        if self.path.stem in DEAREST and not named and "THOROUGH" not in os.environ:
            return "takes long: name the notebook or set THOROUGH=1, as .ci/run does"
        return None

    def teardown(self) -> None:
        super().teardown()
        self.settings.cleanup()

    def collect(self) -> Generator[Cell]:
        for number, cell in enumerate(super().collect(), start=1):  # as the reader counts them
            yield Cell.from_parent(
                self, name=f"cell {number}", cell_num=number, cell=cell.cell, options=cell.options
            )


@pytest.hookimpl(wrapper=True)
def pytest_collect_file(file_path: Path, parent: Any) -> Generator[None, list, list]:
    """Put our notebooks in the place of nbval's."""
    collected = yield
    return [
        Notebook.from_parent(parent, path=file_path) if type(item) is IPyNbFile else item
        for item in collected
    ]
