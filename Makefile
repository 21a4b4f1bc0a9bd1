# make run: sets everything up, then runs the experiment.  make test: the same for the tests.
# make test-slurm: the tests on a private Slurm; they need root, and say so where they are skipped.
PYTHON ?= python3
CORES ?= all
# Overlays of config.yaml, as in: make run CONFIG=config.cifar10.yaml
CONFIG ?=
VENV := .venv
BIN := $(VENV)/bin
SNAKEMAKE := $(BIN)/snakemake --cores $(CORES) $(if $(CONFIG),--configfile $(CONFIG))
# The name of the run, as the last file that gives one has it.
RUN = $(shell $(BIN)/python -c 'import sys, yaml; print([c["run"] for c in map(yaml.safe_load, map(open, sys.argv[1:])) if c and "run" in c][-1])' config.yaml $(CONFIG))
SLURM := slurm-client slurmctld slurmd

.PHONY: run test test-slurm lint report dag layers unlock cancel clean

run: $(VENV)/ready
	$(SNAKEMAKE)

test: $(VENV)/ready-test lint
	$(BIN)/python -m pytest $(ARGS)

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

report: $(VENV)/ready
	$(SNAKEMAKE) --report results/$(RUN)/report.html

dag: $(VENV)/ready
	@set -e; mkdir -p results/$(RUN); \
	for graph in rulegraph dag; do \
	  file=results/$(RUN)/$$graph; \
	  if command -v dot > /dev/null; \
	  then $(SNAKEMAKE) --$$graph dot > $$file.dot; dot -Tsvg $$file.dot -o $$file.svg; rm $$file.dot; ls $$file.svg; \
	  else $(SNAKEMAKE) --$$graph mermaid-js > $$file.part; mv $$file.part $$file.mmd; ls $$file.mmd; fi; \
	done

layers: $(VENV)/ready
	PYTHONPATH=scripts $(BIN)/python -m manifold_robustness.network.layers config.yaml $(CONFIG)

# After a run that was killed: Snakemake keeps its lock until told that no other run is alive.
unlock: $(VENV)/ready
	$(SNAKEMAKE) --unlock

# After a killed run on a cluster: cancels the jobs of this folder that Slurm still has.
cancel:
	squeue --me --noheader --format '%A %Z' \
	  | awk -v here="$(CURDIR)" '{id = $$1; sub(/^[0-9]+ /, "")} $$0 == here {print id}' | xargs -r scancel

clean:
	rm -rf $(VENV) results .snakemake

$(VENV)/ready: envs/requirements.txt
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Python 3.11 or newer is needed, this is " + sys.version.split()[0])'
	$(PYTHON) -m venv $(VENV)
	$(BIN)/pip install -r envs/requirements.txt
	touch $@

$(VENV)/ready-test: envs/requirements-test.txt $(VENV)/ready
	$(BIN)/pip install -r envs/requirements-test.txt
	touch $@
