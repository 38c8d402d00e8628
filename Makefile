# Every target first sets up what it needs, which takes no time when it is already there.
.DEFAULT_GOAL := help
SHELL := /bin/bash
.PHONY: help setup build test test-arm64 check-arm64 curves-arm64 demo train train-finetune train-conv train-googlenet train-all clean \
	reference-env goldens parity parity-matrix parity-ddp restart-check two-hosts parity-batches parity-files parity-pictures damaged-check check-planted parity-predict parity-onnx parity-shards fuzz parity-fuzz asan faults bench bench-memory bench-start bench-evaluate bench-growth \
	bench-reorders bench-limit bench-hotspots bench-serve bench-own-pictures bench-listing bench-ddp stress stress-serve failing-writes resume-check bench-checkpoints lint race module-path vulnerabilities dist gpu-check test-browser test-onnx examples

DATA    ?= data/hymenoptera_data
WEIGHTS ?= IMAGENET1K_V1
EPOCHS  ?= $(if $(filter parity,$(MAKECMDGOALS)),2,25)
NOW     := $(shell date +%Y%m%d-%H%M%S)
OUT     ?= runs/$@-$(NOW)
ARGS    ?=
FREEZE  ?= $(if $(filter train-googlenet,$(MAKECMDGOALS)),1)

# Threads of libtorch sleep rather than spin while they wait. That is no slower on an idle machine, and three times
# as fast if other programs use the cores too.
export OMP_WAIT_POLICY ?= passive

# ARCH=arm64 on x86-64 makes setup, build and dist work for arm64, with the program in bin/arm64.
CROSS := $(filter-out $(subst x86_64,amd64,$(subst aarch64,arm64,$(shell uname -m))),$(ARCH))
IN_ARCH = $(if $(CROSS),. vendor/.$(CROSS)/env &&)
export ARCH

BIN := bin/$(if $(CROSS),$(CROSS)/)hymenoptera
CACHE := $(or $(XDG_CACHE_HOME),$(HOME)/.cache)/hymenoptera
# One environment per list of requirements: a changed list makes a new one beside the old.
REFERENCE := $(CACHE)/reference-$(shell sha256sum scripts/reference-requirements.txt | cut -c-12)
PYTHON := $(REFERENCE)/bin/python

help: ## show the targets
	@awk -F':.*## ' '/^[a-z0-9-]+:.*## /{printf "  %-16s %s\n", $$1, $$2}' $(MAKEFILE_LIST)
	@echo
	@echo '  DATA=DIR WEIGHTS=FILE|none|NAME EPOCHS=N OUT=DIR ARGS="--seed 1 …" go with the train targets'

setup: ## fetch libtorch, compile the binding, vendor the modules
	@scripts/setup/setup.sh

build: setup ## build bin/hymenoptera (ARCH=arm64 on x86-64: bin/arm64/hymenoptera)
	@mkdir -p $(dir $(BIN))
	@$(IN_ARCH) go build -o $(BIN) ./cmd/hymenoptera

test: setup ## run every test, a package at a time: libtorch uses every core
	go test -p 1 -timeout 30m ./...
	@echo; echo 'The curves of PyTorch, compared:'; go test -run 'TestCurvesEqualPyTorch/frozen' -v ./cmd/hymenoptera | sed -n 's/^ *curves_test.go:[0-9]*: /  /p' | uniq -c

# The examples' module has no vendor folder; set-up has fetched its dependencies into set-up's module cache.
examples: setup ## build and run the examples of other modules: a training, a prediction, a custom network
	@tmp=$$(mktemp -d) && trap 'rm -rf "$$tmp"' EXIT && cd examples && \
	export GOPROXY="file://$$(go env GOMODCACHE)/cache/download,$$(go env GOPROXY)" GOMODCACHE='$(CACHE)/modules' GOFLAGS=-modcacherw && \
	go vet ./... && go build -o "$$tmp/" ./... && \
	"$$tmp/train" "$$tmp/bees" && \
	"$$tmp/classify" "$$tmp/bees/run/best.safetensors" "$$tmp/bees/data/val/bees/000.jpg" && \
	"$$tmp/own" "$$tmp/bees/data" "$$tmp/own.safetensors"

demo: build ## train on generated ants and bees, offline, in about a minute
	@$(BIN) demo --out '$(OUT)' $(ARGS)

GOOGLENET_WEIGHTS ?= IMAGENET1K_V1
TRAIN = $(BIN) train --data '$(DATA)' --weights '$(WEIGHTS)' --epochs '$(EPOCHS)' --out '$(OUT)'

GIVEN = $(filter command environment,$(firstword $(origin $(1))))
train: build ## train on your own pictures, with options that suit them: DATA=my_pictures
	@$(BIN) train --recipe auto --data '$(DATA)' --weights '$(WEIGHTS)' --out '$(OUT)' $(if $(call GIVEN,EPOCHS),--epochs '$(EPOCHS)') $(ARGS)

train-finetune: build ## the notebook's first run: ResNet18, every layer trained (fetches what is missing)
	@$(TRAIN) --model resnet18 $(ARGS)

train-conv: build ## the notebook's second run: ResNet18 frozen, a new head trained
	@$(TRAIN) --model resnet18 --freeze $(ARGS)

train-googlenet: build ## the notebook's third run: GoogLeNet frozen (FREEZE= for every layer), a new head trained
	@$(TRAIN) --model googlenet $(if $(FREEZE),--freeze) $(ARGS)

train-all: build ## the notebook's three runs, then their table and OUT/compare.html (GOOGLENET_WEIGHTS= for its third)
	@$(MAKE) --no-print-directory train-finetune OUT='$(OUT)/resnet18-finetuned'
	@$(MAKE) --no-print-directory train-conv OUT='$(OUT)/resnet18-frozen'
	@$(MAKE) --no-print-directory train-googlenet OUT='$(OUT)/googlenet-frozen' WEIGHTS='$(GOOGLENET_WEIGHTS)'
	@$(BIN) compare --html '$(OUT)/compare.html' '$(OUT)'/{resnet18-finetuned,resnet18-frozen,googlenet-frozen}

# The targets below compare with PyTorch and need its environment.
reference-env: $(REFERENCE)/.ready ## a Python environment with the reference: torch, torchvision, Pillow (4 GB)

$(REFERENCE)/.ready:
	@mkdir -p $(REFERENCE)
	@flock $(REFERENCE).lock sh -ec 'test -e $@ || { python3 -m venv --clear $(REFERENCE); \
		$(PYTHON) -m pip install --quiet --disable-pip-version-check -r scripts/reference-requirements.txt; touch $@; }'

GOLDENS := $(CACHE)/goldens-$(shell sha256sum scripts/goldens-requirements.txt | cut -c-12)
ONNX := $(CACHE)/onnx-$(shell sha256sum scripts/onnx-requirements.txt | cut -c-12)
# $(call install,FOLDER,-r FILE) puts Python packages into a folder, once.
install = test -e $(1) || { $(PYTHON) -m pip install --quiet --disable-pip-version-check --target $(1).partial $(2) && mv $(1).partial $(1); }
SAFETENSORS := $(CACHE)/safetensors-$(shell sha256sum scripts/fuzz-requirements.txt | cut -c-12)
LABELS := $(CACHE)/labels-$(shell sha256sum scripts/labels-requirements.txt | cut -c-12)
NEEDS_GOLDENS = $(call install,$(GOLDENS),-r scripts/goldens-requirements.txt)
NEEDS_ONNX = $(call install,$(ONNX),-r scripts/onnx-requirements.txt)
# make_odd_pictures.py reads what make_fixtures.py writes, and make_curves.py what make_set.go writes.
GENERATORS := make_hostile.py make_checkpoints.py make_fixtures.py make_exif_pictures.py make_odd_pictures.py make_goldens.py make_vision_goldens.py make_module_goldens.py \
	make_gradcam_goldens.py make_network_goldens.py make_report_goldens.py make_curves.py
goldens: setup reference-env ## write every committed fixture again; fail if one differs from the committed file (scripts/README.md)
	@$(NEEDS_GOLDENS)
	rm -rf cmd/hymenoptera/testdata/insects dataset/testdata/images checkpoint/testdata
	go run scripts/make_set.go cmd/hymenoptera/testdata/insects
	@set -e; for g in $(GENERATORS); do echo "scripts/$$g"; PYTHONHASHSEED=0 PYTHONPATH=$(GOLDENS) $(PYTHON) -W ignore scripts/$$g; done
	@$(call install,$(LABELS),--no-deps -r scripts/labels-requirements.txt)
	@PYTHONPATH=$(GOLDENS):$(LABELS) $(PYTHON) -W ignore scripts/make_label_goldens.py
	@$(NEEDS_ONNX)
	@PYTHONPATH=$(ONNX) $(PYTHON) -W ignore scripts/make_onnx_golden.py
	@changed=$$(git status --porcelain -- ':(glob)**/testdata/**'); \
		if [ -n "$$changed" ]; then echo "not as committed:"; echo "$$changed"; exit 1; fi; echo "every fixture is as committed"

# parity takes the command's training options as variables; empty ones keep the default.
option = $(if $($(2)),--$(1) $($(2)))
parity: build reference-env ## the same training in Go and Python, compared bit by bit (EPOCHS=2 SEED= THREADS= …)
	@$(PYTHON) scripts/parity.py --data '$(DATA)' --weights '$(WEIGHTS)' --epochs $(EPOCHS) $(if $(FREEZE),--freeze) \
		$(call option,model,MODEL) $(call option,seed,SEED) $(call option,threads,THREADS) \
		$(call option,workers,WORKERS) $(call option,batch-size,BATCH) $(call option,image-size,IMAGE_SIZE) \
		$(call option,optimizer,OPTIMIZER) $(call option,scheduler,SCHEDULER) $(ARGS)

SEEDS = 0,1,42
parity-batches: setup reference-env ## every batch of the DataLoader, by SHA-256: SEEDS, two epochs, 0 to 4 workers
	@tmp=$$(mktemp -d) && trap 'rm -rf "$$tmp"' EXIT && \
	$(PYTHON) -W ignore scripts/reference_batches.py --data '$(DATA)' --seeds $(SEEDS) $(ARGS) >"$$tmp/python" && \
	go run ./internal/tools/batches --data '$(DATA)' --seeds $(SEEDS) $(ARGS) >"$$tmp/go" && \
	test -s "$$tmp/go" && diff "$$tmp/python" "$$tmp/go" && echo "$$(wc -l <"$$tmp/go") batches, all equal"

parity-matrix: build reference-env ## eight such trainings that cover threads, workers, seeds and batch sizes pairwise
	@scripts/parity_matrix.sh $(PYTHON) '$(DATA)' '$(WEIGHTS)'

PROCESSES ?= 2
parity-ddp: build reference-env ## PROCESSES=2 on the CPU against DistributedDataParallel with gloo, under torchrun, bit for bit (EPOCHS=2)
	@$(PYTHON) -W ignore scripts/parity_ddp.py --processes $(PROCESSES) --data '$(DATA)' --weights '$(WEIGHTS)' \
		--epochs $(if $(call GIVEN,EPOCHS),$(EPOCHS),2) --threads 1 $(ARGS)

parity-files: setup reference-env ## weights files written in Python and read in Go, and the other way round
	@$(PYTHON) -W ignore scripts/parity_files.py $(ARGS)

PICTURES ?= dataset/testdata
DAMAGED ?= 1000
parity-pictures: setup reference-env ## pictures of a folder and DAMAGED copies of them, against Pillow's pixels (PICTURES=)
	@$(PYTHON) scripts/parity_pictures.py '$(PICTURES)' --damaged $(DAMAGED) $(ARGS)

check-planted: build reference-env ## plant copies and flipped labels in sets (DATA='NAME=FOLDER …'), show how many check finds (WEIGHTS=FILE for labels)
	@$(PYTHON) scripts/check_planted.py $(DATA) $(if $(call GIVEN,WEIGHTS),--weights '$(WEIGHTS)') $(ARGS)

damaged-check: setup reference-env ## 1,000 damaged copies of DATA's pictures, as JPEG, PNG, TIFF and WebP, against Pillow (ARGS='--seed 1')
	@$(PYTHON) scripts/damaged_check.py '$(DATA)' $(ARGS)

parity-predict: build reference-env ## logits of every validation image, against torchvision's on the exported .pth (CHECKPOINT=FILE)
	@$(PYTHON) -W ignore scripts/parity_predict.py --data '$(DATA)' $(call option,checkpoint,CHECKPOINT) $(ARGS)

parity-onnx: build reference-env ## exported ONNX files, run by onnxruntime, against predict (CHECKPOINT=FILE)
	@$(NEEDS_ONNX)
	@PYTHONPATH=$(ONNX) $(PYTHON) scripts/parity_onnx.py --data '$(DATA)' $(call option,checkpoint,CHECKPOINT) $(ARGS)

WEBDATASET := $(CACHE)/webdataset-$(shell sha256sum scripts/webdataset-requirements.txt | cut -c-12)
parity-shards: build reference-env ## shards against the package webdataset, both ways
	@$(call install,$(WEBDATASET),--no-deps -r scripts/webdataset-requirements.txt)
	@PYTHONPATH=$(WEBDATASET) $(PYTHON) scripts/parity_shards.py '$(DATA)'

# Executions, not seconds: before Go 1.27, the coordinator can report its own deadline as a failure (golang/go#75804).
FUZZTIME ?= 100000x
FUZZ ?= ^Fuzz
FUZZED ?= $(shell git grep -l '^func Fuzz' -- '*_test.go' | xargs -n 1 dirname | sort -u)
fuzz: setup ## every fuzz target for FUZZTIME=100000x (FUZZ=PATTERN: these only): executions, and inputs that reached new code
	@set -eo pipefail; for p in $(FUZZED); do \
		for t in $$(go test -list '$(FUZZ)' ./$$p | grep ^Fuzz); do \
			printf '%-16s %-20s ' $$p $$t; \
			go test -run '^$$' -fuzz "^$$t$$" -fuzztime $(FUZZTIME) -fuzzminimizetime 10x ./$$p >fuzz.log 2>&1 || { cat fuzz.log; exit 1; }; \
			sed -n 's/^fuzz: elapsed: \([^,]*\), \(execs: [0-9]*\).*\(new interesting.*\)/\1 \2, \3/p' fuzz.log | tail -1; \
		done; \
	done; rm fuzz.log

# The skipped tests measure memory, and AddressSanitizer uses more of it.
asan: setup ## this module's C and C++ under AddressSanitizer: tests, and the inputs that the fuzz targets of pictures collected
	go test -asan -count 1 ./internal/inflate ./internal/jpeg ./internal/tiff ./internal/webp
	go test -asan -count 1 -skip 'SteadyState|Memory' ./dataset
	ASAN_OPTIONS=allocator_may_return_null=1 go test -asan -count 1 -skip 'LeakNothing' ./torch
	GOFLAGS=-asan $(MAKE) --no-print-directory fuzz FUZZED='internal/inflate internal/jpeg internal/tiff internal/webp dataset' FUZZTIME=5000x

parity-fuzz: setup reference-env ## what the fuzz targets collected, and damaged files of weights, against torch.load, safetensors and Pillow
	@$(call install,$(SAFETENSORS),--no-deps -r scripts/fuzz-requirements.txt)
	@PYTHONPATH=$(SAFETENSORS) $(PYTHON) -W ignore scripts/parity_fuzz.py $(ARGS)

PURE := ./checkpoint ./hub ./metrics ./onnx ./report ./run ./transforms ./internal/background ./internal/cli ./internal/disk ./internal/escape ./internal/launch ./internal/machine ./internal/mt19937 ./internal/synth ./internal/text ./internal/version
lint: setup ## gofmt, go vet, staticcheck; the packages that are pure Go, built and tested without cgo, and for arm64
	@files=$$(git ls-files '*.go' | xargs gofmt -l); [ -z "$$files" ] || { echo "not as gofmt writes them: $$files"; exit 1; }
	go vet ./...
	go tool staticcheck ./...
	CGO_ENABLED=0 go test $(PURE)
	CGO_ENABLED=0 scripts/fused.sh $(PURE)

test-arm64: ## on x86-64, the tests of arm64 in an emulator (hours; ARGS='./torch ./zoo': of these packages)
	@ARCH=arm64 scripts/setup/setup.sh
	@scripts/test_arm64.sh $(ARGS)

check-arm64: build ## on x86-64, the archive of arm64 in a bare Debian in an emulator: doctor, a training, predict against x86-64
	@$(MAKE) --no-print-directory dist ARCH=arm64
	@scripts/check_arm64.sh dist/hymenoptera-*-linux-arm64.tar.gz '$(DATA)' '$(WEIGHTS)'

curves-arm64: ## on x86-64, the curves of PyTorch for arm64, in an emulator (half an hour, 5 GB)
	@ARCH=arm64 scripts/setup/setup.sh
	@scripts/curves_arm64.sh

failing-writes: setup ## fail every write, fsync, rename and close of a training in turn; fill real small disks (needs mount)
	go test -count 1 -run 'TestFail' -v ./run
	go test -count 1 -timeout 2h -run 'TestFailing' -v ./finetune -every
	go test -count 1 -run 'TestTrainings/full_disk' -v ./cmd/hymenoptera

resume-check: build ## kill RUNS=20 small trainings at random moments, resume them, compare with ones never killed
	@python3 scripts/resume_check.py --runs $(or $(RUNS),20) $(ARGS)

restart-check: build ## kill a process of RUNS=20 trainings by PROCESSES=2, resume them; compare with ones never killed
	@python3 scripts/restart_check.py --runs $(or $(RUNS),20) --processes $(PROCESSES) $(ARGS)

two-hosts: build ## train on two hosts made of network namespaces, with late and lost packets and a cut (needs root)
	@scripts/two_hosts.sh

race: setup ## the tests of the packages that start goroutines, under the race detector
	go test -race -p 1 -timeout 1h ./internal/background ./internal/cli ./internal/launch ./check ./checkpoint ./dataset ./shards ./hub ./run ./trainer ./finetune ./classify ./serve ./cmd/hymenoptera

vulnerabilities: setup ## fail if a fault is known in a dependency; says so if the database cannot be reached
	@scripts/vulnerabilities.sh

faults: setup ## put one-line faults into a copy of the tree; show which test catches each
	@python3 scripts/faults.py

bench: build reference-env ## against Python, in interleaved pairs: ratios of an epoch's time, of its memory, and of the data path's time
	@$(PYTHON) bench/epoch.py --data '$(DATA)' --weights '$(WEIGHTS)' $(ARGS)
	@$(PYTHON) bench/memory.py --data '$(DATA)' --weights '$(WEIGHTS)'
	@$(PYTHON) bench/data.py --data '$(DATA)'

bench-memory: build reference-env ## peak memory of trainings against Python's; ARGS='--epochs 3' keeps decoded images
	@$(PYTHON) bench/memory.py --data '$(DATA)' --weights '$(WEIGHTS)' $(ARGS)

bench-start: build reference-env ## from the start of the process to the first prediction and to the first training step, against Python
	@$(PYTHON) bench/start.py --data '$(DATA)' --weights '$(WEIGHTS)' $(ARGS)

bench-evaluate: build reference-env ## eval and predict over the validation pictures, against Python
	@$(PYTHON) bench/evaluate.py --data '$(DATA)' $(ARGS)

bench-checkpoints: build ## an epoch with checkpoints against one of a build from before them (OLD=PROGRAM)
	@python3 bench/checkpoints.py --data '$(DATA)' --weights '$(WEIGHTS)' --old '$(OLD)' $(ARGS)

bench-growth: setup reference-env ## listing 1,000 to 100,000 files, and the data path's time a sample over 250 to 25,000 pictures
	@$(PYTHON) bench/growth.py --data '$(DATA)' $(ARGS)

bench-reorders: build reference-env ## how often oneDNN copies tensors into other layouts, in a training and a validation step
	@$(PYTHON) bench/reorders.py --data '$(DATA)' --weights '$(WEIGHTS)' $(ARGS)

bench-limit: build reference-env ## FLOP/s of only ResNet18's convolutions, and the share of them that training reaches
	@$(PYTHON) bench/convolutions.py --data '$(DATA)' --weights '$(WEIGHTS)' $(ARGS)

bench-hotspots: build reference-env ## where the processor's time of an epoch goes (needs perf: apt-get install linux-perf)
	@$(PYTHON) bench/hotspots.py --data '$(DATA)' --weights '$(WEIGHTS)' $(ARGS)

stress: setup ## 10,000 steps of a small network, 200 of ResNet18: handles, memory, goroutines, descriptors; some minutes
	go test -count 1 -timeout 2h -v -run TestTraining ./internal/stress $(or $(ARGS),-small 10000 -resnet 200)

BENCH_SERVE := $(CACHE)/bench-serve-$(shell sha256sum bench/requirements-serve.txt | cut -c-12)
bench-serve: build reference-env ## serve against FastAPI and uvicorn: requests/s of 32 clients, in turn; memory by round
	@$(call install,$(BENCH_SERVE),-r bench/requirements-serve.txt)
	@PYTHONPATH=$(BENCH_SERVE) $(PYTHON) bench/serve.py --data '$(DATA)' $(ARGS)

FASTAI := $(CACHE)/fastai-$(shell sha256sum bench/requirements-fastai.txt | cut -c-12)
bench-listing: build ## a million images as files and as shards: time and memory to list them, and how long a training waits for them
	@python3 bench/listing.py $(ARGS)

bench-ddp: build reference-env ## images per second of 2 processes x 1 thread, against 1 x 2, and against PyTorch's 2 x 1
	@$(PYTHON) bench/ddp.py '$(DATA)' '$(WEIGHTS)' $(ARGS)

bench-own-pictures: build reference-env ## the recipes notebook and auto and fastai's fine_tune on folders of pictures: ARGS='--weights FILE NAME=FOLDER …'
	@$(NEEDS_GOLDENS)
	@$(call install,$(FASTAI),--no-deps -r bench/requirements-fastai.txt)
	@PYTHONPATH=$(FASTAI):$(GOLDENS) $(PYTHON) bench/own_pictures.py $(ARGS)

stress-serve: build ## attack serve (slow bodies, pictures that take much memory or time), beside honest clients: MEMORY=1G CHECKPOINT=FILE; ARGS="-soak 30m" only watches its memory
	go test -count 1 -timeout 2h -v -run 'TestAttacks|TestSoak' ./internal/stress -program '$(abspath $(BIN))' -checkpoint '$(abspath $(CHECKPOINT))' -pictures '$(abspath $(DATA))/val' $(if $(MEMORY),-memory '$(MEMORY)') $(ARGS)

module-path: ## change the path of this module in go.mod and in all imports (MODULE=github.com/you/hymenoptera)
	@scripts/module_path.sh '$(MODULE)'

dist: build ## a folder and an archive in dist/ that run without Go, Python or a compiler
	@$(IN_ARCH) scripts/dist.sh $(BIN)

gpu-check: setup ## build what checks the CUDA code on a machine with a GPU, and run it if this is one
	@scripts/gpu_check.sh '$(DATA)' '$(WEIGHTS)'

# The pages in a browser: needs Chromium, node and npm (Debian: apt-get install chromium npm).
test-browser: build ## open reports of real runs and a comparison in headless Chromium; screenshots in runs/test-browser
	@scripts/browser/test.sh runs/test-browser

test-onnx: build reference-env ## examples/onnx-go, and examples/onnx-web in headless Chromium, against predict (CHECKPOINT=FILE)
	@$(NEEDS_ONNX)
	@ONNX=$(ONNX) scripts/browser/onnx.sh '$(DATA)' '$(CHECKPOINT)'

clean: ## remove what was built here (not the cache, not runs/)
	rm -rf bin dist vendor torch/cgo_libtorch.go torch/dist/cgo_libtorch.go internal/*/cgo_*.go .vendor.partial
