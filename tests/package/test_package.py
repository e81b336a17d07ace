"""The package as it is installed: light to import, one environment, one version everywhere."""

import ast
import graphlib
import os
import re
import shutil
import subprocess
import sys
import tomllib
import zipfile
from importlib.metadata import packages_distributions
from pathlib import Path

import numpy as np
import pytest
import yaml
from packaging.markers import Marker
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

import kl_lib as kl

ROOT = Path(__file__).parents[2]
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


def test_importing_kl_lib_adds_less_than_a_third_to_importing_numpy(tmp_path):
    """Counted in modules' own import times in one process, best of four, not on the wall clock.

    The first import compiles, as the first one after an installation does, and the others do not.
    """
    setting = {key: x for key, x in os.environ.items() if key != "PYTHONDONTWRITEBYTECODE"}
    setting["PYTHONPYCACHEPREFIX"] = str(tmp_path)

    def share():
        done = subprocess.run(
            [sys.executable, "-X", "importtime", "-c", "import kl_lib"],
            capture_output=True, text=True, check=True, env=setting,
        )  # fmt: skip
        total = {
            name.strip(): int(cumulative)
            for cumulative, name in re.findall(
                r"\|\s*(\d+) \| ( *(?:numpy|kl_lib))$", done.stderr, re.M
            )
        }
        return total["kl_lib"] / total["numpy"]

    assert min(share() for _ in range(4)) < 1.3


# The wheel


@pytest.fixture(scope="module")
def wheel(tmp_path_factory):
    """kl_lib as a wheel, built from a copy of its sources without the network."""
    source, target = tmp_path_factory.mktemp("source"), tmp_path_factory.mktemp("wheel")
    for name in ("pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(ROOT / name, source)
    shutil.copytree(
        ROOT / "kl_lib", source / "kl_lib", ignore=shutil.ignore_patterns("__pycache__")
    )
    command = [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--no-index"]
    command += ["--no-build-isolation", "--wheel-dir", target, source]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    [path] = target.glob("*.whl")
    return path


def test_the_wheel_holds_every_module_and_says_that_it_is_typed(wheel):
    with zipfile.ZipFile(wheel) as archive:
        names = set(archive.namelist())
        [metadata] = [name for name in names if name.endswith(".dist-info/METADATA")]
        needed = re.findall(r"^Requires-Dist: (.*)$", archive.read(metadata).decode(), re.M)
    modules = {str(path.relative_to(ROOT)) for path in (ROOT / "kl_lib").rglob("*.py")}
    inside = {name for name in names if name.startswith("kl_lib/")}
    assert inside == modules | {"kl_lib/py.typed"}
    assert [line for line in needed if "extra ==" not in line] == ["numpy>=1.26"]


ALONE = """
import sys
import kl_lib as kl

for name in kl.__all__:
    getattr(kl, name)
assert kl.kl_divergence([0.5, 0.5], [0.25, 0.75], base=2).round(4) == 0.2075
assert kl.kl_normal(0, 1, 1, 1) == 0.5
report = kl.diagnose([2, 5], [3, 4])
assert report.status == "invalid"
print([(a.library, a.status) for a in report.answers])
print(str(report).splitlines()[0])
from kl_lib import families, frameworks, losses, sampling
print(frameworks.available())
from kl_lib.cli import main
main()
"""


def test_the_wheel_works_alone_with_numpy(wheel, tmp_path):
    """In a process that sees the wheel, NumPy and the standard library, and nothing else."""
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(tmp_path)
    installed = Path(np.__file__).parents[1]
    for folder in ("numpy", "numpy.libs"):
        if (installed / folder).exists():
            (tmp_path / folder).symlink_to(installed / folder)
    code = f"import sys; sys.path.append({str(tmp_path)!r}){ALONE}"
    done = subprocess.run(
        [sys.executable, "-I", "-S", "-c", code], capture_output=True, text=True, cwd=tmp_path
    )
    assert done.stdout.splitlines() == [
        "[('numpy', 'answers'), ('scipy', 'missing')]",
        "No KL: neither p nor q is a distribution.",
        "[]",
    ], done.stderr
    assert done.stderr == 'kl-lib needs typer: pip install "kl-lib[cli]"\n'
    assert done.returncode == 1


def test_every_library_that_kl_lib_imports_comes_with_an_extra():
    """Or with what an extra needs; the exceptions are chosen by the user, not by kl_lib."""
    distributions = packages_distributions()
    listed = {canonicalize_name(requirement.name) for requirement in requirements()}
    chosen_by_the_user = {"jax", "torch"}  # backends and frameworks that come on their own
    with_matplotlib, for_tests = {"cycler"}, {"pytest"}
    for path in (ROOT / "kl_lib").rglob("*.py"):
        imported = set()
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.Import):
                imported |= {alias.name for alias in node.names}
            elif isinstance(node, ast.ImportFrom) and not node.level:
                imported.add(node.module)
            elif isinstance(node, ast.Call) and "import_module" in ast.unparse(node.func):
                imported |= {a.value for a in node.args if isinstance(a, ast.Constant)}
        top = {str(name).partition(".")[0] for name in imported} - {"", "kl_lib"}
        for name in top - set(sys.stdlib_module_names) - chosen_by_the_user - with_matplotlib:
            if name in for_tests and path.name == "conftest.py":
                continue
            owners = {canonicalize_name(owner) for owner in distributions.get(name, [name])}
            assert owners & listed, f"{path.name} imports {name}"


def test_the_public_names_are_there_and_documented_with_an_example():
    for name in kl.__all__:
        thing = getattr(kl, name)
        assert thing.__doc__
        if isinstance(thing, type):  # what is raised
            assert ">>> " in thing.__doc__
        elif name not in {"get_num_threads", "set_num_threads"}:
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
        if match := re.match(r"^([\w.-]+)(?:\[[\w,-]+\])?==(\S+)(?: ; ([^\\]+))? \\$", line):
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


def test_what_is_asked_for_with_an_extra_is_pinned_with_it():
    """Else pip 23, which comes with Python 3.11, wants the newest release, and refuses it."""
    asked = [each for each in requirements() if each.extras]
    assert asked
    for requirement in asked:
        assert f"\n{requirement.name}[{','.join(sorted(requirement.extras))}]==" in LOCK


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


def imports_of(path: Path) -> set[str]:
    """Modules of kl_lib that a file imports, at its top or in a function, but for type checking."""
    package = ("kl_lib", *path.relative_to(ROOT / "kl_lib").parent.parts)
    tree = ast.parse(path.read_text("utf-8"))
    typing_only = {
        inner
        for node in ast.walk(tree)
        if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test)
        for inner in ast.walk(node)
    }
    found = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and node not in typing_only:
            base = package[: len(package) - node.level + 1] if node.level else ()
            base = (*base, *(node.module or "").split(".")) if node.module else base
            found |= {".".join((*base, alias.name)) for alias in node.names} | {".".join(base)}
        elif isinstance(node, ast.Import) and node not in typing_only:
            found |= {alias.name for alias in node.names}
    return found


def import_graph(folder: Path) -> dict[str, set[str]]:
    paths = {}
    for path in folder.rglob("*.py"):
        parts = path.relative_to(folder.parent).with_suffix("").parts
        paths[".".join(part for part in parts if part != "__init__")] = path
    graph = {name: (imports_of(path) & set(paths)) - {name} for name, path in paths.items()}
    return {
        # `from .rooms import one` needs the room and the one; the room's own list is not a circle.
        name: {other for other in found if not name.startswith(f"{other}.")}
        for name, found in graph.items()
    }


def test_no_modules_import_one_another_in_a_circle():
    graph = import_graph(ROOT / "kl_lib")
    assert len(graph) > 60
    assert "kl_lib.stable" in graph["kl_lib.tables"]
    tuple(graphlib.TopologicalSorter(graph).static_order())
    graph["kl_lib.stable"] = {"kl_lib.tables"}
    with pytest.raises(graphlib.CycleError):
        tuple(graphlib.TopologicalSorter(graph).static_order())
