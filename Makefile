# Every target sets up what it needs first; the second time that takes no time.
.DEFAULT_GOAL := help
SHELL := /bin/bash
.PHONY: help setup build test demo train-finetune train-conv clean reference-env parity-batches parity-files parity vet

DATA    ?= data/hymenoptera_data
WEIGHTS ?= IMAGENET1K_V1
EPOCHS  ?= 25
OUT     ?= runs/$@-$(shell date +%Y%m%d-%H%M%S)
ARGS    ?=

BIN := bin/hymenoptera
# The reference needs Python; see reference-env.
PYTHON := $(or $(XDG_CACHE_HOME),$(HOME)/.cache)/hymenoptera/reference-env/bin/python

help: ## show the targets
	@awk -F':.*## ' '/^[a-z-]+:.*## /{printf "  %-16s %s\n", $$1, $$2}' $(MAKEFILE_LIST)
	@echo
	@echo '  DATA=DIR WEIGHTS=FILE|none|NAME EPOCHS=N OUT=DIR ARGS="--seed 1 …" go with the train targets'

setup: ## fetch libtorch, compile the binding, vendor the modules
	@scripts/setup/setup.sh

build: setup ## build bin/hymenoptera
	@mkdir -p bin
	@go build -o $(BIN) ./cmd/hymenoptera

test: setup ## run every test
	go vet ./...
	go test ./...

demo: build ## train on generated ants and bees, offline, in about a minute
	@$(BIN) demo --out '$(OUT)' $(ARGS)

TRAIN = $(BIN) train --data '$(DATA)' --weights '$(WEIGHTS)' --epochs '$(EPOCHS)' --out '$(OUT)'

train-finetune: build ## the notebook's first run: ResNet18, every layer trained
	@$(TRAIN) --model resnet18 $(ARGS)

train-conv: build ## the notebook's second run: ResNet18 frozen, a new head trained
	@$(TRAIN) --model resnet18 --freeze $(ARGS)

clean: ## remove what was built here (not the cache, not runs/)
	rm -rf bin vendor torch/cgo_libtorch.go .vendor.partial
