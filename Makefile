# Fanfare. `make` alone lists what there is.
.DEFAULT_GOAL := help
export CGO_ENABLED ?= 0
GO ?= go
VERSION ?= $(shell git describe --tags --always --dirty 2>/dev/null || echo dev)
LDFLAGS := -s -w -X github.com/fanfare/fanfare/server.Version=$(VERSION)

.PHONY: help demo test build lint vet race laws bench soak needs image clean

help: ## list the targets
	@grep -hE '^[a-z]+:.*##' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "  make %-8s %s\n", $$1, $$2}'

demo: ## run everything against a simulated Microsoft tenant: make demo ARGS="-people 20000"
	$(GO) run ./cmd/demo $(ARGS)

# The stories of whole servers keep time: beside the tests of other packages two
# cores are not enough for them, so they come last, alone.
OTHERS = $$($(GO) list ./... | grep -v '/server$$')

test: needs ## run every test (brings PostgreSQL and Chromium from the system's packages if absent)
	$(GO) test -timeout 20m $(OTHERS)
	$(GO) test -timeout 20m ./server

build: ## build bin/fanfare, one static file
	$(GO) build -trimpath -ldflags '$(LDFLAGS)' -o bin/fanfare ./cmd/fanfare

lint: ## golangci-lint, with the house's own rules (builds the linter the first time)
	$(GO) tool -modfile=tools/go.mod golangci-lint run --timeout 20m

vet: ## go vet, the Graph rooms in a step of their own because the SDK is large
	$(GO) vet $$($(GO) list ./... | grep -vE '/(graph|graphinstall|directory|server|cmd/demo|cmd/fanfare)$$')
	$(GO) vet ./graph ./graphinstall ./directory ./server ./cmd/demo ./cmd/fanfare

race: ## run the tests again under the race detector (needs a C compiler)
	CGO_ENABLED=1 $(GO) test -race -timeout 30m $(OTHERS)
	CGO_ENABLED=1 $(GO) test -race -timeout 30m ./server

laws: ## the laws of the house: who may know whom, and how large things may grow
	$(GO) test -count=1 -run '^TestLaw' .

bench: needs ## measure, and write docs/performance.md: make bench BENCH=Fanout (bench/doc.go lists the parts)
	$(GO) test ./bench -count=1 -timeout 24h -v -run '^TestMeasure$$' -measure '$(or $(BENCH),.)' -document $(CURDIR)/docs/performance.md

soak: needs ## three replicas, 20,000 people and every misfortune: make soak FOR=10m SEED=42
	FANFARE_SOAK=$(or $(FOR),2m) FANFARE_SOAK_SEED=$(SEED) $(GO) test ./server -count=1 -timeout 3h -v -run '^TestSoak$$'

needs: ## install what the tests need, where this machine allows it
	@sh scripts/needs.sh

image: ## build the container image
	docker build -t fanfare:$(VERSION) --build-arg VERSION=$(VERSION) .

clean: ## remove what was built
	rm -rf bin
