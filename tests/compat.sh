#!/usr/bin/env bash
# kl_lib's own tests where the book's environment does not reach: other Pythons, the newest numpy 2
# and numpy 1.26, no framework. Each in an environment that is thrown away. `make compat`
#
#   tests/compat.sh                 every Python found here, both numpys
#   tests/compat.sh python3.13      one of them
set -euo pipefail
cd "$(dirname "$0")/.."

tests="test_discrete test_checks test_rows test_sampling test_fuzz"
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
ran=0

for python in "${@:-python3.11 python3.12 python3.13}"; do
    for candidate in $python; do
        version=$("$candidate" -c 'import sys; print("%d.%d" % sys.version_info[:2])' 2>/dev/null) || {
            echo "skipped: $candidate is not installed"
            continue
        }
        for numpy in "numpy>=2" "numpy>=1.26,<1.27"; do
            # numpy 1.26 has no wheel for Python 3.13.
            [ "$version" = 3.13 ] && [ "$numpy" != "numpy>=2" ] && continue
            "$candidate" -m venv --clear "$scratch/env"
            "$scratch/env/bin/python" -m pip install -q --disable-pip-version-check \
                "$numpy" . scipy pandas hypothesis mpmath ml_dtypes pytest
            "$scratch/env/bin/python" -c 'import sys, numpy; print("Python", sys.version.split()[0], "numpy", numpy.__version__)'
            # From elsewhere, so that the installed kl_lib is the one that is tested.
            rm -rf "$scratch/tests" && mkdir "$scratch/tests"
            for name in truth fuzz $tests; do cp "tests/$name.py" "$scratch/tests"; done
            (cd "$scratch/tests" && ../env/bin/python -m pytest -q -p no:cacheprovider \
                -W error::RuntimeWarning .)
            ran=$((ran + 1))
        done
    done
done
echo "kl_lib passes in $ran environments"
[ "$ran" -gt 0 ]
