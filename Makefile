# A thin door to the npm scripts and docker compose; the work is done there.
COMPOSE = docker compose --env-file .orchestrator/compose.env

.PHONY: deps dev-up run test test-all coverage benchmark lint fmt check migrate-up build build-linux \
        docker-build compose-env compose-up compose-logs compose-down clean help
.DEFAULT_GOAL := help

deps: ## install the packages of the lock file
	npm ci

dev-up: compose-env ## PostgreSQL, Temporal with its Web UI, and Redis in containers
	$(COMPOSE) up --detach --wait postgres temporal temporal-ui redis
	$(COMPOSE) run --rm temporal-setup

run: ## the whole stack, embedded; Ctrl-C stops it
	npm start

test: ## all tests; installs what they need
	npm test

test-all: test ## the same: npm test leaves nothing out

coverage: ## all tests, with a report in coverage/
	npm test -- --coverage

benchmark: ## the figures, side by side with the raw Temporal SDK
	npm run bench

lint: ## ESLint
	npm run lint

fmt: ## Prettier, in place
	npm run format

check: ## what CI runs
	npm run check

migrate-up: ## apply missing migrations to ORCHESTRATOR_DATABASE_URL
	npm run migrate

build: ## compile to dist/
	npm run build

build-linux: ## the image for linux/amd64
	docker build --platform linux/amd64 --target runtime --tag orchestrator:latest .

docker-build: ## the image for this machine
	docker build --target runtime --tag orchestrator:latest .

compose-env:
	@sh ops/compose-env.sh .orchestrator/compose.env

compose-up: compose-env ## everything in containers
	$(COMPOSE) up --build --detach

compose-logs: compose-env ## follow the logs of the containers
	$(COMPOSE) logs --follow

compose-down: compose-env ## stop the containers; the data stays
	$(COMPOSE) down

clean: ## remove what was built; data and packages stay
	rm -rf dist coverage

help: ## this list
	@grep -E '^[a-z-]+:.*##' Makefile | sed -E 's/^([a-z-]+):.*## (.*)/  \1\t\2/' | expand -t 16
