"""The shape of the package: who may import whom, what `import turnwire` costs, how long files are, what is not used."""

from __future__ import annotations

import ast
import builtins
import contextlib
import importlib
import json
import pkgutil
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any, NamedTuple

import pytest

import turnwire
from turnwire import errors

PACKAGE = Path(turnwire.__file__).parent
FILES = sorted(PACKAGE.rglob("*.py"))

# CONTRIBUTING.md, Layers, with `layout` in the base: it holds the values that the passes of `templating` take.
BASE = "errors events turns schemas tools wire codecs messages layout spans tokens tokenbackend tokenfiles"
BASE += " bytecache forks quick fastencoder cuts tokenchars sentencepieces tekken origins gguf templatefiles"
MAY: dict[str, str] = {
    **dict.fromkeys(BASE.split(), BASE),
    "parsers": BASE + " parsers",
    "templating": BASE + " templating",
    "format": BASE + " parsers templating extend",
    "extend": BASE + " format behind",
    "behind": BASE + " format",
    "places": BASE,
    "samples": BASE + " places",
    "pieces": BASE + " places samples",
    "packing": BASE + " samples",
    "trainers": BASE + " samples",
    "supervised": BASE + " format chat_template conversation places samples",
    "stability": BASE + " format chat_template",
    "conversation": BASE + " format chat_template templating behind extend pieces places samples",
    "families": BASE + " templating format families",
    "chat_template": BASE + " templating format inference",
    "inference": BASE + " chat_template parsers templating format families detect inference",
    "detect": BASE + " format families templating",
    "convert": BASE + " convert",
    "jsonform": BASE + " format families",
    "show": BASE + " format families jsonform turnwire",
    "demo": BASE + " format families jsonform show demo turnwire",
    "explain": BASE + " chat_template format families detect inference parsers templating jsonform show explain",
    "testing": BASE + " explain turnwire",
    "bulk": BASE + " chat_template families format samples",
    "bulkfiles": BASE + " bulk",
    "bulkjobs": BASE + " bulk bulkfiles",
    "cliinput": "tokens",
    "clibulk": BASE + " bulk bulkfiles bulkjobs families cliinput clitemplate turnwire",
    "clilint": BASE + " chat_template explain cliinput",
    "clitemplate": BASE + " chat_template format inference detect jsonform cliinput",
    "clidiff": BASE + " explain show cliinput",
    "clishow": BASE + " parsers families explain show clitemplate cliinput",
    "cli": BASE
    + " clibulk clidiff clishow parsers format families detect jsonform show demo cliinput clitemplate clilint "
    "convert turnwire",
    "__main__": "cli",
    "turnwire": "bulk chat_template conversation convert detect errors events explain families format packing parsers "
    "places samples spans stability supervised tokens tools trainers turns",
}
HEAVY = "tokenizers jinja2 jsonschema rich transformers tiktoken referencing numpy asyncio hypothesis".split()
HEAVY += ["pyarrow", "datasets", "ray", "fastokens"]


class Import(NamedTuple):
    source: str  # the module that imports
    target: str  # what it imports: a module of the package, or another's
    names: tuple[str, ...]
    line: int
    lazy: bool  # inside a function
    types: bool  # under TYPE_CHECKING


def module_of(file: Path) -> str:
    parts = [*file.relative_to(PACKAGE.parent).with_suffix("").parts]
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def imports(file: Path) -> Iterator[Import]:
    source = module_of(file)
    package = source if file.name == "__init__.py" else source.rpartition(".")[0]

    def visit(nodes: list[ast.stmt], lazy: bool, types: bool) -> Iterator[Import]:
        for node in nodes:
            if isinstance(node, ast.Import):
                for alias in node.names:
                    yield Import(source, alias.name, (), node.lineno, lazy, types)
            elif isinstance(node, ast.ImportFrom):
                parts = package.split(".")
                base = parts[: len(parts) - node.level + 1] if node.level else []
                target = ".".join([*base, *([node.module] if node.module else [])])
                for alias in node.names:  # `from . import x` may name a module
                    whole = f"{target}.{alias.name}"
                    is_module = (PACKAGE.parent / whole.replace(".", "/")).with_suffix(".py").exists() or (
                        PACKAGE.parent / whole.replace(".", "/")
                    ).is_dir()
                    yield Import(source, whole if is_module else target, (alias.name,), node.lineno, lazy, types)
            else:
                guard = isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING"
                inside = isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda))
                for field in ("body", "orelse", "finalbody"):
                    yield from visit(getattr(node, field, []), lazy or inside, types or (guard and field == "body"))
                for handler in getattr(node, "handlers", []):
                    yield from visit(handler.body, lazy, types)

    yield from visit(ast.parse(file.read_text("utf-8")).body, False, False)


ALL = [i for file in FILES for i in imports(file)]
OURS = [i for i in ALL if i.target.split(".")[0] == "turnwire"]


def unit(module: str) -> str:
    """The unit of the layers that a module belongs to."""
    parts = module.split(".")
    return parts[1] if len(parts) > 1 else parts[0]


def test_every_module_has_a_layer() -> None:
    assert {unit(module_of(f)) for f in FILES} == set(MAY)


def test_layers() -> None:
    wrong = [
        f"{i.source}:{i.line} imports {i.target}"
        for i in OURS
        if not i.types and unit(i.target) not in {*MAY[unit(i.source)].split(), unit(i.source)}
    ]
    assert not wrong, "\n".join(wrong)


def test_the_two_wings_do_not_know_each_other() -> None:
    """Not even for types."""
    for a, b in (("parsers", "templating"), ("templating", "parsers")):
        assert not [i for i in OURS if unit(i.source) == a and unit(i.target) == b]


def test_the_core_does_not_know_its_families() -> None:
    names = ("qwen", "harmony", "gpt-oss", "hermes", "llama", "mistral", "deepseek", "gemma", "kimi")
    core = [PACKAGE / f"{n}.py" for n in ("wire", "format", "spans", "messages", "tokens")]
    core += [*(PACKAGE / "parsers").glob("*.py"), *(PACKAGE / "codecs").glob("*.py")]
    core += [PACKAGE / "templating" / n for n in ("render.py", "reply.py", "writer.py")]
    for file in core:
        tree = ast.parse(file.read_text("utf-8"))
        documentation = {id(d) for n in ast.walk(tree) if (d := _docstring_node(n)) is not None}
        for node in ast.walk(tree):
            said = ""
            if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in documentation:
                said = node.value
            elif isinstance(node, (ast.Name, ast.Attribute, ast.FunctionDef, ast.ClassDef)):
                said = getattr(node, "id", getattr(node, "attr", getattr(node, "name", "")))
            where = f"{file.name}:{getattr(node, 'lineno', 0)}"
            assert not any(n in said.casefold() for n in names), f"{where} says {said!r}"


def _docstring_node(node: ast.AST) -> ast.AST | None:
    body = getattr(node, "body", None)
    if isinstance(body, list) and body and isinstance(body[0], ast.Expr) and isinstance(body[0].value, ast.Constant):
        return body[0].value
    return None


def test_no_circles() -> None:
    """Among what is imported when a module is loaded."""
    graph: dict[str, set[str]] = {}
    for i in OURS:
        if not i.lazy and not i.types and i.target != "turnwire":
            graph.setdefault(i.source, set()).add(i.target)
    state: dict[str, int] = {}

    def visit(module: str, path: tuple[str, ...]) -> None:
        assert state.get(module) != 1, " -> ".join((*path, module))
        if module not in state:
            state[module] = 1
            for target in sorted(graph.get(module, ())):
                visit(target, (*path, module))
            state[module] = 2

    for module in sorted(graph):
        visit(module, ())


def test_only_families_and_outer_layers_are_lazy_about_their_own() -> None:
    """Imports inside functions are for what is heavy, or above: each is one of these."""
    allowed = {
        "cli": None, "clibulk": None, "clidiff": None, "clilint": None, "clishow": None, "clitemplate": None,
        "demo": None, "families": None, "explain": None, "testing": None, "cliinput": {"turnwire.tokens"},
        "format": {"turnwire.parsers.compile", "turnwire.parsers.stream", "turnwire.parsers.validate",
                   "turnwire.tokens", "turnwire.events", "turnwire.extend"},
        "tokens": {"turnwire.tokenfiles", "turnwire.fastencoder"}, "parsers": {"turnwire.parsers.hardened"},
            "chat_template": {"turnwire.inference"},
    }  # fmt: skip
    for i in OURS:
        if i.lazy:
            targets = allowed.get(unit(i.source), set())
            assert targets is None or i.target in targets, f"{i.source}:{i.line} imports {i.target}"


def loaded_after(code: str) -> set[str]:
    """The modules that a fresh interpreter has after `code`."""
    script = f"{code}\nimport sys, json; print(json.dumps(sorted(sys.modules)))"
    args = [sys.executable, "-c", script]
    done = subprocess.run(args, capture_output=True, text=True, check=True, cwd=PACKAGE.parent)
    return set(json.loads(done.stdout.splitlines()[-1]))


def test_import_turnwire_loads_nothing() -> None:
    bare = loaded_after("import importlib, typing")
    loaded = loaded_after("import turnwire")
    assert {m for m in loaded - bare if m.startswith("turnwire")} == {"turnwire"}
    assert not {m.split(".")[0] for m in loaded - bare} - {"turnwire", "__future__"}


@pytest.mark.parametrize(
    "code",
    [
        "import turnwire; turnwire.get_format('qwen3').render([{'role': 'user', 'content': 'x'}])",
        "import turnwire; turnwire.get_format('harmony').render([{'role': 'user', 'content': 'x'}])",
        "import turnwire; turnwire.get_format('qwen3-coder').parse('<function=f>\\n</function>\\n</tool_call>')",
        "import turnwire; turnwire.Turn('user', (turnwire.Text('x'),)).to_dict(); turnwire.list_formats()",
        "import turnwire; turnwire.convert.openai.chunks([])",
        "import turnwire.cli",
    ],
)
def test_nothing_heavy_is_loaded_before_it_is_used(code: str) -> None:
    before = loaded_after("")
    heavy = {m for m in loaded_after(code) - before if m.split(".")[0] in HEAVY}
    assert not heavy


def test_every_public_name_is_there() -> None:
    assert sorted(turnwire.__all__) == sorted(set(turnwire.__all__))
    for name in turnwire.__all__:
        assert getattr(turnwire, name) is getattr(turnwire, name)
        assert name in dir(turnwire)
    with pytest.raises(AttributeError, match="no attribute 'gett_format'"):
        _ = turnwire.gett_format  # type: ignore[attr-defined]
    tree = ast.parse((PACKAGE / "__init__.py").read_text("utf-8"))
    froms = [i for i in ast.walk(tree) if isinstance(i, ast.ImportFrom)]
    shown = {a.asname for i in froms for a in i.names if a.asname}
    assert shown == set(turnwire.__all__), "what type checkers see, and what there is"
    namespace: dict[str, object] = {}
    builtins.exec("from turnwire import *", namespace)
    assert set(turnwire.__all__) <= set(namespace)


def test_every_name_that_pages_and_messages_say_is_there() -> None:
    root = PACKAGE.parent
    said: dict[str, Path] = {}
    for path in (*root.glob("*.md"), *root.glob("docs/*.md"), *PACKAGE.rglob("*.py")):
        said |= dict.fromkeys(re.findall(r"(?<![\w/.-])turnwire\.((?:\w+\.)*\w+)", path.read_text("utf-8")), path)
    assert len(said) > 50
    for name, path in said.items():
        value: Any = turnwire
        for n, part in enumerate(parts := name.split(".")):
            if not hasattr(value, part) and isinstance(value, ModuleType):
                with contextlib.suppress(ImportError):
                    importlib.import_module(".".join(["turnwire", *parts[: n + 1]]))
            assert hasattr(value, part), f"{path.name}: turnwire.{name}"
            value = getattr(value, part)


def test_every_module_can_be_imported_first() -> None:
    modules = [m.name for m in pkgutil.walk_packages([str(PACKAGE)], "turnwire.") if not m.name.endswith("__main__")]
    assert len(modules) > 30
    script = (  # each module runs anew; what is the same each time, compiling it and its dataclasses, is done once
        "import dataclasses, functools, importlib, sys\n"
        "from importlib.machinery import SourceFileLoader\n"
        "SourceFileLoader.get_code = functools.cache(SourceFileLoader.get_code)\n"
        "compiled = functools.cache(lambda text: compile(text, '<dataclass>', 'exec'))\n"
        "dataclasses.exec = lambda text, *names: exec(compiled(text), *names)\n"
        "for m in sys.argv[1:]:\n"
        "    for k in [k for k in sys.modules if k.split('.')[0] == 'turnwire']: del sys.modules[k]\n"
        "    importlib.import_module(m)\n"
    )
    done = subprocess.run([sys.executable, "-c", script, *modules], capture_output=True, text=True, cwd=PACKAGE.parent)
    assert done.returncode == 0, done.stderr


NEVER = "eval exec compile __import__ ast.literal_eval literal_eval pickle.loads yaml.load os.system print".split()


@pytest.mark.parametrize("file", FILES, ids=lambda f: str(f.relative_to(PACKAGE)))
def test_files(file: Path) -> None:
    text = file.read_text("utf-8")
    lines = len(text.splitlines())
    family = file.parent.name == "families" and file.name != "__init__.py"
    assert lines < 100 if family else lines <= 400, f"{lines} lines"
    tree = ast.parse(text)
    if text.strip():
        assert ast.get_docstring(tree), "it has to open with what it is for"
        assert "from __future__ import annotations" in text or lines < 20
    for node in ast.walk(tree):
        if isinstance(node, ast.Call):
            called = ast.unparse(node.func)
            allowed = called not in NEVER or (called == "print" and _prints(file))
            assert allowed, f"{file.name}:{node.lineno} calls {called}"
        if isinstance(node, ast.ExceptHandler):
            assert node.type is not None, f"{file.name}:{node.lineno}: a bare except"


def _prints(file: Path) -> bool:
    return "demo" in file.parts or file.name in ("cli.py", "clishow.py", "show.py", "__main__.py")


def test_no_logging() -> None:
    """Every repair is an event; nothing is logged and passed over."""
    assert not [i for i in ALL if i.target.split(".")[0] in ("logging", "warnings")]


PUBLIC_ERRORS = {n for n, c in vars(errors).items() if isinstance(c, type) and issubclass(c, errors.TurnwireError)}
INTERNAL = {  # caught inside, or what Python's protocols ask for
    "AttributeError", "NoPlace", "Refused", "Exhausted", "Odd", "Usage", "LookupError", "TypeError", "ValueError",
    "NoNotation", "_Unsupported", "Undeclared", "StopIteration", "Stop", "SystemExit", "Unreadable", "IncompleteRead",
    "SecurityError", "TemplateSyntaxError",
}  # fmt: skip


def test_every_error_says_what_would_do() -> None:
    """Errors for callers are of the hierarchy, and each names the fix."""
    for file in FILES:
        for node in ast.walk(ast.parse(file.read_text("utf-8"))):
            if not (isinstance(node, ast.Raise) and isinstance(node.exc, ast.Call)):
                continue
            name = ast.unparse(node.exc.func).rpartition(".")[2]
            where = f"{file.name}:{node.lineno}"
            if name in PUBLIC_ERRORS or name == "error":
                assert "expected" in {k.arg for k in node.exc.keywords}, f"{where}: {name} without `expected`"
            elif name[0].isupper() and (name, file.name) != ("AssertionError", "testing.py"):
                assert name in INTERNAL, f"{where} raises {name}"
