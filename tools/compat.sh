#!/usr/bin/env bash
# kl_lib's own tests where the book's environment does not reach: other Pythons, the newest numpy 2
# and numpy 1.26, no framework. The wheel is built once; each environment gets it alone with numpy
# first, then what the tests need, and is thrown away. `make compat`
#
#   tools/compat.sh                 every Python found here, both numpys
#   tools/compat.sh python3.13      one of them
#   tools/compat.sh --newest        the newest Python found here, with the newest numpy (for CI)
#   tools/compat.sh --peers         with PyTorch and JAX, which the book's environment has not: every
#                                   test that it skips for want of them (for CI)
#   tools/compat.sh --tensorboard   the book's environment with TensorBoard, which TensorFlow no longer
#                                   brings: the test that reads its files back (for CI, after make test)
set -euo pipefail
cd "$(dirname "$0")/.."

# Not test_errors and test_diagnoses, which read the book.
tests="categories/test_checks categories/test_discrete categories/test_rows categories/test_lazy
       categories/test_stable categories/test_kernels categories/test_labels categories/test_arrays
       categories/test_axes categories/test_relatives
       families/test_families families/test_multivariate_normal families/test_float_edges
       families/test_numbers families/test_supports
       sampling/test_sampling tools/test_fuzz diagnosis/test_diagnose
       diagnosis/test_diagnose_command"
numpys="numpy>=2 numpy>=1.26,<1.27"
pythons=${*:-python3.11 python3.12 python3.13}
[ "$pythons" = --newest ] && pythons="python3.13 python3.12 python3.11 python3" && numpys="numpy>=2"
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
ran=0

if [ "${1:-}" = --peers ]; then
    for python in python3.13 python3.12 python3.11 python3; do "$python" -c "" 2>/dev/null && break; done
    "$python" -m venv --clear "$scratch/env"
    # CPU wheels where pip finds them; elsewhere those of PyTorch are larger.
    "$scratch/env/bin/python" -m pip -q --disable-pip-version-check install \
        torch==2.13.0 torchmetrics "jax[cpu]<0.11" optax keras scikit-learn filelock statsmodels threadpoolctl \
        scipy pandas polars pyarrow xarray "dask[array]" matplotlib rich typer \
        hypothesis mpmath ml_dtypes psutil pyyaml nbformat beautifulsoup4 libcst pytest
    # From the checkout, whose book and notebooks some of them read. Of the trainings, whose tests
    # are TensorFlow's, that on JAX. THOROUGH: make test leaves cases of these to CI, and has no
    # PyTorch there either.
    export PYTHONPATH=$PWD KERAS_BACKEND=jax THOROUGH=1
    test="$scratch/env/bin/python -m pytest -q -p no:cacheprovider -W error::RuntimeWarning"
    # Compiled tests, which make test leaves beside these, hold the same words.
    files=$(grep -lrE --include='*.py' "importorskip\(\"(torch|jax|torchmetrics)\"|torch is not installed" tests |
        grep -v tests/experiments/)
    $test -k "not larger_than_memory" $files
    $test -k jax tests/experiments/test_experiments.py
    exit
fi

if [ "${1:-}" = --tensorboard ]; then
    [ -x .venv/bin/python ] || { echo "there is no .venv: run make book first" >&2; exit 1; }
    # As in mutate.sh: an environment that sees the packages of .venv.
    .venv/bin/python -m venv --clear --without-pip "$scratch/env"
    .venv/bin/python - >"$(echo "$scratch"/env/lib/python*/site-packages)/book.pth" <<'PYTHON'
import sysconfig
print(sysconfig.get_path("purelib"))
PYTHON
    .venv/bin/python -m pip --python "$scratch/env/bin/python" install -q --disable-pip-version-check \
        tensorboard
    export PYTHONPATH=$PWD
    "$scratch/env/bin/python" -m pytest -q -p no:cacheprovider -k tensorboard tests/experiments/test_going_on.py
    exit
fi

for python in $pythons; do
    version=$("$python" -c 'import sys; print("%d.%d" % sys.version_info[:2])' 2>/dev/null) || {
        echo "skipped: $python is not installed"
        continue
    }
    for numpy in $numpys; do
        # numpy 1.26 has no wheel for Python 3.13.
        [ "$version" = 3.13 ] && [ "$numpy" != "numpy>=2" ] && continue
        "$python" -m venv --clear "$scratch/env"
        pip="$scratch/env/bin/python -m pip -q --disable-pip-version-check"
        [ -d "$scratch/wheel" ] || $pip wheel --no-deps --wheel-dir "$scratch/wheel" .
        rm -rf "$scratch/tests" && mkdir "$scratch/tests"
        $pip install "$numpy" "$scratch"/wheel/*.whl
        # From elsewhere, so that the installed kl_lib is the one that is tested.
        (cd "$scratch/tests" && ../env/bin/python -c '
import sys, numpy, kl_lib as kl
from importlib.metadata import distributions
alone = {d.name for d in distributions()} - {"pip", "setuptools"}
assert alone == {"numpy", "kl-lib"}, alone
assert kl.diagnose([0.5, 0.5], [0.4, 0.6]).status == "fine"
print("Python", sys.version.split()[0], "numpy", numpy.__version__, flush=True)')
        $pip install scipy pandas polars pyarrow xarray "dask[array]" hypothesis mpmath ml_dtypes rich typer \
            beautifulsoup4 pytest
        cp tests/truth.py tests/counting.py tests/thorough.py tools/fuzz*.py tools/oracle*.py "$scratch/tests"
        for name in $tests; do cp "tests/$name.py" "$scratch/tests"; done
        (cd "$scratch/tests" && ../env/bin/python -m pytest -q -p no:cacheprovider \
            -W error::RuntimeWarning -o "markers=thorough: left to CI" -k "not larger_than_memory" .)
        ran=$((ran + 1))
        [ "${1:-}" = --newest ] && break 2
    done
done
echo "kl_lib passes in $ran environments"
[ "$ran" -gt 0 ]
