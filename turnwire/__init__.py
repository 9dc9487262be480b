"""turnwire: chat turns to the exact tokens a model expects, and the tokens it writes back to turns.

>>> import turnwire
>>> fmt = turnwire.get_format("qwen3")
>>> fmt.render([{"role": "user", "content": "Hi"}], add_generation_prompt=True).text
'<|im_start|>user\\nHi<|im_end|>\\n<|im_start|>assistant\\n'

Every name below is loaded when first used.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from . import bulk as bulk
    from . import convert as convert
    from . import errors as errors
    from . import events as events
    from . import trainers as trainers
    from .chat_template import ChatTemplate as ChatTemplate
    from .conversation import Conversation as Conversation
    from .detect import Detection as Detection
    from .detect import detect_format as detect_format
    from .errors import TurnwireError as TurnwireError
    from .explain.diff import Divergence as Divergence
    from .explain.diff import diff as diff
    from .explain.engines import Engine as Engine
    from .explain.lint import Finding as Finding
    from .explain.lint import lint as lint
    from .explain.sides import Logged as Logged
    from .families import get_format as get_format
    from .families import list_formats as list_formats
    from .format import Format as Format
    from .inference import Evidence as Evidence
    from .inference import infer_format as infer_format
    from .origins import Origin as Origin
    from .packing import Packed as Packed
    from .packing import pack as pack
    from .parsers.stream import Parser as Parser
    from .parsers.stream import ParseResult as ParseResult
    from .places import Field as Field
    from .places import fields as fields
    from .samples import Sample as Sample
    from .spans import Rendered as Rendered
    from .spans import Run as Run
    from .stability import Stability as Stability
    from .stability import prefix_stability as prefix_stability
    from .supervised import samples_from_messages as samples_from_messages
    from .templating.inputs import Inputs as Inputs
    from .tokens import Tokenizer as Tokenizer
    from .tokens import load_tokenizer as load_tokenizer
    from .tokens import small_tokenizer as small_tokenizer
    from .tools import Tool as Tool
    from .tools import tool as tool
    from .turns import Call as Call
    from .turns import Media as Media
    from .turns import Reasoning as Reasoning
    from .turns import Refusal as Refusal
    from .turns import Result as Result
    from .turns import Text as Text
    from .turns import Turn as Turn

__version__ = "0.1.0"

_HOME = {
    "bulk": "", "convert": "", "errors": "", "events": "", "trainers": "",
    "TurnwireError": "errors",
    "Detection": "detect", "detect_format": "detect",
    "get_format": "families", "list_formats": "families",
    "Divergence": "explain.diff", "diff": "explain.diff", "Logged": "explain.sides",
    "Engine": "explain.engines",
    "Finding": "explain.lint", "lint": "explain.lint",
    "Format": "format", "Refusal": "turns",
    "Evidence": "inference", "infer_format": "inference",
    "Conversation": "conversation", "Sample": "samples", "Stability": "stability", "prefix_stability": "stability",
    "Field": "places", "fields": "places", "Packed": "packing", "pack": "packing",
    "samples_from_messages": "supervised",
    "ChatTemplate": "chat_template", "Inputs": "templating.inputs", "Origin": "origins",
    "Parser": "parsers.stream", "ParseResult": "parsers.stream",
    "Rendered": "spans", "Run": "spans",
    "Tokenizer": "tokens", "load_tokenizer": "tokens", "small_tokenizer": "tokens",
    "Tool": "tools", "tool": "tools",
    "Call": "turns", "Media": "turns", "Reasoning": "turns", "Result": "turns", "Text": "turns", "Turn": "turns",
}  # fmt: skip
__all__ = [*_HOME]  # pyright: ignore[reportUnsupportedDunderAll]


if not TYPE_CHECKING:  # else a checker would believe that every name is there

    def __getattr__(name: str) -> Any:
        home = _HOME.get(name)
        if home is None:
            raise AttributeError(f"module 'turnwire' has no attribute {name!r}")
        if not home:
            return importlib.import_module(f".{name}", __name__)
        value = getattr(importlib.import_module(f".{home}", __name__), name)
        globals()[name] = value
        return value


def __dir__() -> list[str]:
    return sorted([*globals(), *_HOME])
