# Scorewatch: every command. `make help` lists them.

USE_CASE ?= green_taxi
# Environment of the stack, such as dev: empty for none.
# Not from the shell's ENVIRONMENT, which other tools set.
ifneq ($(origin ENVIRONMENT),command line)
ENVIRONMENT := $(SCOREWATCH_ENVIRONMENT)
endif
export SCOREWATCH_ENVIRONMENT := $(ENVIRONMENT)
ifeq ($(wildcard requirements/dev.txt),)
$(error Run make in the root of the checkout: make -C $(dir $(lastword $(MAKEFILE_LIST))) $(MAKECMDGOALS))
endif
IS_NEW := import sys; sys.exit(sys.version_info < (3, 11))
# First interpreter that is 3.11 or newer; `make setup PYTHON=...` overrides it.
FIND_PYTHON = $(firstword $(foreach p,python3.12 python3.13 python3.11 python3,$(if $(shell $(p) -c '$(IS_NEW)' 2>/dev/null && echo yes),$(p))))
PYTHON ?= $(eval PYTHON := $(FIND_PYTHON))$(PYTHON)
VENV := .venv
BIN := $(VENV)/bin
# An environment is usable if its interpreter runs, is new enough, and it was made in this directory.
USABLE := $(shell $(BIN)/python -c '$(IS_NEW)' 2>/dev/null && sed -n 's/^ *\(export  *\)\{0,1\}VIRTUAL_ENV=//p' $(BIN)/activate 2>/dev/null | tr -d "\"'" | grep -qxF '$(realpath $(VENV))' && echo yes)
UV_VERSION := $(shell sed -n 's/^uv==\([^ ]*\).*/\1/p' requirements/dev.txt)
LOCK := $(BIN)/uv pip compile pyproject.toml --universal --python-version 3.11 --no-emit-index-url --generate-hashes --no-annotate --quiet --custom-compile-command "make lock"

.DEFAULT_GOAL := help
.PHONY: help setup demo test lint unit terraform-test conformance integration iam iam-record localstack bench bench-alerts bench-slo bench-kinds bench-scale cost meter scale mutants faults pictures format hooks lock provider-lock base-lock clean \
        train adopt search promote rollback retrain new-use-case mlflow deploy release shadow shadow-compare status plan destroy smoke serve score put event exporter report checks audit drill local-up local-down purge
ifneq ($(USABLE),yes)
.PHONY: $(VENV)/.ready
endif

help: ## Show this list
	@awk 'BEGIN {FS = ":.*## "} /^## / {printf "\n%s\n", substr($$0, 4)} /^[a-z-]+:.*## / {printf "  make %-14s %s\n", $$1, $$2}' $(MAKEFILE_LIST)
	@echo; echo "USE_CASE=$(USE_CASE) (set it to green_taxi, white_wine or one of your own)"
	@echo "ENVIRONMENT=$(ENVIRONMENT) (a second stack of the use case in one account and region, e.g. dev; empty for none)"

## Start here
setup: $(VENV)/.ready ## Install the locked packages into .venv

$(VENV)/.ready: requirements/dev.txt
	@test -n "$(PYTHON)" || { echo "No Python 3.11 or newer was found: install it, or run make setup PYTHON=/path/to/python3"; exit 1; }
	@$(PYTHON) -c '$(IS_NEW)' || { echo "$(PYTHON) is $$($(PYTHON) --version 2>&1): Python 3.11 or newer is needed, make setup PYTHON=/path/to/python3"; exit 1; }
	@if { [ -e $(VENV) ] || [ -L $(VENV) ]; } && [ "$(USABLE)" != yes ]; then echo "Replacing $(VENV): its Python is missing, older than 3.11 or of another directory"; rm -rf $(VENV); fi
	@echo "Installing the locked packages into $(VENV) with $$($(PYTHON) --version) ..."
	@test -x $(BIN)/uv || { $(PYTHON) -m venv $(VENV) && $(BIN)/python -m pip install --quiet --disable-pip-version-check "uv==$(UV_VERSION)"; }
	@$(BIN)/uv pip sync --quiet --python $(BIN)/python --compile-bytecode requirements/dev.txt
	@touch $@
	@echo "Ready. Next: make demo"

demo: setup ## Train, deploy to the embedded AWS, stream ordinary and drifted records, show the alert
	@$(BIN)/python -m local demo --use-case $(USE_CASE) $(if $(KEEP),--keep)

test: setup ## Run lint, unit, Terraform and integration tests; ALSO=localstack runs the last on LocalStack, too
	@$(MAKE) --no-print-directory lint unit terraform-test integration
	@$(if $(ALSO),$(MAKE) --no-print-directory integration TARGET=$(ALSO))

## Quality
lint: setup ## Run ruff, mypy, terraform fmt and validate, checkov, and the remaining hooks
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy
	@$(BIN)/python -m ops lint
	@SKIP=ruff,ruff-format,mypy,terraform-fmt,terraform-validate $(BIN)/pre-commit run --all-files --show-diff-on-failure

hooks: setup ## Run the hooks of .pre-commit-config.yaml before each commit of this checkout
	@$(BIN)/pre-commit install

format: setup ## Format Python and Terraform
	@$(BIN)/ruff check --fix . ; $(BIN)/ruff format . ; terraform fmt -recursive infra

unit: setup ## Run the unit tests
	@$(BIN)/python -m pytest tests -n 2 --dist loadfile

conformance: setup ## Compare our models of AWS with recordings of real AWS
	@$(BIN)/python -m tests.conformance

terraform-test: setup ## Run terraform test with a mocked provider
	@$(BIN)/python -m ops test

# Each of two processes has an embedded AWS of its own; another target is one for all tests.
PARALLEL = $(if $(TARGET)$(AWS_ENDPOINT_URL)$(IMAGES),,-v -n 2)

integration: setup ## The whole loop, on the embedded AWS, AWS_ENDPOINT_URL or TARGET=localstack; IMAGES=docker runs containers
	@$(if $(IMAGES),SCOREWATCH_IMAGES=$(IMAGES) )$(if $(TARGET),SCOREWATCH_TARGET=$(TARGET) )$(BIN)/python -m pytest integration-tests --timeout 900 $(PARALLEL)

iam: setup ## Print what each grant of each role is for, and prove that there are no others
	@$(BIN)/python -m tests.iam

iam-record: setup ## Run the integration tests and store policies and calls in tests/iam/record.json
	@SCOREWATCH_IAM_RECORD=1 $(BIN)/python -m pytest integration-tests --timeout 900

localstack: setup ## Run LocalStack with the functions of this checkout until Ctrl-C, port PORT
	@$(BIN)/python -m local.localstack --port $(or $(PORT),4566)

images: setup ## Build the images and their SBOMs with Docker or Buildah, on AWS's base, BASE_IMAGE or a stand-in
	@$(BIN)/python -m local images

bench: setup ## Run every benchmark and write benchmarks/results.md
	@$(BIN)/python -m benchmarks

mutants: setup ## Run the tests on mutated Lambdas and write benchmarks/mutants.md
	@$(BIN)/python -m tests.mutants

pictures: setup ## Draw the dashboard and a mail of simulated rides into docs/
	@$(BIN)/python -W ignore -m tests.pictures

faults: setup ## Print the fault table of the monitor: fault, expected, seen
	@$(BIN)/python -W ignore -m tests.faults

bench-kinds: setup ## Try every kind of model and write docs/model-kinds.md
	@$(BIN)/python -m benchmarks.model_kinds

bench-alerts: setup ## Measure false-alarm rate and power of the alerts on real rows
	@$(BIN)/python -m benchmarks alerts alerts_over_time false_alarms

bench-slo: setup ## Replay synthetic outages against the alarms on the service level objectives
	@$(BIN)/python -m benchmarks service_levels

bench-scale: setup ## Compare scoring on the embedded AWS with its simulation
	@$(BIN)/python -m benchmarks scale

meter: setup ## Count the billable units of a run on the embedded AWS, and write docs/cost.md
	@$(BIN)/python -m benchmarks.cost meter

cost: setup ## Write docs/cost.md from the last count and the price file
	@$(BIN)/python -m benchmarks.cost page

scale: setup ## Simulate scoring at RATE records/s: SHARDS=... FACTOR=... CONCURRENCY=...
	@$(BIN)/python -m benchmarks.queueing --rate $(RATE) $(if $(SHARDS),--shards $(SHARDS)) $(if $(FACTOR),--factor $(FACTOR)) $(if $(CONCURRENCY),--concurrency $(CONCURRENCY))

## Models
train: setup ## Train USE_CASE and export its bundle
	@$(BIN)/python -m training train --use-case $(USE_CASE)

adopt: setup ## Take a model trained elsewhere: MODEL=models:/NAME@ALIAS REFERENCE=rows.csv ID=... TARGET=...
	@$(BIN)/python -m training adopt --model $(MODEL) --reference $(REFERENCE) --id-field $(ID) $(if $(TARGET),--target $(TARGET)) $(if $(NAME),--name $(NAME)) $(if $(PAYLOAD),--payload-field $(PAYLOAD)) $(if $(TIME),--time $(TIME)) $(if $(SEGMENTS),--segments $(SEGMENTS)) $(if $(GROUPS),--groups $(GROUPS)) $(if $(REGISTRY),--model-registry $(REGISTRY)) $(if $(TRUST_PICKLE),--trust-pickle)

search: setup ## Search hyperparameters; the best set becomes the challenger
	@$(BIN)/python -m training search --use-case $(USE_CASE)

promote: setup ## Make the challenger champion if it passes the gate
	@$(BIN)/python -m training promote --use-case $(USE_CASE)

retrain: setup ## Train a challenger on the newest labelled predictions and evaluate it
	@$(BIN)/python -m ops retrain --use-case $(USE_CASE)

new-use-case: setup ## Write a commented template for your own model: NAME=...
	@$(BIN)/python -m training new-use-case $(NAME)

mlflow: setup ## Open the MLflow UI of the local registry
	@$(BIN)/python -m training mlflow

## AWS
CANARY = $(if $(PERCENT),--percent $(PERCENT)) $(if $(MINUTES),--minutes $(MINUTES))

deploy: setup ## Train if needed, build and push the images, terraform apply, canary
	@$(BIN)/python -m ops deploy --use-case $(USE_CASE) $(CANARY)

release: setup ## Bring the champion, VERSION or IMAGE live by a canary: PERCENT of the batches, MINUTES
	@$(BIN)/python -m ops release --use-case $(USE_CASE) $(if $(VERSION),--version $(VERSION)) $(if $(IMAGE),--image $(IMAGE)) $(CANARY)

shadow: setup ## Score every record with the challenger or VERSION, too, apart from the live model: HOURS back; OFF=1 ends it
	@$(BIN)/python -m ops shadow --use-case $(USE_CASE) $(if $(VERSION),--version $(VERSION)) $(if $(IMAGE),--image $(IMAGE)) $(if $(HOURS),--hours $(HOURS)) $(if $(OFF),--off)

shadow-compare: setup ## Compare the model in shadow with the live one: predictions, errors, latency; HOURS back
	@$(BIN)/python -m ops shadow-compare --use-case $(USE_CASE) $(if $(HOURS),--hours $(HOURS))

status: setup ## Show what is live, what was live before, and an interrupted release
	@$(BIN)/python -m ops status --use-case $(USE_CASE)

plan: setup ## Show what an apply would change, by hand or by code: VERSION=..., MARKDOWN=1
	@$(BIN)/python -m ops plan --use-case $(USE_CASE) $(if $(VERSION),--version $(VERSION)) $(if $(MARKDOWN),--markdown)

rollback: setup ## Return to the image and model live before, or to a model: VERSION=...
	@$(BIN)/python -m ops rollback --use-case $(USE_CASE) $(if $(VERSION),--version $(VERSION))
	@$(if $(VERSION),$(BIN)/python -m training rollback --use-case $(USE_CASE) --version $(VERSION))

destroy: setup ## Remove everything that deploy created
	@$(BIN)/python -m ops destroy --use-case $(USE_CASE)

smoke: setup ## Test a deployment to your account: a stack of its own, removed at the end
	@$(BIN)/python -m local.smoke --use-case $(USE_CASE) $(if $(REMOVE),--remove $(REMOVE))

audit: setup ## Reconcile the last HOURS: records in, scored, rejected, duplicated, missing
	@$(BIN)/python -m ops audit --use-case $(USE_CASE) --hours $(or $(HOURS),1)

drill: setup ## Compute a verdict again from the lake alone and compare it: WINDOW=... (default: the newest)
	@$(BIN)/python -m ops drill --use-case $(USE_CASE) $(if $(WINDOW),--window $(WINDOW))

checks: setup ## Change the checks of the running stack without training: CHECKS=checks.json
	@$(BIN)/python -m ops checks --use-case $(USE_CASE) $(if $(CHECKS),--file $(CHECKS))

report: setup ## Open the report site of the running stack
	@$(BIN)/python -m local.report_site --use-case $(USE_CASE)

slack-preview: setup ## Write the JSON of a Slack message and a page that shows it
	@$(BIN)/python -m local.slack_preview

## On this machine
serve: setup ## Serve the champion, or VERSION, over HTTP on localhost, port PORT
	@$(BIN)/python -m local.serve --use-case $(USE_CASE) $(if $(VERSION),--version $(VERSION)) --port $(or $(PORT),8080)

score: setup ## Score a file without AWS: FILE=rows.csv, CSV, Parquet or JSON lines
	@$(BIN)/python -m local.score --use-case $(USE_CASE) --file $(FILE) $(if $(VERSION),--version $(VERSION)) $(if $(OUT),--out $(OUT))

put: setup ## Put a file on the input stream of the running stack: FILE=rows.csv
	@$(BIN)/python -m local.put --use-case $(USE_CASE) --file $(FILE)

event: setup ## Write Lambda's event for a file, FILE=rows.csv, and print how to call the handler
	@$(BIN)/python -m local.kinesis_event --use-case $(USE_CASE) --file $(FILE) $(if $(VERSION),--version $(VERSION))

exporter: setup ## Serve /metrics of the stack for Prometheus, port PORT
	@$(BIN)/python -m local exporter --use-case $(USE_CASE) --port $(or $(PORT),9464)

local-up: setup ## Start the embedded AWS with the champion and leave it running
	@$(BIN)/python -m local start --use-case $(USE_CASE)

local-down: setup ## Stop the embedded AWS
	@$(BIN)/python -m local stop

lock: setup ## Resolve pyproject.toml again into requirements/
	@$(LOCK) --extra dev --no-emit-package scorewatch -o requirements/dev.txt
	@for extra in predict monitor exporter; do $(LOCK) --extra $$extra --constraint requirements/dev.txt -o requirements/$$extra.txt; done
	@for extra in emulator localstack checkov; do $(LOCK) --extra $$extra -o requirements/$$extra.txt; done
	@grep '^aws-sam-cli==' requirements/rie.txt | tr -d ' \\' > .scorewatch/rie.in
	@$(subst pyproject.toml,.scorewatch/rie.in,$(LOCK)) --no-deps -o requirements/rie.txt
	@rm .scorewatch/rie.in

provider-lock: setup ## Write the Terraform provider's hashes for every platform, from the registry
	@$(BIN)/python -m ops provider-lock

base-lock: setup ## Pin the base images by their current digest, from their registries
	@$(BIN)/python -m ops base-lock

clean: ## Stop the embedded AWS; remove .venv, caches and demos, but no models
	@if $(BIN)/python -c 'import psutil' 2>/dev/null; then $(BIN)/python -m local stop --all; fi
	@rm -rf $(VENV) $(addprefix .scorewatch/,cache demo images local localstack venvs) .pytest_cache .ruff_cache .mypy_cache .hypothesis
	@echo "Clean. Next: make demo"

purge: ## Clean, and remove the registry, runs and bundles, after confirmation
	@printf '%s\n%s' "This removes every model, run and bundle in $(CURDIR)/.scorewatch permanently." "Type purge to continue: "
	@read -r answer && [ "$$answer" = purge ] || { echo; echo "Nothing was removed."; exit 1; }
	@$(MAKE) --no-print-directory clean
	@rm -rf .scorewatch
