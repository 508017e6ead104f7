# Everything here needs make, Python 3.11 or newer and a POSIX shell, and installs the rest into .venv.

.DEFAULT_GOAL := help
.NOTPARALLEL:
.PHONY: help run web web-dev screenshots test check compose-check faults scale attack bench bench-bombs bench-drive bench-growth bench-latency bench-memory bench-page bench-price bench-ready bench-sign-in bench-zip format schema migration lock clean

# The scripts in .venv contain the path of this folder: after a move everything is installed again.
HERE := $(shell pwd | cksum | cut -d ' ' -f 1)
VENV := .venv/made-$(HERE)
# Test files that run at the same time; the tests of a file run in order. The long ones are in the first folders. One
# more than the processors of a small machine, because many tests wait for a process or a disk.
JOBS := 3
DATABASES := sqlite postgres
RUNTIME := .venv/runtime-$(HERE)
DEV := .venv/dev-$(HERE)

PIP := .venv/bin/python -m pip --quiet --disable-pip-version-check --no-input install
INSTALL := sh requirements/install.sh
COMPILE := .venv/bin/uv --quiet pip compile --universal --python-version 3.11 --generate-hashes --no-annotate \
	--no-emit-index-url --no-emit-find-links --custom-compile-command 'make lock' $(ARGS)

define install
	@UV_COMPILE_BYTECODE=1 $(INSTALL) --require-hashes -r $(1)
	@$(INSTALL) --no-deps --no-build-isolation -e .
	@touch $@
endef

PAGE := .venv/bin/python -m page_build

# One run for each kind of database, because a process can use only one; tests without a database are in the first.
define on_each_database
	@failed=0; for database in $(DATABASES); do \
		$(1) --database=$$database $(ARGS) || failed=$$?; \
	done; exit $$failed
endef

help:
	@printf '%s\n' \
		'make run     set up and serve http://localhost:8000, and build the page beside it' \
		'make web     build the page' \
		'make web-dev  show the page as it is written, beside a running server (CLOUDKEEP_URL=http://localhost:8000)' \
		'make screenshots  take the pictures of docs/images; SCREENSHOTS=FOLDER: those of all pages, into that folder' \
		'make test    set up and run all tests (ARGS="-k name" for some; JOBS=1, 2, ...: so many files at once;' \
		'             DATABASES=sqlite or DATABASES=postgres for one of them)' \
		'make check   formatting, lint, types, layers, also of the page' \
		'make compose-check  build the image and run the proxy and the stack without an engine (docs/deployment.md)' \
		'make faults  fill a disk, cut its power, kill at every step, and 200 times at random (FAULT_KILLS, FAULT_CUTS,' \
		'             FAULT_SEED, FAULT_REPORT; DATABASES=sqlite or DATABASES=postgres for one of them); and attack an' \
		'             account in 500 ways at random (ATTACK_EXAMPLES, ATTACK_STEPS); and compare a drive with a model of it' \
		'             (DRIVE_EXAMPLES, DRIVE_COMMANDS, DRIVE_KILLS)' \
		'make scale   kill parts of a whole cluster two hundred times (SCALE_KILLS, SCALE_CHUNKS, SCALE_SEED)' \
		'make attack  attack a server, and measure how long an honest client waits (ARGS="--only NAME --from many")' \
		'make bench   measure uploads beside other servers (ARGS="--size-mib 512 --rounds 3 --json FILE")' \
		'make bench-bombs, bench-growth, bench-latency, bench-memory, bench-price, bench-ready  queries, growth, memory, time' \
		'make bench-drive  measure the drive in a large database, on both databases (ARGS="--only search --items N")' \
		'make bench-zip  download a zip file of 50 GiB, cut and resumed (ARGS="--mib 1024 --files 3")' \
		'make bench-page  measure the page in Chromium: first paint, scrolling, uploads (ARGS="--only loading --rounds 3")' \
		'make bench-sign-in  measure whether response times tell which accounts exist' \
		'make format  format the code and fix what the linter can fix' \
		'make schema  write schema/schema.graphql from the code' \
		'make migration NAME=what_changed  write a migration from the changes in the models.py files of storage/' \
		'make lock    update the locked requirements (ARGS=--upgrade for newer versions)' \
		'make clean   remove what was set up; the data folder stays'

# The build ends with the server, which takes the place of this shell and keeps its process ID.
run: $(RUNTIME)
	@($(PAGE) beside $$$$ &); exec .venv/bin/cloudkeep serve

web: $(VENV)
	@$(PAGE) build

web-dev: $(VENV)
	@exec $(PAGE) dev

screenshots: $(DEV)
	@.venv/bin/python -m pytest -q -n 0 tests/browser/page/whole/screenshots.py $(ARGS)

test: $(DEV)
	$(call on_each_database,.venv/bin/python -m pytest -n $(JOBS) --dist loadfile --no-loadscope-reorder)

check: $(DEV)
	.venv/bin/ruff format --check .
	.venv/bin/ruff check .
	.venv/bin/mypy
	.venv/bin/lint-imports
	$(PAGE) check

compose-check: $(DEV)
	@COMPOSE_CHECK=1 .venv/bin/python -m pytest tests/deployment tests/browser/page/whole/test_hosts.py $(ARGS)

faults: $(DEV)
	$(call on_each_database,FAULT_STEPS=all FAULT_KILLS=$${FAULT_KILLS:-200} ATTACK_EXAMPLES=$${ATTACK_EXAMPLES:-500} \
		DRIVE_EXAMPLES=$${DRIVE_EXAMPLES:-300} DRIVE_KILLS=$${DRIVE_KILLS:-60} \
		.venv/bin/python -m pytest -s --whole tests/faults tests/schema/accounts/attacks tests/services/drive/model)

scale: $(DEV)
	@SCALE_KILLS=$${SCALE_KILLS:-200} SCALE_CHUNKS=$${SCALE_CHUNKS:-4} \
		.venv/bin/python -m pytest -s --database=postgres tests/scale $(ARGS)

attack: $(DEV)
	@.venv/bin/python -m bench.attacks $(ARGS)

bench: $(DEV)
	@.venv/bin/python -m bench.ingest $(ARGS)

bench-bombs bench-drive bench-growth bench-latency bench-memory bench-page bench-price bench-ready: bench-%: $(DEV)
	@.venv/bin/python -m bench.$* $(ARGS)

bench-sign-in: $(DEV)
	@.venv/bin/python -m bench.sign_in_time $(ARGS)

bench-zip: $(DEV)
	@.venv/bin/python -m bench.zips $(ARGS)

format: $(DEV)
	.venv/bin/ruff format .
	.venv/bin/ruff check --fix .

schema: $(DEV)
	.venv/bin/python -m schema > schema/schema.graphql.new
	mv schema/schema.graphql.new schema/schema.graphql

migration: $(DEV)
	.venv/bin/tortoise -c storage.migrations.TORTOISE_ORM makemigrations -n $(NAME)

lock: $(VENV)
	$(COMPILE) requirements/uv.in -o requirements/uv.txt
	$(COMPILE) pyproject.toml requirements/build.in -o requirements/runtime.txt
	$(COMPILE) requirements/web.in -o requirements/web.txt
	$(COMPILE) pyproject.toml requirements/build.in --extra dev -c requirements/runtime.txt -c requirements/web.txt \
		-o requirements/dev.txt
	$(COMPILE) requirements/bench.in -c requirements/runtime.txt -o requirements/bench.txt

clean:
	rm -rf .venv web/dist web/.build web/node_modules web/graphiql/node_modules bench/.cache tests/browser/.cache tests/clients/.cache .mypy_cache .pytest_cache .ruff_cache .import_linter_cache

$(RUNTIME): $(VENV) pyproject.toml requirements/runtime.txt
	@echo 'Installing what CloudKeep needs ...'
	$(call install,requirements/runtime.txt)

$(DEV): $(VENV) pyproject.toml requirements/dev.txt
	@echo 'Installing what CloudKeep and its tests need ...'
	$(call install,requirements/dev.txt)

# A python3.x on PATH may be a shim that runs nothing, or may lack venv, so each is tried.
$(VENV): requirements/uv.txt
	@rm -rf .venv
	@for python in $(PYTHON) python3.13 python3.12 python3.11 python3; do \
		if "$$python" -c 'import ensurepip, sys, venv; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then \
			echo "Making .venv with $$python ..."; "$$python" -m venv .venv && exit; \
		fi; \
	done; \
	echo 'CloudKeep needs Python 3.11 or newer with venv (on Debian and Ubuntu: apt install python3-venv).' >&2; exit 1
	@$(PIP) --require-hashes -r requirements/uv.txt || echo 'Continuing without uv: pip takes a minute.'
	@touch $@
