# make run: sets everything up, then runs the experiment.  make test: the same for the tests.
PYTHON ?= python3
CORES ?= all
# Overlays of config.yaml, as in: make run CONFIG=config.cifar10.yaml
CONFIG ?=
VENV := .venv
BIN := $(VENV)/bin
SNAKEMAKE := $(BIN)/snakemake --cores $(CORES) $(if $(CONFIG),--configfile $(CONFIG))
RUN := $(shell sed -n 's/^run: *\([A-Za-z0-9_.-]*\).*/\1/p' $(lastword config.yaml $(CONFIG)))

.PHONY: run test lint report dag layers unlock clean

run: $(VENV)/ready
	$(SNAKEMAKE)

test: $(VENV)/ready-test lint
	$(BIN)/python -m pytest $(ARGS)

lint: $(VENV)/ready-test
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/snakefmt --check Snakefile rules
	$(BIN)/snakemake --lint

report: $(VENV)/ready
	$(SNAKEMAKE) --report results/$(RUN)/report.html

dag: $(VENV)/ready
	mkdir -p results/$(RUN)
	for graph in rulegraph dag; do \
	  if command -v dot > /dev/null; \
	  then $(SNAKEMAKE) --$$graph dot | dot -Tsvg > results/$(RUN)/$$graph.svg || exit 1; \
	  else $(SNAKEMAKE) --$$graph mermaid-js > results/$(RUN)/$$graph.mmd || exit 1; fi; \
	  ls results/$(RUN)/$$graph.*; \
	done

layers: $(VENV)/ready
	PYTHONPATH=scripts $(BIN)/python -m manifold_robustness.network.layers config.yaml $(CONFIG)

# After a run that was killed: Snakemake keeps its lock until told that no other run is alive.
unlock: $(VENV)/ready
	$(SNAKEMAKE) --unlock

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
