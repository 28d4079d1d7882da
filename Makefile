# make demo   sets up what it needs and fills a lake and a warehouse in ./retail-data
# make test   sets up what it needs and runs the tests, but for those of the running Airflow and of the templates' image
PYTHON ?= $(shell for name in python3.13 python3.12 python3.11 python3 python; do \
	$$name -c 'import sys; sys.exit(not (3, 11) <= sys.version_info[:2] < (3, 14))' 2>/dev/null && echo $$name && break; done)
RUNS ?= 1250000
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready
AIRFLOW := $(VENV)/.airflow
INSTALL := $(BIN)/uv pip install --quiet --python $(BIN)/python --constraint requirements.lock \
	--build-constraint requirements.lock --editable

IMPORTED := beam_pipelines.commands.demo, beam_pipelines.local.cloud, beam_pipelines.local.dataflow.worker, \
	apache_beam.runners.dataflow.internal.apiclient

.DEFAULT_GOAL := help
.PHONY: help demo test test-airflow airflow setup lint templates-lint image-test pin-images format render bench fuzz lock clean

help: ## Show this help.
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "make %-18s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

demo: $(READY) ## Generate and load thirty days around Black Friday 2025 into ./retail-data.
	$(BIN)/retail demo

test: $(AIRFLOW) ## Run the tests, on up to four cores.
	$(BIN)/python -m pytest --numprocesses=auto --maxprocesses=4

test-airflow: $(AIRFLOW) ## Run the DAGs in a running Airflow, kill its scheduler and more (a few minutes).
	$(BIN)/python -m pytest tests/airflow

airflow: $(AIRFLOW) ## Run Airflow with the DAGs and the local cloud on this machine, until Ctrl-C.
	@$(BIN)/retail airflow

setup: $(READY) ## Create .venv from the lock file.

lint: $(READY) templates-lint ## Check format, style, types and rendered files.
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/retail render --check

templates-lint: $(READY) ## Check the templates' Dockerfile.
	$(BIN)/hadolint templates/Dockerfile

image-test: $(READY) ## Build the templates' image from stand-in base images and run it (root, buildah; five minutes).
	$(BIN)/python -m pytest tests/templates/check_image.py

pin-images: ## Pin the base images of templates/Dockerfile by the digests that their tags have now (skopeo).
	@sed -n 's/^ARG \(.*_IMAGE\)=\([^@]*\).*/\1 \2/p' templates/Dockerfile | while read -r name image; do \
		digest=$$(skopeo inspect --no-tags --format '{{.Digest}}' "docker://$$image") || exit 1; \
		sed -i.old "s|^ARG $$name=.*|ARG $$name=$$image@$$digest|" templates/Dockerfile && rm templates/Dockerfile.old; \
		echo "$$image@$$digest"; \
	done

format: $(READY) ## Format the code and write what follows from it.
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .
	$(BIN)/retail render

render: $(READY) ## Write the files that follow from the code.
	$(BIN)/retail render

bench: $(READY) ## Measure, beside a named peer in the same run.
	$(BIN)/python -m tests.benchmarks

fuzz: $(READY) ## Feed a million broken blocks and files to the Avro code (20 minutes); RUNS=... for more.
	$(BIN)/python -m tests.avro.fuzzing --runs=$(RUNS)

lock: $(READY) ## Pin the newest versions that fit together in requirements.lock.
	$(BIN)/uv pip compile --quiet --upgrade --universal --all-extras --generate-hashes --no-header --no-annotate \
		--output-file requirements.lock pyproject.toml

clean: ## Remove the environment, the demo's data and what tools have cached.
	rm -rf $(VENV) retail-data build *.egg-info .pytest_cache .mypy_cache .ruff_cache .hypothesis
	find beam_pipelines dags templates tests -name __pycache__ -type d -prune -exec rm -rf {} +

# uv is itself installed from the lock, by hash; it then installs what the lock pins, hashes checked. The last steps
# compile the Avro kernels, and what commands and jobs import to bytecode, so that nothing has to do it again and again
# where PYTHONDONTWRITEBYTECODE is set.
$(READY): pyproject.toml requirements.lock
	@test -n "$(PYTHON)" || { echo "make: Python 3.11, 3.12 or 3.13 is needed; set PYTHON=/path/to/python" >&2; exit 2; }
	@echo "Setting up $(VENV) with $(PYTHON) ..."
	@$(PYTHON) -m venv $(VENV)
	@awk '/^uv==/ {found = 1} found {print} found && !/\\$$/ {exit}' requirements.lock > $(VENV)/uv.txt
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes --no-deps -r $(VENV)/uv.txt
	@$(INSTALL) '.[dev]'
	@$(BIN)/python -m beam_pipelines.avro.warm_up
	@PYTHONDONTWRITEBYTECODE= $(BIN)/python -c 'import $(IMPORTED)'
	@touch $@

# Airflow weighs a gigabyte, which the demo does not need. It goes into the same environment, at the versions that the
# lock pins for both, so that what is there stays as it is.
$(AIRFLOW): $(READY)
	@echo "Adding Airflow to $(VENV) ..."
	@$(INSTALL) '.[dev,airflow]'
	@touch $@
