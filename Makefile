# Everything a person or CI does with this repository. `make` alone lists the targets.

SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help

# One setting of cgo for builds, tests and the local stack lets them share the compiler's cache; the race detector needs cgo
# and turns it on for itself.
export CGO_ENABLED ?= 0

LOCAL := $(or $(GENNAKER_LOCAL),.local)
STACK := $(LOCAL)/bin/stack
DEMO := go run ./deploy/local/cmd/demo

.PHONY: help
help: ## List the targets
	@awk 'BEGIN {FS = ":.*## "} /^[a-z-]+:.*## / {printf "  make %-10s %s\n", $$1, $$2} /^##@ / {printf "\n%s\n", substr($$0, 5)}' $(MAKEFILE_LIST)
	@echo

##@ The local stack

# The stack's own program must be run as a file: `go run` would stand between it and the terminal's signals.
.PHONY: $(STACK)
$(STACK):
	@mkdir -p $(@D)
	@go build -o $@ ./deploy/local/cmd/stack

.PHONY: up
up: setup-stack $(STACK) ## Build what is missing, start everything, run until Ctrl-C
	@exec $(STACK) up

.PHONY: down
down: $(STACK) ## Stop the stack
	@exec $(STACK) down

.PHONY: reset
reset: $(STACK) ## Remove the stack's state (FORCE=1 does not ask)
	@exec $(STACK) reset

.PHONY: status
status: $(STACK) ## Show each part of the running stack
	@exec $(STACK) status

.PHONY: demo
demo: ## Run the sample's pipeline on the running stack (PIPELINE=FILE: another one)
	@$(DEMO) $(if $(PIPELINE),--pipeline=$(PIPELINE) --application=$(or $(APPLICATION),sample) --name="$(or $(NAME),Demo)")

.PHONY: istio-crds
istio-crds: ## Install Istio's resource definitions and the namespace demo into the cluster
	@$(DEMO) istio

##@ Work on the code

.PHONY: setup
setup: ## Install what tests and the stack need (Debian, Ubuntu)
	@scripts/setup.sh all

# The stack itself needs no package of the system; Go, Node and npm must be there.
.PHONY: setup-stack
setup-stack:
	@scripts/setup.sh stack

.PHONY: build
build: setup-stack $(STACK) ## Build the servers, the web UI and the product
	@exec $(STACK) build

.PHONY: web
web: ## Build the web UI into deck/dist
	@scripts/web.sh build

.PHONY: test
test: setup ## Run all tests against real servers
	@exec scripts/test.sh

.PHONY: check
check: setup ## Lint, race detector, generated files, web checks: what CI asks besides the tests
	@exec scripts/check.sh

.PHONY: lint
lint: ## Lint the Go code
	@exec scripts/check.sh lint

.PHONY: fmt
fmt: ## Format the Go code and the web UI
	@gofmt -w $$(git ls-files '*.go')
	@scripts/web.sh format

.PHONY: gen
gen: ## Write the generated files
	@exec scripts/check.sh write

.PHONY: bench
bench: setup $(STACK) ## Measure against bare Temporal (SQLite, PostgreSQL) and kubectl; writes .local/bench.json
	@$(STACK) build --servers --kubectl
	@exec go run ./e2e/bench --database sqlite,postgres

.PHONY: chaos
chaos: setup ## Kill parts for minutes while executions run (RUNS=200, SEED=NUMBER)
	@GENNAKER_CHAOS_RUNS=$(or $(RUNS),200) GENNAKER_CHAOS_SEED=$(SEED) exec scripts/test.sh -count=1 -v -run '^TestChaos$$' ./e2e
