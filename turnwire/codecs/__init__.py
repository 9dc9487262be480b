"""Value notations: how one value is written, and where it ends when a model writes it. Shared, family-free.

A codec is a frozen value. It may have
  toks      control tokens that occur inside its values
  first     characters its value may begin with (for a codec with `reader`)
  write     a call (or one argument's value) -> text; in an "attrs" slot: (call, its index in the turn) or
            (key, value) -> text. Where `toks` occur in it: a list of texts and `Tok`s
  read      in an "attrs" slot: text -> {"name", "id"} of the call, {"key", "form"} of the argument (form "string":
            its value is text; "json": its value is JSON), "fault" if something is wrong with it
  place     of a codec whose `read` gives a "name": text -> where in it the name stands
  word      a pattern that its whole value matches (for a codec without `reader`)
  reader    a `Reader`, made for each value
  notation  of a codec that writes arguments: what `turnwire formats` calls the notation
  untyped   True if nothing tells the types of values inside objects and lists but their schema

Each is loaded when it is first used: a family needs two or three of them.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .attributes import ArgumentAttributes as ArgumentAttributes
    from .attributes import CallAttributes as CallAttributes
    from .attributes import CountedId as CountedId
    from .bare_keys import BareKeys as BareKeys
    from .dsml import StringAttribute as StringAttribute
    from .elements import Elements as Elements
    from .ids import Alphanumeric as Alphanumeric
    from .ids import Counted as Counted
    from .ids import IdForm as IdForm
    from .ids import Namer as Namer
    from .ids import Ordinal as Ordinal
    from .json_object import STRING_STOP as STRING_STOP
    from .json_object import Envelope as Envelope
    from .json_object import Json as Json
    from .json_object import JsonReader as JsonReader
    from .json_object import decode_string as decode_string
    from .keyed import Keyed as Keyed
    from .literal import LiteralStream as LiteralStream
    from .looks import Guard as Guard
    from .looks import JsonCall as JsonCall
    from .looks import PythonCall as PythonCall
    from .python_call import PythonArguments as PythonArguments
    from .python_call import PythonReader as PythonReader
    from .python_call import Quoted as Quoted
    from .python_call import python_value as python_value
    from .reading import BLANKS as BLANKS
    from .reading import BROKEN as BROKEN
    from .reading import DONE as DONE
    from .reading import MAX_DEPTH as MAX_DEPTH
    from .reading import MAX_KEY as MAX_KEY
    from .reading import MORE as MORE
    from .reading import Context as Context
    from .reading import Inside as Inside
    from .reading import Reader as Reader
    from .reading import Sink as Sink
    from .reading import Took as Took
    from .reading import Types as Types
    from .text import dumps as dumps
    from .text import dumps_encodable as dumps_encodable
    from .text import escaped as escaped
    from .text import loads as loads
    from .text import loads_counting as loads_counting
    from .words import CallId as CallId
    from .words import Name as Name
    from .words import Noise as Noise
    from .words import Value as Value

_NAMES = {
    "attributes": "ArgumentAttributes CallAttributes CountedId",
    "bare_keys": "BareKeys",
    "dsml": "StringAttribute",
    "elements": "Elements",
    "ids": "Alphanumeric Counted IdForm Namer Ordinal",
    "json_object": "STRING_STOP Envelope Json JsonReader decode_string",
    "keyed": "Keyed",
    "literal": "LiteralStream",
    "looks": "Guard JsonCall PythonCall",
    "python_call": "PythonArguments PythonReader Quoted python_value",
    "reading": "BLANKS BROKEN DONE MAX_DEPTH MAX_KEY MORE Context Inside Reader Sink Took Types",
    "text": "dumps dumps_encodable escaped loads loads_counting",
    "words": "CallId Name Noise Value",
}
_HOME = {name: home for home, names in _NAMES.items() for name in names.split()}


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = globals()[name] = getattr(importlib.import_module(f".{_HOME[name]}", __name__), name)
    return value
