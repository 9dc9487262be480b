"""A second encoder behind a Hugging Face pipeline, for its speed: fastokens, chosen by `load_tokenizer(encoder=...)`.

It reads the same tokenizer.json without its added tokens, and is compared with the reference when it is loaded, on
texts of many scripts and on entries of the vocabulary: one id that differs, and loading fails. What it does not take
over stays with the reference: text that spells an added token which is not a control token, spellings that the
vocabulary itself reaches, normalising, decoding.

It takes `marks` for added tokens: not their spellings, but texts that stand for their ids and begin with a character
which no text should have. So a prompt is encoded at once, control tokens and all, and no text can make one. There are
marks for what markup ends in too, so that a text behind it is encoded by itself.
"""

from __future__ import annotations

import importlib
import json
import random
import re
import string
import sys
from array import array
from collections.abc import Callable, Mapping, Sequence
from itertools import pairwise
from typing import TYPE_CHECKING, Any, Literal

from .cuts import LEAD
from .errors import OptionError, TokenizerError, check_text, nearest
from .tokenbackend import NONE, HfTokenizer

if TYPE_CHECKING:
    from tokenizers import Tokenizer as Backend

ENCODERS = ("tokenizers", "fastokens")
ENTRIES = 4_000  # of the vocabulary, in the sample
ENDS = (*string.printable, "\n\n", "assistant", "model")
"""What markup may end in."""


def with_encoder(tokenizer: HfTokenizer, encoder: str) -> HfTokenizer:
    """The tokenizer with the encoder of that name. Raises `TokenizerError` if it is not installed, cannot read the
    vocabulary, or gives other ids."""
    if encoder not in ENCODERS:
        raise OptionError(f"no encoder {encoder!r}", value=encoder, path="encoder",
                          expected="one of " + ", ".join(ENCODERS), near=nearest(encoder, ENCODERS))  # fmt: skip
    if encoder == tokenizer.encoder:
        return tokenizer
    kind = FastTokenizer if encoder == "fastokens" else HfTokenizer
    return kind(tokenizer.backend, tokenizer.name)


class FastTokenizer(HfTokenizer):
    """A `Tokenizer` whose texts are encoded by fastokens."""

    __slots__ = ("_fast", "_kept", "marks")

    def __init__(self, backend: Backend, name: str = "tokenizer"):
        self._fast: Any = None  # the reference until it is verified
        self._kept: dict[frozenset[str], Callable[[str], object]] = {}
        super().__init__(backend, name)
        ends = [ids[0] for ids in map(self.encode, ENDS) if len(ids) == 1]
        self.marks: Mapping[int, str] = {id: f"{LEAD}{id}{LEAD}" for id in (*self.added.values(), *ends)}
        self._fast = _load(self.pipeline(NONE), name, self.marks)
        self._verify()

    @property
    def encoder(self) -> str:
        return "fastokens"

    @property
    def quick(self) -> bool:
        return True

    @property
    def fastokens(self) -> Any:
        """The encoder itself; it knows added tokens by their marks only."""
        return self._fast

    def encode(self, text: str, control: frozenset[str] = NONE) -> list[int]:
        if self._fast is None:
            return super().encode(text, control)
        return self.encode_arrays([text], control)[0].tolist()

    def encode_batch(self, texts: Sequence[str], control: frozenset[str] = NONE) -> list[list[int]]:
        return [ids.tolist() for ids in self.encode_arrays(texts, control)]

    def encode_arrays(self, texts: Sequence[str], control: frozenset[str] = NONE) -> list[array[int]]:
        try:
            flat, ends = self._fast.encode_batch_flat(list(texts))
        except (TypeError, UnicodeEncodeError):
            for i, text in enumerate(texts):
                check_text(text, f"texts[{i}]")
            raise
        ids, at = _numbers("I", flat), _numbers("Q", ends)
        out = [ids[start:stop] for start, stop in pairwise(at)]
        spelled = self._spelled(control)
        odd = [i for i, text in enumerate(texts) if LEAD in text or spelled(text)]
        if forbidden := self.forbidden(control):
            odd += [i for i, found in enumerate(out) if not forbidden.isdisjoint(found)]
        for i in odd:
            out[i] = array("I", super().encode(texts[i], control))
        return out

    def encode_marked(self, texts: Sequence[str], control: frozenset[str]) -> list[list[int]] | None:
        """The ids of each text, in which `marks` stand for control tokens; None if one of the texts between them is for
        the reference."""
        if self.forbidden(control) or any(map(self._spelled(control), texts)):
            return None
        try:
            return [self._fast.encode(text).ids for text in texts]
        except UnicodeEncodeError:
            return None

    def _spelled(self, control: frozenset[str]) -> Callable[[str], object]:
        """What finds the added tokens in a text that are not control tokens."""
        if control not in self._kept:
            spellings = sorted(self.added.keys() - self.specials.keys() - control)
            found = re.compile("|".join(map(re.escape, spellings))).search
            self._kept[control] = found if spellings else lambda text: None
        return self._kept[control]

    def _verify(self) -> None:
        texts = sample(self)
        for text in texts:
            self._compare(text, self.encode(text), HfTokenizer.encode(self, text))
        marks = [*self.marks.items()]
        rows = [(texts[n % len(texts)], *marks[n % len(marks)]) for n in range(max(len(texts), len(marks)))]
        expected = [id for text, number, _ in rows for id in (*self._fast.encode(text).ids, number)]
        text = "".join([text + mark for text, _, mark in rows])
        self._compare(text, self._fast.encode(text).ids, expected)

    def _compare(self, text: str, ours: list[int], reference: list[int]) -> None:
        if ours != reference:
            n = next((n for n, (a, b) in enumerate(zip(ours, reference)) if a != b), min(len(ours), len(reference)))
            raise TokenizerError(
                f"fastokens encodes otherwise than tokenizers, with {self.name}: token {n} of {text[:60]!r} is "
                f"{ours[n : n + 1]}, not {reference[n : n + 1]}",
                value=text,
                path="encoder",
                expected="encoder='tokenizers'",
            )


def _load(plain: Backend, name: str, marks: Mapping[int, str]) -> Any:
    try:
        fastokens: Any = importlib.import_module("fastokens")
    except ImportError:
        raise TokenizerError("fastokens is not installed", value="fastokens", path="encoder",
                             expected='pip install "turnwire[fast]"') from None  # fmt: skip
    description = json.loads(plain.to_str())
    exactly = dict.fromkeys(("single_word", "lstrip", "rstrip", "normalized"), False)
    description["added_tokens"] = [
        {"id": number, "content": m, "special": True, **exactly} for number, m in marks.items()
    ]
    description["post_processor"] = None
    try:
        return fastokens.Tokenizer.from_json_str(json.dumps(description, ensure_ascii=False))
    except Exception as e:  # whatever it raises for what it does not support
        raise TokenizerError(f"fastokens cannot read {name}: {e}", value="fastokens", path="encoder",
                             expected="encoder='tokenizers'") from None  # fmt: skip


def _numbers(code: Literal["I", "Q"], data: bytes) -> array[int]:
    out: array[int] = array(code)
    out.frombytes(data)
    if sys.byteorder == "big":
        out.byteswap()
    return out


def sample(tokenizer: HfTokenizer) -> list[str]:
    """Texts on which encoders may differ: entries of the vocabulary in random order, and texts of all kinds."""
    rng = random.Random(0)
    size = len(tokenizer.table)
    pieces = [p for p in (tokenizer.table[rng.randrange(size)] for _ in range(ENTRIES)) if isinstance(p, str)]
    rows = ["".join(pieces[i : i + 40]) for i in range(0, len(pieces), 40)]
    glued = [" ".join(pieces[i : i + 40]) for i in range(0, len(pieces), 400)]
    return [*TEXTS, *rows, *glued, *tokenizer.added]


TEXTS = (
    "", " ", "\n", "\n\n\n", "  \n\t \r\n  ", "a", " a", "a ", "Hello, world! It's we'll I'D YOU'RE",
    "1", "12", "123", "1234567890", "3.14159e-10 1,000,000 0x1F", "١٢٣ ४५६ ٣٫١٤ Ⅷ ½ ²",
    "naïve café Zürich façade", "e\u0301 a\u030a o\u0308 \u1e9b\u0323 \ufb01 \u212b", "ÅÅ Ⓐ ﬃ", "ﷺ",
    "日本語のテキスト、中文文本。한국어 텍스트",
    "переменная Ελληνικά עברית العربية हिन्दी ไทย தமிழ்", "🙂👩‍💻🏳️‍🌈👍🏽 𝛼≤β",
    "\u200b\u200d\ufeff\u00a0\u3000\u2028\u2029\x85", "\x00\x01\x1f\x7f", "a\u0000b", "\U0010ffff\ue000",
    "def f(x):\n    return {'a': [1, 2, 3], \"b\": x ** 2}  # comment\n\n\nclass A:\n\tpass\n",
    '{"path": "src/a.py", "line": 3, "ok": true, "sha": "0f3a9c", "text": "a\\n\\u00e9\\"b\\\\"}',
    "<div class='x'>&amp;</div> https://example.org/a?b=c&d=%20 a_b-c.d/e\\f C:\\x\\y",
    "x" * 300, "ab" * 500, " " * 130,
    "\n" * 70, "=" * 90, "." * 33 + "!" * 17 + "?" * 5, "don't DON'T Don'T 'tis ''s 's'S", "<|im_start|>x<|im_end|>",
    "<think>\n</think> <tool_call> </tool_call> <|end|><|start|>",
    "MixedCase camelCaseWord HTTPServer iOS macOS XMLHttp",
)  # fmt: skip
