# The two commands: `make run` and `make test`. Both set everything up first; nothing asks questions.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.set-up

.PHONY: setup run demo test torture check audit snapshots bench clean
.DEFAULT_GOAL := run

setup: $(STAMP)

# CPU builds of torch are taken where pip's configuration offers them; see README for GPUs.
$(STAMP): pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit("Python 3.11 or newer is needed; set PYTHON=" if sys.version_info < (3, 11) else 0)'
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --upgrade "pip>=25"
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt torch==2.13.0
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[starter,dev]'
	@# pip compiles what it installs, but not this folder; where PYTHONDONTWRITEBYTECODE is set every start would.
	$(BIN)/python -m compileall -q studio
	@touch $(STAMP)

run: setup
	@$(BIN)/studio

demo: setup
	@$(BIN)/studio demo

# Whatever trains, or runs the whole studio, has the machine to itself; the rest runs in two processes before it, of
# one thread each: threads of two on two cores would wait for each other, spinning. Both parts are run whatever the
# first one finds, and each ends with a summary of its own.
test: setup
	@OMP_NUM_THREADS=1 $(BIN)/python -m pytest -m "not slow" --numprocesses 2 --dist loadfile; light=$$?; \
	$(BIN)/python -m pytest -m slow && exit $$light

# The long form of the tests of trust (docs/trust.md): kills, power cuts, full disks by the thousand. PARTS="..." picks some.
torture: setup
	@OMP_NUM_THREADS=1 PYTHONPATH=tests $(BIN)/python -m torture $(PARTS)

check: setup
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/python docs/licences.py --check

# Asks the network whether any pinned version is known to be vulnerable, so it is no part of `check`; fails, and says so,
# where it gets no answer. In an environment of its own: pip-audit brings packages that would change what is pinned.
audit:
	@test -x $(VENV)/audit/bin/pip-audit || { $(PYTHON) -m venv $(VENV)/audit && \
		$(VENV)/audit/bin/python -m pip install --quiet --disable-pip-version-check pip-audit==2.10.1; }
	$(VENV)/audit/bin/pip-audit --strict --no-deps --disable-pip --progress-spinner off -r constraints.txt

# Screens that look otherwise on purpose are written anew; read the change before it is kept.
snapshots: setup
	STUDIO_SNAPSHOTS_RENEW=1 $(BIN)/python -m pytest -q tests/tui/test_tui_snapshots.py
	@git --no-pager diff --stat -- tests/tui/snapshots || true

bench: setup
	$(BIN)/python -m benchmarks

clean:
	rm -rf $(VENV) build dist *.egg-info
