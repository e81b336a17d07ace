"""What a run was measured on: enough to explain a difference, no names of people or places."""

from __future__ import annotations

import contextlib
import functools
import os
import platform
import subprocess
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

PACKAGES = ("kl-lib", "numpy")
# What decides how matrices are multiplied. Two processors of one name may differ in it, in a cloud.
INSTRUCTIONS = ("avx2", "avx512f", "avx512_bf16", "avx512_fp16", "amx_bf16", "asimd", "sve", "bf16")
# More are a slip of the finger, which the system answers with a crash or never.
MOST_THREADS = 1024
# Where libraries look for the number of their threads when they start.
THREADS = (
    *(f"{name}_NUM_THREADS" for name in ("OMP", "OPENBLAS", "MKL", "NUMEXPR")),
    *(f"TF_NUM_{name}_THREADS" for name in ("INTRAOP", "INTEROP")),
)


def describe_machine() -> dict[str, Any]:
    """Describe machine, versions and source code of this process.

    Returns
    -------
    dict
        ``python``, ``packages``, ``platform``, ``cpu``, ``instruction_set`` (what of it decides
        how matrices are multiplied; None where the system does not list it), ``cores``,
        ``git_commit`` and ``git_dirty`` (both None if kl_lib does not run from its repository).
    """
    commit, dirty = git_state()
    return {
        "python": platform.python_version(),
        "packages": {name: package_version(name) for name in PACKAGES},
        "platform": f"{platform.system()} {platform.machine()}",
        "cpu": cpu_model(),
        "instruction_set": instruction_set(),
        "cores": usable_cores(),
        "git_commit": commit,
        "git_dirty": dirty,
    }


def limit_threads(threads: int) -> None:
    """Give this process so many threads for the sums of NumPy, SciPy and what loads later."""
    os.environ.update(dict.fromkeys(THREADS, str(threads)))
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
    with contextlib.suppress(ModuleNotFoundError):  # it comes with scikit-learn
        from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]

        threadpool_limits(threads)


def reset_peak_memory() -> None:
    """Let `peak_memory` forget what was before, where the system can (Linux)."""
    with contextlib.suppress(OSError):
        Path("/proc/self/clear_refs").write_text("5", encoding="ascii")


def peak_memory() -> int:
    """Return the most memory that this process has had, in bytes; 0 if the system does not say."""
    with contextlib.suppress(OSError, StopIteration):
        lines = Path("/proc/self/status").read_text(encoding="ascii", errors="replace").splitlines()
        [_, kilobytes, _] = next(line for line in lines if line.startswith("VmHWM")).split()
        return 1024 * int(kilobytes)
    try:
        import resource
    except ModuleNotFoundError:
        return 0
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if platform.system() == "Darwin" else 1024 * peak


def package_version(package: str) -> str | None:
    """Return the version of an installed package; None if it is not installed."""
    try:
        return version(package)
    except PackageNotFoundError:
        return None


def usable_cores() -> int:
    """Return how many cores this process may use, which may be less than what the machine has."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def cpu_model() -> str:
    """Return what the processor calls itself, or else its architecture."""
    try:
        if platform.system() == "Darwin":
            return _output("sysctl", "-n", "machdep.cpu.brand_string")
        for line in Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    except (OSError, subprocess.SubprocessError):
        pass
    return platform.processor() or platform.machine()


def instruction_set() -> list[str] | None:
    """Return which of `INSTRUCTIONS` the processor has; None where the system does not list them.

    They choose between ways to compute, and may change the last bits of a result.
    """
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        return None
    for line in lines:
        name, _, flags = line.partition(":")
        if name.strip() in ("flags", "Features"):  # on x86, on ARM
            return [name for name in INSTRUCTIONS if name in flags.split()]
    return None


@functools.cache  # The code is that of the moment it was loaded, whatever is committed after.
def git_state() -> tuple[str | None, bool | None]:
    """Return the commit that kl_lib runs from and whether its files were changed since.

    Both are None if it does not run from its repository.
    """
    package = Path(__file__).resolve().parents[2]
    git = ("git", "-C", str(package))
    try:
        # Fails unless this very file is tracked: a virtual environment may lie in somebody else's
        # repository, whose commit says nothing about kl_lib.
        _output(*git, "ls-files", "--error-unmatch", str(Path(__file__).resolve()))
        return _output(*git, "rev-parse", "HEAD"), bool(_output(*git, "status", "--porcelain", "."))
    except (OSError, subprocess.SubprocessError):
        return None, None


def _output(*command: str) -> str:
    done = subprocess.run(command, check=True, capture_output=True, text=True, timeout=30)
    return done.stdout.strip()
