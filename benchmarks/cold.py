"""What a fresh process pays: `python -m benchmarks.cold [--rounds 15]`.

`import turnwire` beyond Python's own start, the heavy modules it brings (none of `HEAVY` may be among them), and the
time to the first prompt and the first reply with a real tokenizer. Each row is a process of its own, in turns with a
bare Python, from warm file caches and compiled modules, as pip leaves them; phases are timed inside the process.
"""

from __future__ import annotations

import argparse
import compileall
import json
import os
import resource
import statistics
import subprocess
import sys
import time
from pathlib import Path

from tests.families import official
from tests.real import cache_dir, o200k_harmony, qwen3

from .measure import machine, table, versions

HEAVY = ("tokenizers", "jinja2", "jsonschema", "referencing", "pydantic", "numpy", "transformers", "tiktoken")
ROOT = Path(__file__).resolve().parent.parent

PHASES = """
import json, sys, time
before, at, spent = set(sys.modules), time.perf_counter(), {{}}
def mark(name):
    global at
    now = time.perf_counter()
    spent[name], at = (now - at) * 1e3, now
{code}
print(json.dumps([spent, sorted(set(sys.modules) - before)]))
"""

IMPORT = """
import turnwire
mark("import")
"""

NAMES = """
import turnwire
mark("import")
for name in turnwire.__all__:
    getattr(turnwire, name)
mark("all names")
"""

FORMAT = """
import turnwire
mark("import")
fmt = turnwire.get_format({name!r})
mark("format")
"""

PROMPT = """
import turnwire
mark("import")
fmt = turnwire.get_format({name!r})
mark("format")
tok = turnwire.load_tokenizer({path!r})
mark("tokenizer")
ids = fmt.render([{{"role": "user", "content": "Hi"}}], tokenizer=tok, add_generation_prompt=True).ids
mark("first prompt")
"""

PARSER = (
    PROMPT
    + """
parser = fmt.parser(tok)
events = parser.feed(tok.encode("Hello")) + parser.close("stop")
mark("first reply")
"""
)

FLOOR = """
from tokenizers import Tokenizer
mark("import")
tok = Tokenizer.from_file({path!r})
mark("tokenizer")
ids = tok.encode("Hi", add_special_tokens=False).ids
mark("first prompt")
"""


BY_HAND = """
import json
from jinja2.sandbox import ImmutableSandboxedEnvironment
from tokenizers import Tokenizer
mark("import")
tok = Tokenizer.from_file({path!r})
mark("tokenizer")
env = ImmutableSandboxedEnvironment(trim_blocks=True, lstrip_blocks=True)
env.filters["tojson"] = lambda value, **kwargs: json.dumps(value, ensure_ascii=False)
template = env.from_string(open({template!r}, encoding="utf-8").read())
text = template.render(messages=[{{"role": "user", "content": "Hi"}}], add_generation_prompt=True)
ids = tok.encode(text, add_special_tokens=False).ids
mark("first prompt")
"""
HAND = "qwen3: tokenizers and jinja2 by hand"


def run(code: str) -> tuple[float, float, dict[str, float], list[str]]:
    """Milliseconds of the whole process, of its processors, of its phases, and the modules it loaded."""
    env = {**os.environ, "PYTHONPATH": str(ROOT), "TOKENIZERS_PARALLELISM": "false"}
    used, start = _used(), time.perf_counter()
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, env=env)
    spent = (time.perf_counter() - start) * 1e3
    phases, modules = json.loads(done.stdout or "[{}, []]")
    return spent, (_used() - used) * 1e3, phases, modules


def _used() -> float:
    """Seconds of processor that processes started from here took, as far as they have ended."""
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime


def built(name: str) -> str:
    """A tokenizer.json of a real vocabulary, as tests.real keeps it."""
    tokenizer = qwen3() if name == "qwen3" else o200k_harmony()
    path = cache_dir() / f"bench-{name}.json"
    path.write_text(tokenizer.backend.to_str(), encoding="utf-8")
    return str(path)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=11)
    parser.add_argument("--markdown", action="store_true")
    args = parser.parse_args()
    compileall.compile_dir(ROOT / "turnwire", quiet=1)
    rows = {"python -c pass": "pass", "import turnwire": PHASES.format(code=IMPORT)}
    rows["import turnwire, all its names"] = PHASES.format(code=NAMES)
    for name in ("qwen3", "harmony"):
        path = built(name)
        rows |= {
            f"{name}: get_format": PHASES.format(code=FORMAT.format(name=name)),
            f"{name}: first prompt": PHASES.format(code=PROMPT.format(name=name, path=path)),
            f"{name}: first prompt and first reply": PHASES.format(code=PARSER.format(name=name, path=path)),
            f"{name}: tokenizers alone, from_file and encode": PHASES.format(code=FLOOR.format(path=path)),
        }
    template = cache_dir() / "bench-qwen3.jinja"
    template.write_text(official.template("qwen3"), encoding="utf-8")
    rows[HAND] = PHASES.format(code=BY_HAND.format(path=built("qwen3"), template=str(template)))
    walls: dict[str, list[float]] = {row: [] for row in rows}
    used: dict[str, list[float]] = {row: [] for row in rows}
    phases: dict[str, dict[str, list[float]]] = {row: {} for row in rows}
    heavy: dict[str, list[str]] = {}
    for n in range(-1, args.rounds):
        for row, code in rows.items():
            wall, processor, spent, modules = run(code)
            heavy[row] = sorted({m.split(".")[0] for m in modules} & set(HEAVY))
            if n >= 0:
                walls[row].append(wall)
                used[row].append(processor)
                for phase, ms in spent.items():
                    phases[row].setdefault(phase, []).append(ms)
    print(f"{machine()}; {versions('tokenizers')}; medians of {args.rounds} rounds.\n")
    lines: list[list[str]] = []
    for row in rows:
        beyond = statistics.median(a - b for a, b in zip(walls[row], walls["python -c pass"]))
        parts = ", ".join(f"{phase} {statistics.median(ms):.1f}" for phase, ms in phases[row].items())
        lines.append(
            [row, f"{statistics.median(walls[row]):.0f}", f"{beyond:.1f}", parts, " ".join(heavy[row]) or "none"]
        )
    print(table(["ms", "process", "beyond Python", "phases", "heavy modules"], lines, args.markdown))
    clock, processor = (
        statistics.median(a / b for a, b in zip(times["qwen3: first prompt"], times[HAND])) for times in (walls, used)
    )
    print(
        f"\nqwen3's first prompt takes {processor:.2f} times the processor time of {HAND.partition(': ')[2]}, "
        f"{clock:.2f} times by the clock."
    )


if __name__ == "__main__":
    main()
