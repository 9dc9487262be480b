"""Chat templates, and the special tokens that go with them, read from files.

`read_templates(path)` takes a model folder, a template file, a tokenizer_config.json, chat_template.json or
processor_config.json, or a GGUF (of one in several files, any) and returns `Found`. `ChatTemplate.load` is
`ChatTemplate(found.templates[name], name=name, **found.arguments)` with `name = found.choose(name)`.

A folder is read as `AutoTokenizer` of transformers 5.23 reads it: chat_template.jinja and additional_chat_templates/
before tokenizer_config.json (a text, or a list of names and texts), which they replace as a whole. Only where none of
these has a template: processor_config.json, chat_template.json, and chat_templates/, which transformers does not read
for a tokenizer. What is passed over is in `found.shadowed`; to have it, name the file. Templates see a tokenizer's
named special tokens (`special_tokens_map`): those of tokenizer_config.json, its other texts under `*_token`, its
`extra_special_tokens` if they have names, special_tokens_map.json where there is no added_tokens_decoder, and the
padding token of tokenizer.json. Defaults that transformers has in the code of a tokenizer's class are not seen.

A file by a name that such folders have takes the special tokens from its folder, any other template file has none.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar, cast

from .errors import TemplateFileError, TemplateNameError, as_mapping, nearest
from .gguf import MAGIC, TOKENS, chat, for_chats, read_header, special_tokens
from .gguf import TEMPLATE as GGUF_TEMPLATE

STANDARD = ("bos_token", "eos_token", "unk_token", "sep_token", "pad_token", "cls_token", "mask_token")
EXPECTED = "a model folder, a template file, a tokenizer_config.json or a GGUF"
LARGEST = 1 << 26  # bytes of a file
HEAD = 1 << 16  # bytes of a tokenizer.json that are looked at
TEMPLATE, CONFIG = "chat_template.jinja", "tokenizer_config.json"
PROCESSOR, LEGACY = "processor_config.json", "chat_template.json"
MAP = "special_tokens_map.json"
MORE, ALSO = "additional_chat_templates", "chat_templates"
SHARD = re.compile(r"(.*)-(\d{5})-of-(\d{5})\.gguf")

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Found:
    """The templates of `path` by name, "default" the plain one, and the variables that they are given.

    `where` says for a template's or a variable's name which file, or key of a GGUF, it is from; `shadowed` are
    templates that others go before, `notes` what else a GGUF says of its tokens, `problems` what could not be read but
    was not needed, or was passed over with `lenient=True`."""

    path: str
    templates: Mapping[str, str]
    variables: Mapping[str, str]
    where: Mapping[str, str]
    shadowed: tuple[str, ...] = ()
    notes: Mapping[str, Any] = field(default_factory=dict[str, Any])
    problems: tuple[str, ...] = ()

    @property
    def arguments(self) -> dict[str, Any]:
        """The variables as `ChatTemplate` takes them."""
        others = {k: v for k, v in self.variables.items() if k not in ("bos_token", "eos_token")}
        return {k: v for k, v in self.variables.items() if k not in others} | {"variables": others}

    def choose(self, name: str | None = None, tools: bool = False) -> str:
        """The name of a template that is there. Without a name, as transformers: "tool_use" for a chat with tools,
        else "default"; the only one there is whatever its name. Raises `TemplateNameError`."""
        names = sorted(self.templates)
        if name is None:
            for candidate in (*(["tool_use"] if tools else []), "default", *(names if len(names) == 1 else [])):
                if candidate in self.templates:
                    return candidate
            raise TemplateNameError(
                f"several templates, {_listed(names)}, and none is called default" if names else "no template",
                value=None,
                path=self.path,
                expected=f"one of them by its name, such as name={names[0]!r}" if names else EXPECTED,
                names=tuple(names),
            )
        if name not in self.templates:
            raise TemplateNameError(
                f"no template is called {name!r}",
                value=name,
                path=self.path,
                expected=f"one of {_listed(names)}",
                near=nearest(name, names),
                names=tuple(names),
            )
        return name


def read_templates(path: str | Path, *, lenient: bool = False) -> Found:
    """What a folder or a file has; see the head of this file. With `lenient`, files of a folder that cannot be read
    are passed over, and nothing found is no error. Raises `TemplateFileError`."""
    place = Path(path)
    try:
        if place.is_dir():
            return _Folder(place, lenient).found()
        if not place.exists():
            raise _missing(str(path))
        return _file(place, lenient)
    except OSError as e:
        problem = f"cannot read it: {e.strerror or e}"
        raise TemplateFileError(problem, value=str(path), path=str(e.filename or path), expected=EXPECTED) from None
    except ValueError as e:
        if isinstance(e, TemplateFileError):
            raise
        raise _missing(str(path)) from None  # a NUL in the name


def added_tokens(path: str | Path) -> set[str]:
    """The special and added tokens of a folder's tokenizer, as far as that can be read, or of a GGUF's."""
    place = Path(path)
    if not place.is_dir():
        return special_tokens(read_header(place)) if _is_gguf(place) else set()
    folder = _Folder(place, lenient=True)
    entries: list[tuple[Any, str]] = [(t, "content") for t in _list(folder.json("tokenizer.json").get("added_tokens"))]
    decoder = as_mapping(folder.json(CONFIG).get("added_tokens_decoder")) or {}
    entries += [(t, "content") for t in decoder.values()]
    entries += [(t, "token_str") for t in _list(folder.json("tekken.json").get("special_tokens"))]
    described = [(as_mapping(token) or {}, key) for token, key in entries]
    return {str(token[key]) for token, key in described if key in token}


def _missing(path: str) -> TemplateFileError:
    if "\n" in path or "{%" in path or "{{" in path:
        return TemplateFileError(
            "this is the text of a template", value=path, path="path", expected=f"the path of {EXPECTED}"
        )
    return TemplateFileError("no such file or folder", value=path, path=path, expected=EXPECTED)


# folders


class _Folder:
    """The files of a model folder, as they are asked for."""

    def __init__(self, path: Path, lenient: bool = False):
        self.path, self.lenient = path, lenient
        self.problems: list[str] = []
        self.shadowed: list[str] = []

    def found(self) -> Found:
        config = self.json(CONFIG)
        own = self.jinja(TEMPLATE) | self.several(MORE)
        legacy = self.json(LEGACY).get("chat_template")
        sources = [
            own,
            _named(config.get("chat_template"), CONFIG),
            _named(self.json(PROCESSOR).get("chat_template"), PROCESSOR),
            _named(legacy, LEGACY),
            self.several(ALSO),
        ]
        taken: dict[str, tuple[str, str]] = {}
        for source in sources:
            if not taken:
                taken = source
            else:
                self.shadowed += [f"{file} ({name})" for name, (_, file) in source.items()]
        if not taken:
            if (inside := self.gguf()) is not None:
                return inside
            if not self.lenient:
                raise self.nothing()
        variables, where = self.variables(config)
        where |= {name: file for name, (_, file) in taken.items()}
        texts = {name: text for name, (text, _) in taken.items()}
        shadowed, problems = tuple(self.shadowed), tuple(self.problems)
        return Found(str(self.path), texts, variables, where, shadowed, problems=problems)

    def variables(self, config: Mapping[str, Any]) -> tuple[dict[str, str], dict[str, str]]:
        """The named special tokens, and the file of each."""
        mapped = self.json(MAP) if "added_tokens_decoder" not in config else {}
        given = {key: (value, CONFIG) for key, value in config.items()}
        given |= {key: (value, MAP) for key, value in mapped.items()}
        if "pad_token" not in given and (self.path / "tokenizer.json").is_file():
            padding = as_mapping(_member(_read(self.path / "tokenizer.json", HEAD), "padding")) or {}
            given["pad_token"] = (padding.get("pad_token"), "tokenizer.json")
        named = {key: pair for key, pair in given.items() if key.endswith("_token")}
        own = {k: v for k, v in config.items() if k.endswith("_token") and k not in STANDARD and isinstance(v, str)}
        extra = as_mapping(config.get("extra_special_tokens")) or {}
        named |= {key: (value, CONFIG) for key, value in {**own, **extra}.items()}
        named |= {key: (value, MAP) for key, value in (as_mapping(mapped.get("extra_special_tokens")) or {}).items()}
        spelled = {key: (_spelled(value), file) for key, (value, file) in named.items()}
        kept = {key: (text, file) for key, (text, file) in spelled.items() if text is not None}
        return {key: text for key, (text, _) in kept.items()}, {key: file for key, (_, file) in kept.items()}

    def json(self, name: str) -> dict[str, Any]:
        return self.each(name, _object) or {}

    def jinja(self, name: str, called: str = "default") -> dict[str, tuple[str, str]]:
        text = self.each(name, _text)
        return {} if text is None else {called: (_lines(text), name)}

    def each(self, name: str, understood: Callable[[bytes, Path], T]) -> T | None:
        """What is in a file; None if there is no such file."""
        path = self.path / name
        try:
            return understood(_read(path), path) if path.is_file() else None
        except (OSError, TemplateFileError) as e:
            if not self.lenient:
                raise
            self.problems.append(str(e))
            return None

    def several(self, folder: str) -> dict[str, tuple[str, str]]:
        found: dict[str, tuple[str, str]] = {}
        for file in sorted((self.path / folder).glob("*.jinja")):
            found |= self.jinja(f"{folder}/{file.name}", file.name.removesuffix(".jinja"))
        return found

    def gguf(self) -> Found | None:
        """That of the only GGUF, or the only one in several files, in the folder."""
        files = sorted(self.path.glob("*.gguf"))
        firsts = [f for f in files if not (m := SHARD.fullmatch(f.name)) or m[2] == "00001"]
        if len(firsts) > 1 and not self.lenient:
            names = [f.name for f in firsts]
            raise TemplateFileError(
                f"no template but in {len(names)} GGUF files, {_listed(names)}",
                value=names,
                path=str(self.path),
                expected="the path of one of them",
            )
        return _gguf(firsts[0], self.lenient) if len(firsts) == 1 else None

    def nothing(self) -> TemplateFileError:
        names = sorted(f.name + "/" * f.is_dir() for f in self.path.iterdir())
        return TemplateFileError(
            f"no chat template in this folder, which has {_listed(names) if names else 'nothing in it'}",
            value=names[:20],
            path=str(self.path),
            expected=f"a {TEMPLATE}, or a chat_template in {CONFIG}",
        )


# files


def _file(path: Path, lenient: bool) -> Found:
    if not path.is_file():
        raise TemplateFileError("neither a file nor a folder", value=str(path), path=str(path), expected=EXPECTED)
    if _is_gguf(path):
        return _gguf(path, lenient)
    parent = path.parent.parent if path.parent.name == MORE else path.parent
    folder = _Folder(parent)
    beside = path.name in (TEMPLATE, CONFIG, PROCESSOR, LEGACY) or parent != path.parent
    variables, where = folder.variables(folder.json(CONFIG)) if beside else ({}, {})
    data = _read(path)
    if path.suffix != ".json":
        source = _lines(_text(data, path))
        return Found(str(path), {"default": source}, variables, where | {"default": path.name})
    value = _object(data, path)
    named = _named(value.get("chat_template"), path.name)
    if not named:
        raise TemplateFileError(
            f"no chat_template in it, but {_listed(sorted(value)) if value else 'nothing'}",
            value=sorted(value)[:20],
            path=str(path),
            expected='a "chat_template": a text, or a list of names and texts',
        )
    where |= dict.fromkeys(named, path.name)
    return Found(str(path), {name: text for name, (text, _) in named.items()}, variables, where)


def _is_gguf(path: Path) -> bool:
    with path.open("rb") as file:
        return file.read(4) == MAGIC or path.suffix == ".gguf"


def _gguf(path: Path, lenient: bool = False) -> Found:
    header = read_header(path, for_chats)
    number = header.values.get("split.no")
    shard = SHARD.fullmatch(path.name)
    first = path.with_name(f"{shard[1]}-00001-of-{shard[3]}.gguf") if shard else path
    if number and TOKENS not in header.arrays and first != path and first.is_file():
        return _gguf(first, lenient)
    templates, variables, where, notes, problems = chat(header)
    if not templates and not lenient:
        keys = [k for k in header.keys if k.startswith("tokenizer.")] or list(header.keys)
        part = f" in this part, number {number} from 0 on" if number else ""
        raise TemplateFileError(
            f"no chat template{part}; the keys are {_listed(keys) if keys else 'none'}",
            value=keys[:20],
            path=str(path),
            expected=f"the key {GGUF_TEMPLATE}" + (f", which {first.name} may have" if part and first != path else ""),
        )
    return Found(str(path), templates, variables, where, notes=notes, problems=problems)


# values


def _list(value: Any) -> list[Any]:
    return cast("list[Any]", value) if isinstance(value, list) else []


def _named(value: Any, file: str) -> dict[str, tuple[str, str]]:
    """The templates of a `chat_template` entry, each with its file."""
    if isinstance(value, str):
        return {"default": (value, file)}
    if isinstance(value, list):
        entries = [as_mapping(entry) or {} for entry in _list(value)]  # pyright: ignore[reportUnknownArgumentType]
        value = {entry.get("name"): entry.get("template") for entry in entries}
    texts = as_mapping(value) or {}
    return {str(name): (text, file) for name, text in texts.items() if isinstance(text, str)}


def _spelled(value: Any) -> str | None:
    """A special token: a text, or the description of an added token."""
    value = (as_mapping(value) or {"content": value}).get("content")
    return value if isinstance(value, str) else None


def _member(data: bytes, name: str) -> Any:
    """A member of a JSON object that begins the data; None if it is not among its first."""
    text = data.decode("utf-8", "ignore")
    return next((value for key, value in _members(text) if key == name), None)


def _members(text: str) -> Iterator[tuple[str, Any]]:
    decoder, at = json.JSONDecoder(), text.find("{") + 1
    try:
        while match := re.compile(r'\s*(?:,\s*)?("(?:[^"\\]|\\.)*")\s*:\s*').match(text, at):
            value, at = decoder.raw_decode(text, match.end())
            yield json.loads(match[1]), value
    except (ValueError, RecursionError):
        return


def _object(data: bytes, path: Path) -> dict[str, Any]:
    try:
        value = json.loads(_text(data, path))
    except (ValueError, RecursionError) as e:
        if isinstance(e, TemplateFileError):
            raise
        raise TemplateFileError(f"not JSON: {e}", value=None, path=str(path), expected="a JSON object") from None
    if not isinstance(value, dict):
        kind = type(value).__name__
        raise TemplateFileError(f"a JSON {kind}", value=kind, path=str(path), expected="a JSON object")
    return cast("dict[str, Any]", value)


def _read(path: Path, most: int | None = None) -> bytes:
    with path.open("rb") as file:
        data = file.read(LARGEST + 1 if most is None else most)
    if len(data) > LARGEST:
        raise TemplateFileError(
            f"more than {LARGEST:,} bytes", value=path.stat().st_size, path=str(path), expected=EXPECTED
        )
    return data


def _text(data: bytes, path: Path) -> str:
    try:
        return data.decode()
    except UnicodeDecodeError as e:
        found = f"not UTF-8 at byte {e.start:,}"
        raise TemplateFileError(found, value=data[e.start : e.start + 8], path=str(path), expected=EXPECTED) from None


def _lines(text: str) -> str:
    """As Python reads a text file, and so transformers."""
    return text.replace("\r\n", "\n").replace("\r", "\n")


def _listed(names: list[str]) -> str:
    return ", ".join(names[:12]) + (f" and {len(names) - 12} more" if len(names) > 12 else "")
