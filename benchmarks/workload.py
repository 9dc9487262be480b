"""Inputs of the benchmarks: made from fixed word lists and seeds, so that every run and machine has the same.

`completion(size)` is what a model writes (reasoning, text, calls with file writes), spelled in a syntax by `qwen3`,
`qwen3_coder` and `harmony` without any help of turnwire; `conversation(turns)` is an agent's history.
"""

from __future__ import annotations

import json
import random
from dataclasses import dataclass
from typing import Any

SIZES = {"2k": 1, "20k": 10, "200k": 100}  # tokens, about
TURNS = (1, 10, 50, 200)

_WORDS = (
    "the of and to in a is that for it as was with be by on not this but are have from or an they which one all "
    "would there we can when who will more no if out so what up time about than into could state only new year some "
    "take come these know see use get like then first any work now may such give over think most even find day also "
    "after way many must look before great back through long where much should well people down own just because good "
    "each those feel seem how high too place little world very still nation hand old life tell write become here show "
    "function parser buffer token schema tool argument renderer template message stream handler request response "
    "module import class method return value error exception test fixture assert coverage refactor configuration "
    "repository branch commit merge conflict directory filename path encoding decoder incremental quadratic linear "
    "latency throughput benchmark regression snapshot validate normalize serialize asynchronous callback iterator"
).split()
_NAMES = (
    "count total index offset name path user item node cache entry result config value batch token state key".split()
)
_ODD = ("naïve", "café", "Zürich", "façade", "→", "✓", "…", "日本語", "переменная", "🙂", "𝛼≤β", "“quoted”")

SYSTEM = (
    "You are a careful software engineering agent in a sandboxed checkout of a repository. Read before you write, keep "
    "edits minimal, run the tests after every change, and never invent what a file holds. When a tool fails, read its "
    "output, form a hypothesis, and try again with a smaller step."
)


def _tool(name: str, description: str, required: list[str], **properties: Any) -> dict[str, Any]:
    parameters = {"type": "object", "properties": properties, "required": required}
    return {"type": "function", "function": {"name": name, "description": description, "parameters": parameters}}


TOOLS = [
    _tool(
        "read_file",
        "Read a text file of the repository.",
        ["path"],
        path={"type": "string", "description": "Relative to the root."},
        start_line={"type": "integer", "minimum": 1},
        end_line={"type": "integer"},
    ),
    _tool(
        "write_file",
        "Create or overwrite a file.",
        ["path", "content"],
        path={"type": "string", "description": "Relative to the root."},
        content={"type": "string", "description": "All of the new content."},
        mode={"type": "string", "enum": ["overwrite", "append", "create_only"]},
        executable={"type": "boolean"},
    ),
    _tool(
        "search_code",
        "Search the repository with a regular expression.",
        ["pattern"],
        pattern={"type": "string"},
        globs={"type": "array", "items": {"type": "string"}},
        max_results={"type": "integer", "minimum": 1, "maximum": 500},
    ),
    _tool(
        "run_command",
        "Run a shell command in the sandbox.",
        ["command"],
        command={"type": "string"},
        timeout_s={"type": "number", "description": "Limit in seconds."},
    ),
]


def _sentence(r: random.Random) -> str:
    words = [r.choice(_WORDS) for _ in range(r.randint(7, 22))]
    if r.random() < 0.08:
        words[r.randrange(len(words))] = r.choice(_ODD)
    if r.random() < 0.25:
        words[r.randrange(len(words))] = f"`{r.choice(_NAMES)}_{r.choice(_NAMES)}`"
    if r.random() < 0.15:
        words.append(str(r.randint(2, 9999)))
    if len(words) > 12:
        words[len(words) // 2] += ","
    return " ".join(words).capitalize() + r.choice("...?:")


def prose(r: random.Random, chars: int) -> str:
    """Sentences, now and then a paragraph's end."""
    out: list[str] = []
    while chars > 0:
        out += (_sentence(r), "\n\n" if r.random() < 0.12 else " ")
        chars -= len(out[-2]) + 1
    return "".join(out).strip()


def code(r: random.Random, chars: int) -> str:
    """Python that no one needs: quotes, escapes, indentation, numbers, some letters beyond ASCII."""
    out = ['"""Generated."""\n\nimport json\nimport re\n\n']
    size = 0
    while size < chars:
        a, b, c = r.choice(_NAMES), r.choice(_NAMES), r.choice(_NAMES)
        out.append(
            f"\nclass {a.title()}{b.title()}{len(out)}:\n"
            f'    """{_sentence(r)}"""\n\n'
            f"    _RE = re.compile(r\"^\\s*(?P<{a}>\\w+)\\s*=\\s*'([^']*)'\\n?$\")\n\n"
            f"    def __init__(self, {b}: dict[str, int], *, {c}: float = {r.random():.6f}) -> None:\n"
            f"        self.{b} = {b}\n"
            f"        self._{c} = {c}  # {_sentence(r)[:60]}\n\n"
            f"    def {r.choice(_WORDS)}_{a}(self, line: str) -> str | None:\n"
            f"        m = self._RE.match(line)\n"
            f'        if m is None or m.group("{a}") not in self.{b} or len(line) < {r.randint(2, 99)}:\n'
            f'            raise ValueError(f"bad line {{line!r}} \\u2192 \\"{r.choice(_ODD)}\\"")\n'
            f'        return json.dumps({{"{a}": m.group(1), "{b}": {r.randint(0, 10**6)}}}) + "\\n"\n\n'
        )
        size += len(out[-1])
    return "".join(out)[:chars].rstrip() + "\n"


def result(r: random.Random, chars: int) -> str:
    """A tool's result: JSON with paths, hashes, times and snippets."""
    rows: list[dict[str, Any]] = []
    while chars > 0:
        rows.append(
            {
                "path": "/".join(r.choice(_NAMES) for _ in range(3)) + f"/{r.choice(_WORDS)}_{r.choice(_NAMES)}.py",
                "line": r.randint(1, 4000),
                "sha": f"{r.getrandbits(64):016x}",
                "mtime": f"2026-{r.randint(1, 12):02d}-{r.randint(1, 28):02d}T{r.randint(0, 23):02d}:07:00Z",
                "score": round(r.random(), 6),
                "snippet": code(r, 260)[120:240] if r.random() < 0.3 else _sentence(r),
                "dirty": r.random() < 0.5,
            }
        )
        chars -= len(json.dumps(rows[-1], ensure_ascii=False))
    return json.dumps({"ok": True, "matches": rows}, ensure_ascii=False)


def arguments(r: random.Random, name: str, size: int = 600) -> dict[str, Any]:
    """Arguments of a call of the tool `name`; `size` is that of a file that is written."""
    path = f"src/{r.choice(_NAMES)}/{r.choice(_WORDS)}_{r.choice(_NAMES)}.py"
    if name == "read_file":
        return {"path": path, "start_line": r.randint(1, 90), "end_line": r.randint(100, 900)}
    if name == "write_file":
        return {"path": path, "content": code(r, size), "mode": "overwrite", "executable": False}
    if name == "search_code":
        return {"pattern": rf"def {r.choice(_NAMES)}_\w+\(", "globs": ["src/**/*.py"], "max_results": r.randint(5, 50)}
    return {"command": f"pytest -q tests/test_{r.choice(_NAMES)}.py 2>&1 | tail -n 40", "timeout_s": 120.5}


# completions


@dataclass(frozen=True, slots=True)
class Completion:
    """What a model writes, before it is spelled in a syntax."""

    reasoning: str
    content: str
    calls: tuple[tuple[str, dict[str, Any]], ...]


def completion(size: str) -> Completion:
    """About half reasoning, half calls, nearly all of that in two file writes. `size`: one of `SIZES`."""
    n, r = SIZES[size], random.Random(11)
    reasoning, content = prose(r, 4000 * n), prose(r, 320 * n)
    sizes = (("read_file", 0), ("write_file", 2200 * n), ("write_file", 900 * n))
    return Completion(reasoning, content, tuple((name, arguments(r, name, chars)) for name, chars in sizes))


def _json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False)


def qwen3(c: Completion) -> str:
    """Hermes JSON calls."""
    calls = (f"<tool_call>\n{_json({'name': name, 'arguments': args})}\n</tool_call>" for name, args in c.calls)
    return f"<think>\n{c.reasoning}\n</think>\n\n{c.content}\n" + "\n".join(calls) + "<|im_end|>"


def qwen3_coder(c: Completion) -> str:
    """XML-ish calls. There is no reasoning in this format: it stands in the content."""
    calls: list[str] = []
    for name, args in c.calls:
        values = "".join(
            f"<parameter={key}>\n{value if isinstance(value, str) else _json(value)}\n</parameter>\n"
            for key, value in args.items()
        )
        calls.append(f"<tool_call>\n<function={name}>\n{values}</function>\n</tool_call>")
    return f"{c.reasoning}\n\n{c.content}\n\n" + "\n".join(calls) + "<|im_end|>"


def harmony(c: Completion) -> str:
    """Channels, behind the generation prompt `<|start|>assistant`."""
    calls = (
        f"<|start|>assistant<|channel|>commentary to=functions.{name} <|constrain|>json<|message|>{_json(args)}<|call|>"
        for name, args in c.calls
    )
    return (
        f"<|channel|>analysis<|message|>{c.reasoning}<|end|>"
        f"<|start|>assistant<|channel|>commentary<|message|>{c.content}<|end|>" + "".join(calls)
    )


# prompts


def conversation(turns: int, user_every: int = 10, seed: int = 7) -> list[dict[str, Any]]:
    """System, user, then `turns` times an assistant message with a call, and its result of 1 to 4 KB.

    After every `user_every` turns the assistant answers and the user speaks again; 0: never, one agent loop. Ends
    with a tool's result, ready for generation. Another `seed` gives another conversation of the same shape.
    """
    r = random.Random(seed)
    messages: list[dict[str, Any]] = [
        {"role": "system", "content": SYSTEM},
        {"role": "user", "content": prose(r, 500)},
    ]
    names = ("read_file", "search_code", "write_file", "run_command")
    for turn in range(turns):
        if user_every and turn and turn % user_every == 0:
            messages.append({"role": "assistant", "reasoning_content": prose(r, 300), "content": prose(r, 400)})
            messages.append({"role": "user", "content": prose(r, 250)})
        name, call_id = names[turn % 4], f"call_{turn}"
        call = {"id": call_id, "type": "function", "function": {"name": name, "arguments": arguments(r, name)}}
        reasoning, content = prose(r, r.randint(200, 700)), prose(r, 80)
        messages.append({"role": "assistant", "reasoning_content": reasoning, "content": content, "tool_calls": [call]})
        content = result(r, r.randint(1000, 4000))
        messages.append({"role": "tool", "tool_call_id": call_id, "name": name, "content": content})
    return messages
