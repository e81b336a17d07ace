#!/usr/bin/env bash
# Mutation testing: change kl_lib in every way mutmut knows and see the tests notice. `make mutate`
#
#   tools/mutate.sh                             every mutant not yet checked, then the verdict
#   tools/mutate.sh "kl_lib.checks.x_pair*"     these mutants again
#   tools/mutate.sh $(python tools/mutate.py sample 2500)      some of those not yet checked, at random
#
# There are some 18,000; about a hundred a minute and core are checked. A verdict on all takes hours.
# pyproject.toml says which files and which tests. mutants/ keeps what has been found, so a run that
# is stopped goes on where it was; delete it to begin again.
set -euo pipefail
cd "$(dirname "$0")/.."

# mutmut in its own environment, which sees the packages of .venv but not the kl_lib installed there;
# PyTorch with it, for what kl_lib does with its tensors and distributions.
tool=_build/mutmut-3.8.1-torch
if [ ! -e "$tool/bin/mutmut" ]; then
    .venv/bin/python -m venv --clear --without-pip "$tool"
    .venv/bin/python - >"$(echo "$tool"/lib/python*/site-packages)/book.pth" <<'PYTHON'
import sysconfig
print(sysconfig.get_path("purelib"))
PYTHON
    .venv/bin/python -m pip --python "$tool/bin/python" install -q --disable-pip-version-check \
        mutmut==3.8.1 libcst==1.9.0 torch==2.13.0
fi

ulimit -v 8000000 || true # KB: a loop without end may also grow without end
export OMP_NUM_THREADS=1
export DASK_SCHEDULER=synchronous       # a pool of threads does not survive a fork
export PYTEST_DISABLE_PLUGIN_AUTOLOAD=1 # a third of the time of a short run
"$tool/bin/python" tools/mutate.py forget
"$tool/bin/mutmut" run --max-children "${JOBS:-2}" "$@"
"$tool/bin/python" tools/mutate.py
