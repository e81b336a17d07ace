"""The package as it is installed: light to import, one environment, one version everywhere."""

import re
import subprocess
import sys
import tomllib
from pathlib import Path

import numpy as np
import pytest
import yaml
from packaging.markers import Marker
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

import kl_lib as kl

ROOT = Path(__file__).parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
LOCK = (ROOT / "requirements.lock").read_text()
CONDA = yaml.safe_load((ROOT / "environment.yml").read_text())


def python(code):
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return done.stdout.strip()


def test_importing_kl_lib_loads_numpy_and_nothing_heavier():
    loaded = {
        name.split(".")[0] for name in python("import kl_lib, sys; print(*sys.modules)").split()
    }
    bare = {name.split(".")[0] for name in python("import numpy, sys; print(*sys.modules)").split()}
    assert loaded - bare - set(sys.stdlib_module_names) == {"kl_lib"}


def test_importing_kl_lib_adds_less_than_a_third_to_importing_numpy():
    """Counted in modules' own import times in one process, best of three, not on the wall clock."""

    def share():
        done = subprocess.run(
            [sys.executable, "-X", "importtime", "-c", "import kl_lib"],
            capture_output=True, text=True, check=True,
        )  # fmt: skip
        total = {
            name.strip(): int(cumulative)
            for cumulative, name in re.findall(
                r"\|\s*(\d+) \| ( *(?:numpy|kl_lib))$", done.stderr, re.M
            )
        }
        return total["kl_lib"] / total["numpy"]

    assert min(share() for _ in range(3)) < 1.3


def test_the_public_names_are_there_and_documented_with_an_example():
    for name in kl.__all__:
        thing = getattr(kl, name)
        assert thing.__doc__
        if name not in {"DistributionError", "get_num_threads", "set_num_threads"}:
            for part in ("Parameters", "Returns", "Raises", "Examples", ">>> "):
                assert part in thing.__doc__, f"{name} lacks {part}"


def test_the_version_is_the_same_everywhere():
    assert kl.__version__ == PROJECT["version"]
    citation = yaml.safe_load((ROOT / "CITATION.cff").read_text())
    assert citation["version"] == kl.__version__


# One environment, written down three times


def locked(text=LOCK):
    """Name → (version, marker) of each pin in the lock file."""
    found = {}
    for line in text.splitlines():
        if match := re.match(r"^([A-Za-z0-9._-]+)==(\S+)(?: ; ([^\\]+))? \\$", line):
            found[canonicalize_name(match[1])] = match[2], Marker(match[3]) if match[3] else None
    return found


def requirements():
    """Every requirement of the project, its extras unfolded."""
    extras = PROJECT["optional-dependencies"]
    listed = [*PROJECT["dependencies"], *(line for lines in extras.values() for line in lines)]
    parsed = [Requirement(line) for line in listed]
    return [r for r in parsed if r.name != PROJECT["name"]]


def test_the_lock_file_pins_every_requirement_inside_its_range():
    pins = locked()
    assert len(pins) > 100
    for requirement in requirements():
        version, _ = pins[canonicalize_name(requirement.name)]
        assert requirement.specifier.contains(version, prereleases=True), (
            f"{requirement}: {version}"
        )


def test_every_pin_has_hashes_and_no_index_is_named():
    blocks = re.split(r"\n(?=[a-z0-9])", LOCK)
    assert all("--hash=sha256:" in block for block in blocks if "==" in block)
    assert "://" not in LOCK
    assert "--index" not in LOCK
    assert "--find-links" not in LOCK


@pytest.mark.parametrize("python_version", ["3.11", "3.12"])
@pytest.mark.parametrize(
    ("system", "machine", "has_mxnet"),
    [("linux", "x86_64", True), ("linux", "aarch64", False), ("darwin", "arm64", False)],
)
def test_the_lock_file_serves_this_platform(python_version, system, machine, has_mxnet):
    place = {
        "python_version": python_version,
        "python_full_version": f"{python_version}.0",
        "sys_platform": system,
        "platform_machine": machine,
    }
    chosen = {n for n, (_, marker) in locked().items() if marker is None or marker.evaluate(place)}
    assert {"numpy", "tensorflow", "tensorflow-probability", "matplotlib", "jupyter-book"} <= chosen
    assert ("mxnet" in chosen) == has_mxnet


def conda_requirements(environment):
    """What environment.yml installs through pip, and what it takes from conda."""
    [pip] = [entry["pip"] for entry in environment["dependencies"] if isinstance(entry, dict)]
    return pip, [entry for entry in environment["dependencies"] if isinstance(entry, str)]


def test_conda_users_get_the_versions_of_the_lock_file():
    pip, conda = conda_requirements(CONDA)
    assert pip == ["--requirement requirements.lock"]
    assert sorted(entry.split("=")[0] for entry in conda) == ["pip", "python"]
    [version] = [entry.split("=")[1] for entry in conda if entry.startswith("python=")]
    assert version in {"3.11", "3.12"}


def test_numpy_is_the_version_that_is_locked():
    """The tests run in the environment the lock file describes (mxnet's numpy aside elsewhere)."""
    assert np.__version__ == locked()["numpy"][0]
