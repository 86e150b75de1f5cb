# The commands of this project; `make help` lists them. Paths are relative, so any folder name will do.
.PHONY: help run reset play later demo test crash drill bench bench-ledger check lint-api clients fuzz locks clean
python = .venv/bin/python

help: ## list the commands
	@sed -n 's/^\([a-z-]*\):.*## /  make \1	/p' Makefile

run: ## start the exchange at 127.0.0.1:8000 (PORT=8001 make run for another port); Ctrl-C stops it
	@sh requirements/install.sh run
	@$(python) -m config.run

reset: ## empty the demo exchange and load it anew, while `make run` serves it or not
	@sh requirements/install.sh run
	@$(python) -m config.reset

play: ## let the other side of the running demo exchange act: make play SCRIPT=accepts; without SCRIPT, says which there are
	@sh requirements/install.sh run
	@$(python) -m config.demo.play

later: ## let deadlines of the running demo exchange come, as if HOURS had passed: make later HOURS=480
	@sh requirements/install.sh run
	@$(python) manage.py demo_later --hours $(or $(HOURS),0)

demo: ## play one referral's whole story against a server of its own
	@sh requirements/install.sh run
	@$(python) -m config.demo.story

test: ## run the tests; ARGS="-k consent" chooses among them
	@sh requirements/install.sh dev
	@$(python) -m pytest $(ARGS)

crash: ## kill workers and database while clients read and withdraw, and check that no promise broke (SECONDS=300)
	@sh requirements/install.sh dev
	@$(python) -m tests.crash.run --seconds $(or $(SECONDS),300) $(if $(SEED),--seed $(SEED))

drill: ## back up, destroy and restore an exchange, and say how long each step took
	@sh requirements/install.sh dev
	@$(python) -m tests.drill.run

bench: ## measure the ledger: a whole log checked, and what the strength "sealed" costs
	@sh requirements/install.sh dev
	@$(python) -m bench.verification
	@$(python) -m bench.strength

bench-ledger: ## measure a large ledger: written, sealed, proven, searched, checked (ENTRIES=10000000)
	@sh requirements/install.sh run
	@$(python) -m bench.ledger --entries $(or $(ENTRIES),1000000)

check: ## run the gates: format, lint, types, import contracts, migrations, the committed contract
	@sh requirements/install.sh dev
	$(python) -m ruff format --check .
	$(python) -m ruff check .
	$(python) -m mypy .
	.venv/bin/lint-imports
	$(python) -m config.with_database manage.py makemigrations --check --dry-run
	$(python) -m config.with_database -m config.online
	$(python) -m config.configuration
	$(python) -m api_schema.drift
	@sh api_schema/lint/run.sh

lint-api: ## lint the committed contract with Spectral's OpenAPI and OWASP rule sets (needs node 18 or newer)
	@LINT_API=required sh api_schema/lint/run.sh

clients: ## generate clients in Python, TypeScript and Java from the contract, compile them, and let them play the main job
	@sh requirements/install.sh run
	@$(python) -m clients.run

fuzz: ## ask a server of its own all that the contract allows and forbids, as each role (ARGS="--examples 200 auditor")
	@sh requirements/install.sh dev
	@$(python) -m tests.journeys.fuzzing $(ARGS)

locks: ## write requirements/*.txt anew from requirements/*.in (needs uv)
	cd requirements && uv pip compile --quiet --upgrade --universal --python-version 3.11 --generate-hashes --no-emit-index-url dev.in -o dev.txt
	cd requirements && uv pip compile --quiet --upgrade --universal --python-version 3.11 --generate-hashes --no-emit-index-url run.in -o run.txt -c dev.txt
	cd requirements && uv pip compile --quiet --upgrade --universal --python-version 3.11 --generate-hashes --no-emit-index-url clients.in -o clients.txt

clean: ## remove .venv and caches; the data in var/ stays
	rm -rf .venv .venv-clients .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
