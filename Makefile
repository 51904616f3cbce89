# Each of these sets up what it needs first; a second call installs nothing.

PYTHON ?= python3
BUDGET ?= laptop
# Optional parts beside those that the tests use, with commas between them: notebook, wandb.
EXTRAS ?=
# LOCKED=1 installs the versions of requirements/lock.txt and nothing else, each file checked by its SHA-256.
LOCKED ?=

# Written last by the installation, holds the checkout it was made for: without it, for another folder (the checkout was
# moved) or with a Python that is gone, .venv is not to be trusted.
INSTALLED := .venv/installed-for
ifneq ($(shell { .venv/bin/python -c pass && cat $(INSTALLED); } 2> /dev/null),$(CURDIR))
.PHONY: $(INSTALLED)
endif

# Where this checkout lies beside packed real images, they are unpacked; elsewhere the tests that need them are skipped.
PACKED_DATA := $(wildcard ../shared/data/unpack.py)

# Documents with parts that are made from the records.
DOCUMENTS := --renew README.md --renew docs/findings.md --renew docs/benchmark.md

.PHONY: help install lock demo test test-page stress fuzz coverage mutants lint all report bench wheel clean

help: ## Show this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "make %-9s  %s\n", $$1, $$2 }' Makefile

install: $(INSTALLED) ## Install repro into .venv (PYTHON=python3; EXTRAS=notebook,wandb; LOCKED=1: as requirements/lock.txt says)
	@[ -z "$(EXTRAS)" ] || .venv/bin/python -m pip install --quiet --disable-pip-version-check --editable '.[$(EXTRAS)]'

lock: $(INSTALLED) ## Renew requirements/lock.txt (RENEW=--upgrade: with the newest releases)
	.venv/bin/python -m pip install --quiet --disable-pip-version-check uv
	.venv/bin/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-emit-package squeezenet-repro \
	    --custom-compile-command "make lock" --extra test $(RENEW) --output-file requirements/lock.txt setup.cfg

demo: $(INSTALLED) ## Reproduce Table 1 in miniature on embedded images, into build/demo-results
	.venv/bin/repro run table1 --budget smoke --results-dir build/demo-results

test: lint $(if $(REPRO_DATA),,$(if $(PACKED_DATA),.data)) ## Check the code and run all tests (real images: .data or REPRO_DATA)
	@[ -d "$${REPRO_DATA:-.data}" ] || echo "No real images (REPRO_DATA or .data): the tests that need them are skipped."
	OMP_NUM_THREADS=1 .venv/bin/python -m pytest -n 2 --dist worksteal

test-page: $(INSTALLED) ## Use the page in Chromium: keys, widths, colours, access (skipped where there is no Chromium)
	REPRO_PAGE=1 OMP_NUM_THREADS=1 .venv/bin/python -m pytest tests/page

stress: $(INSTALLED) ## Bring about every failure that docs/reliability.md lists, in full, and count (about ten minutes on 2 cores)
	REPRO_STRESS=1 OMP_NUM_THREADS=1 .venv/bin/python -m pytest tests/stress tests/page --timeout 3600

fuzz: $(INSTALLED) ## Read 10,000 to 100,000 damaged files of each format, in a process of bounded memory (hours)
	REPRO_STRESS=1 REPRO_FUZZ=1 OMP_NUM_THREADS=1 .venv/bin/python -m pytest tests/stress -k fuzzed --timeout 36000

coverage: $(INSTALLED) ## Run all tests and count the lines of repro/ that they run; fails below the floor in pyproject.toml
	@.venv/bin/coverage erase
	OMP_NUM_THREADS=1 .venv/bin/coverage run -m pytest -n 2 --dist worksteal
	@.venv/bin/coverage combine --quiet
	.venv/bin/coverage report

mutants: $(INSTALLED) ## Change one operator or constant at a time and see whether a test notices (COUNT=10 a package: hours)
	OMP_NUM_THREADS=1 nice -n 19 .venv/bin/python tests/mutants.py --count $(or $(COUNT),10)

lint: $(INSTALLED) ## Check style, types and the order of imports: ruff, pyright, import-linter
	.venv/bin/ruff check
	.venv/bin/ruff format --check
	PYRIGHT_PYTHON_IGNORE_WARNINGS=1 .venv/bin/python -m pyright --pythonpath .venv/bin/python
	.venv/bin/lint-imports --no-logo

all: $(INSTALLED) ## Bring results/ up to date, running what is missing (BUDGET=laptop)
	.venv/bin/repro run --all --budget $(BUDGET)
	.venv/bin/repro report $(DOCUMENTS)

report: $(INSTALLED) ## Rebuild tables, figures, the page and what documents show of it from the records
	.venv/bin/repro report $(DOCUMENTS)

bench: $(INSTALLED) ## Measure speed, memory and start-up; leave the machine alone meanwhile (12 minutes on 2 cores)
	.venv/bin/repro bench

# setuptools would carry modules that are gone over from its last build.
wheel: $(INSTALLED) ## Build the wheel into dist/
	@rm -rf build/lib build/bdist.*
	.venv/bin/python -m pip wheel --quiet --no-deps --no-build-isolation --wheel-dir dist .

clean: ## Remove .venv, build/, dist/ and caches; records and images stay
	rm -rf .venv build dist *.egg-info .pytest_cache .ruff_cache .hypothesis .coverage*
	find repro tests -name __pycache__ -prune -exec rm -rf {} +

# An installation that was begun and not ended starts anew; so does one whose Python no longer runs.
$(INSTALLED): setup.cfg pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	    { echo "repro needs Python 3.11 or later, '$(PYTHON)' is not: name one, as in 'make install PYTHON=python3.12'"; exit 1; }
	@if [ -e .venv/unfinished ] || ! .venv/bin/python -c pass 2> /dev/null; then rm -rf .venv; fi
	@echo "Installing repro and what it needs into .venv (once; two to three minutes, 6 GB with PyTorch for GPUs) ..."
	@mkdir -p .venv && rm -f $@ && touch .venv/unfinished
	@.venv/bin/python -m pip --version > /dev/null 2>&1 || $(PYTHON) -m venv .venv
	@.venv/bin/python -m pip install --quiet --disable-pip-version-check $(if $(LOCKED),\
	    --require-hashes --requirement requirements/lock.txt,--editable '.[test]')
	@$(if $(LOCKED),.venv/bin/python -m pip install --quiet --disable-pip-version-check --no-build-isolation --no-deps --editable .)
	@rm .venv/unfinished && echo "$(CURDIR)" > $@

# Made aside and moved when whole, so that an interrupted unpacking is not taken for the data.
.data: | $(INSTALLED)
	@echo "Unpacking real images into .data ..."
	@rm -rf build/data && mkdir -p build
	@.venv/bin/python $(PACKED_DATA) build/data && mv build/data .data
