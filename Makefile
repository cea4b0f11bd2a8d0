.DEFAULT_GOAL := help
PYTHON ?= python3
VENV := .venv
READY := $(VENV)/.ready
PARAMS ?= params.yaml
PORT ?= 5000

export PATH := $(CURDIR)/$(VENV)/bin:$(PATH)
export DVC_NO_ANALYTICS := 1
export MLFLOW_DISABLE_TELEMETRY := true
export DO_NOT_TRACK := true
export GX_ANALYTICS_ENABLED := false

help: ## Show this help
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed 's/:.*## /\t/' | expand -t 14

install: $(READY) ## Create .venv with the versions of requirements.lock

$(READY): requirements.lock pyproject.toml
	test -d $(VENV) || $(PYTHON) -m venv $(VENV)
	pip install --quiet --upgrade pip
	pip install --quiet -r requirements.lock
	pip install --quiet --no-deps --no-build-isolation -e .
	touch $@

kernel: $(READY) ## Compile the Fisher kernel for this machine (optional; needs a C++ compiler)
	python -m taskzoo.fisher.kernel

repro: $(READY) ## Run the whole pipeline (PARAMS=params/cifar.yaml TASKZOO_DATA=... for the larger zoo)
	@test $(PARAMS) = params.yaml || cp $(PARAMS) params.yaml
	@test -z "$(TASKZOO_DATA)" || $(MAKE) --no-print-directory raw
	dvc repro

raw: ## Link the files of TASKZOO_DATA to where params/cifar.yaml looks for them
	@test -d "$(TASKZOO_DATA)" || { echo "TASKZOO_DATA is '$(TASKZOO_DATA)'; expected the folder that holds cifar10_train.parquet; set it."; exit 2; }
	@mkdir -p raw/cifar10
	@ln -sfn $(abspath $(TASKZOO_DATA))/cifar10_train.parquet raw/cifar10/train.parquet
	@ln -sfn $(abspath $(TASKZOO_DATA))/cifar10_test.parquet raw/cifar10/test.parquet
	@for f in mnist_10k.npz houses.parquet blood_cells.parquet tf_efficientnet_lite0.in1k.safetensors; do ln -sfn $(abspath $(TASKZOO_DATA))/$$f raw/$$f; done

test: $(READY) ## Run linters, type checks, import rules and every test
	ruff check .
	ruff format --check .
	mypy
	lint-imports
	pytest --numprocesses logical --dist loadscope

ui: $(READY) ## Open the MLflow UI on the store that repro filled
	mlflow ui --backend-store-uri sqlite:///$(CURDIR)/mlflow.db --port $(PORT)

clean: ## Remove everything the pipeline made, the store too; keep the environment and DVC's cache
	rm -rf data data-docs validation probes fishers distances searches packages receipts recommendations comparisons report mlflow.db mlartifacts

.PHONY: help install kernel repro raw test ui clean
