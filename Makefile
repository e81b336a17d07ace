# The KL book. `make` lists the targets; README.md says more.

# The first of these that is 3.11 or 3.12 makes the environment; override with `make PYTHON=/path book`.
PYTHON ?=
CANDIDATES = $(PYTHON) python3.12 python3.11 python3 python
FIND = for p in $(CANDIDATES); do \
	"$$p" -c 'import sys; sys.exit(sys.version_info[:2] not in ((3, 11), (3, 12)))' 2>/dev/null \
	&& { command -v "$$p"; break; }; done

VENV = .venv
BIN = $(VENV)/bin
READY = $(VENV)/.ready
SITE = _build/html
JOBS ?= 2

# Containers like to set this; then every Python that is started compiles kl_lib and the tests anew.
unexport PYTHONDONTWRITEBYTECODE

.DEFAULT_GOAL := help
.PHONY: help book pdf test notebooks validate chapter serve lab bench fuzz mutate faults compat lock format clean

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z]+:.*## / {printf "  make %-10s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

book: $(READY) ## render the book into _build/html and print where it is
	@mkdir -p _build
	@$(BIN)/jupyter-book build . -W -n --keep-going -q >_build/book.log || { cat _build/book.log; exit 1; }
	@echo "The book is at $(CURDIR)/$(SITE)/index.html"

pdf: book ## print the book into _build/kl_book.pdf, with Chromium or Chrome
	@$(BIN)/python tools/pdf.py $(SITE) _build/kl_book.pdf
	@echo "The PDF is at $(CURDIR)/_build/kl_book.pdf"

test: $(READY) ## run every check: style, types, library, notebooks, site, browser
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy & types=$$!; \
	$(BIN)/python -m pytest -n $(JOBS) --dist loadscope --nbval --nbval-current-env \
		--doctest-modules --ignore-glob='*conftest.py' kl_lib tests notebooks; tests=$$?; \
	wait $$types || { echo "mypy found what it says at the top." >&2; exit 1; }; exit $$tests

notebooks: $(READY) ## execute all notebooks again and store their outputs (NAME=01_entropy for one)
	@$(BIN)/python notebooks/execute.py -j $(JOBS) $(NAME)

validate: $(READY) ## check the notebooks that changed, record it, and write the page of it
	@$(BIN)/python notebooks/validate.py $(NAME)

chapter: $(READY) ## begin a chapter from the template (NAME=20_my_subject)
	@[ -n "$(NAME)" ] || { echo "Say which: make chapter NAME=20_my_subject" >&2; exit 1; }
	@$(BIN)/python tools/chapter.py $(NAME)
	@$(BIN)/python notebooks/execute.py -j 1 $(NAME)

serve: book ## render the book and serve it on http://localhost:8000
	@$(BIN)/python -m http.server --bind 127.0.0.1 --directory $(SITE) 8000

lab: $(READY) ## open the notebooks in Jupyter Lab
	@$(BIN)/jupyter lab --notebook-dir .

bench: $(READY) ## time KL by every library, every function, and training; write their page anew (minutes)
	@$(BIN)/python benchmarks/kl_divergence.py
	@$(BIN)/python benchmarks/functions.py
	@$(BIN)/python benchmarks/training.py
	@$(BIN)/python benchmarks/page.py

fuzz: $(READY) ## compare every function with slow oracles on 100,000 inputs of all kinds
	@$(BIN)/python tools/fuzz.py

mutate: $(READY) ## change kl_lib in thousands of ways and see the tests notice each (hours)
	@JOBS=$(JOBS) tools/mutate.sh

faults: $(READY) ## kill, interrupt, damage and fill up sweeps at random moments (ROUNDS=3 of each)
	@$(BIN)/python tools/faults.py --rounds $(or $(ROUNDS),3)

compat: ## run kl_lib's own tests on every Python here, numpy 2 and 1.26, beside PyTorch, JAX, TensorBoard
	@tools/compat.sh
	@tools/compat.sh --peers
	@tools/compat.sh --tensorboard

# Extras stay in: pip 23 takes a package with one for another, and its newest release for pinned.
lock: $(READY) ## resolve requirements.lock again from pyproject.toml (needs uv)
	@uv pip compile pyproject.toml --extra test --universal --python-version 3.11 \
		--generate-hashes --no-strip-extras --no-emit-index-url --no-emit-find-links --no-emit-package kl-lib \
		--no-annotate --custom-compile-command "make lock" -o requirements.lock -q

format: $(READY) ## let ruff format the code
	@$(BIN)/ruff check --fix -q . ; $(BIN)/ruff format -q .

clean: ## delete what the other targets made, the environment included
	rm -rf $(VENV) _build build dist mutants *.egg-info .pytest_cache .hypothesis .mypy_cache .ruff_cache
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

$(READY): requirements.lock
	@if [ -L $(VENV) ]; then echo "$(VENV) is a link to another environment; remove it, then run make again." >&2; exit 1; fi
	@python=$$($(FIND)); \
	if [ -z "$$python" ]; then \
		echo "The book needs Python 3.11 or 3.12: install one, then run make again (or make PYTHON=/path/to/python3.12)." >&2; \
		exit 1; \
	fi; \
	echo "Creating $(VENV) with $$python (a few minutes, once)"; \
	"$$python" -m venv --clear $(VENV)
	@$(BIN)/python -m pip install -q --disable-pip-version-check --require-hashes -r requirements.lock
	@$(BIN)/python -m pip install -q --disable-pip-version-check --no-deps --no-build-isolation -e .
	@touch $@
