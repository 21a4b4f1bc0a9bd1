# make run: sets everything up, then runs the experiment.  make test: the same for the tests.
# make test-slurm: the tests on a private Slurm; they need root, and say so where they are skipped.
PYTHON ?= python3
CORES ?= all
# Overlays of config.yaml, as in: make run CONFIG=config.cifar10.yaml
CONFIG ?=
# A rule, as in: make why RULE=solve_geometry
RULE ?=
# A network of the configuration, as in: make layers NETWORK=resnet18
NETWORK ?=
VENV := .venv
BIN := $(VENV)/bin
# What needs no installation of this project: the modules that the workflow itself imports.
LIGHT := PYTHONPATH=scripts $(BIN)/python -m
SNAKEMAKE := $(BIN)/snakemake --cores $(CORES) $(if $(CONFIG),--configfile $(CONFIG))
# Two processes, each with tests of its own, that compute on one core each; one that has no more
# tests takes over some of the other's.
PYTEST := OMP_NUM_THREADS=1 OPENBLAS_NUM_THREADS=1 $(BIN)/python -m pytest -n 2 --dist worksteal
# The name of the run, as the last file that gives one has it.
RUN = $(shell PYTHONPATH=scripts $(BIN)/python -c 'import sys; from manifold_robustness.configuration import read_config; print(read_config(sys.argv[1:])["run"])' config.yaml $(CONFIG))
SLURM := slurm-client slurmctld slurmd
UV := uv==0.13.9

.PHONY: run check test-quick test test-long test-slurm lint report export dag layers why constraints \
  unlock cancel clean
# What is checked comes before what takes long, also under `make -j`.
.NOTPARALLEL:

run: check $(VENV)/ready
	$(SNAKEMAKE)

# Errors of the configuration, before anything large is installed.
check: $(VENV)/base
	@$(LIGHT) manifold_robustness.experiment config.yaml $(CONFIG)

# In at most 90 seconds: without the tests that are marked slow, as those that run whole workflows.
test-quick: $(VENV)/ready-test lint
	$(PYTEST) -m "not slow and not long" $(ARGS)

test: $(VENV)/ready-test lint
	$(PYTEST) -m "not long" $(ARGS)

# Before a release: what takes long and is rarely red.
test-long: $(VENV)/ready-test
	$(PYTEST) -m long $(ARGS)

test-slurm: $(VENV)/ready-test
	@command -v slurmctld > /dev/null || ! command -v apt-get > /dev/null || [ $$(id -u) != 0 ] \
	  || { export DEBIAN_FRONTEND=noninteractive; apt-get update -qq && apt-get install -y -qq --no-install-recommends $(SLURM) > /dev/null; } \
	  || echo "Slurm's packages could not be installed"
	$(BIN)/python -m pytest tests/slurm -rs $(ARGS)

lint: $(VENV)/ready-test
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/snakefmt --check Snakefile rules
	$(BIN)/snakemake --lint

report: check $(VENV)/ready
	$(SNAKEMAKE) --report results/$(RUN)/report.html
	@ls results/$(RUN)/report.html

# Numbers, figures, settings and sources of a run, in one file for whoever has not got this project.
export: check $(VENV)/ready
	$(SNAKEMAKE) results/$(RUN)/export/$(RUN).zip
	@ls results/$(RUN)/export/$(RUN).zip

dag: check $(VENV)/ready
	@set -e; mkdir -p results/$(RUN); \
	for graph in rulegraph dag; do \
	  file=results/$(RUN)/$$graph; \
	  if command -v dot > /dev/null; \
	  then $(SNAKEMAKE) --$$graph dot > $$file.dot; dot -Tsvg $$file.dot -o $$file.svg; rm $$file.dot; ls $$file.svg; \
	  else $(SNAKEMAKE) --$$graph mermaid-js > $$file.part; mv $$file.part $$file.mmd; ls $$file.mmd; fi; \
	done

# The names of a network's layers (of the first one, or of NETWORK), as a list to paste into a
# configuration.
layers: check $(VENV)/ready
	@$(LIGHT) manifold_robustness.network.layer_list config.yaml $(CONFIG) $(if $(NETWORK),--network $(NETWORK))

# The code that a change of makes a rule's results stale.
why: check
	@test -n "$(RULE)" || { echo "Need a rule, as in: make why RULE=solve_geometry"; exit 1; }
	@$(LIGHT) manifold_robustness.code_digests $(RULE) results/$(RUN)/logs/code.json

# The newest versions that go with the requirements, for Python 3.11 and newer, on every platform.
# What CUDA wheels bring is left out: the build of torch that a machine takes says what it needs.
constraints: $(VENV)/base
	$(BIN)/pip install -q $(UV)
	@set -e; { echo "# Every version that the requirements bring, made by: make constraints"; \
	  $(BIN)/uv pip compile -q --universal --python-version 3.11 --no-header --no-annotate --no-config \
	    envs/requirements-test.txt; } > envs/constraints.all; \
	grep -Ev '^(cuda|nvidia|triton)' envs/constraints.all > envs/constraints.part; \
	mv envs/constraints.part envs/constraints.txt; rm envs/constraints.all; \
	echo "$$(grep -c == envs/constraints.txt) versions in envs/constraints.txt"

# After a run that was killed: Snakemake keeps its lock until told that no other run is alive.
unlock: $(VENV)/ready
	$(SNAKEMAKE) --unlock

# After a killed run on a cluster: cancels the jobs of this folder that Slurm still has.
cancel:
	squeue --me --noheader --format '%A %Z' \
	  | awk -v here="$(CURDIR)" '{id = $$1; sub(/^[0-9]+ /, "")} $$0 == here {print id}' | xargs -r scancel

# Leaves the sources and the data: no results, no software, no caches.
clean:
	rm -rf $(VENV) results build dist envs/constraints.all envs/constraints.part
	find . \( -name .git -o -path ./data \) -prune -o \
	  \( -name __pycache__ -o -name .ipynb_checkpoints -o -name .snakemake -o -name .hypothesis \
	    -o -name .pytest_cache -o -name .ruff_cache -o -name '*.egg-info' -o -name '*.partial' \) \
	  -prune -exec rm -rf {} +

# What it takes to read a configuration, in two seconds.
$(VENV)/base: envs/constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Need Python 3.11 or newer. Got " + sys.version.split()[0] + ". Name another one, as in: make run PYTHON=python3.12")'
	$(PYTHON) -m venv $(VENV)
	$(BIN)/pip install -q -c envs/constraints.txt pyyaml jsonschema
	touch $@

$(VENV)/ready: envs/requirements.txt $(VENV)/base
	$(BIN)/pip install -c envs/constraints.txt -r envs/requirements.txt
	touch $@

$(VENV)/ready-test: envs/requirements-test.txt $(VENV)/ready
	$(BIN)/pip install -c envs/constraints.txt -r envs/requirements-test.txt
	touch $@
