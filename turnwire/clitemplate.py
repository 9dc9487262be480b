"""What the command line does with chat templates: loads one, shows a prompt of it, and infers its format.

A template stands where a format does: both render, and a template's inferred format parses.
"""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING, Any

from .cliinput import Usage, existing

if TYPE_CHECKING:
    from .chat_template import ChatTemplate
    from .spans import Rendered


def chat_template(args: argparse.Namespace, tools: Any = None) -> ChatTemplate:
    """The template that `--template` and `--template-name` say."""
    from .chat_template import ChatTemplate

    if args.small:
        raise Usage("--small has the control tokens of a format; for a template: --tokenizer PATH")
    return ChatTemplate.load(existing(args.template), args.template_name, tools=bool(tools))


def template_form(template: ChatTemplate, out: Rendered, ids: bool, origins: bool) -> dict[str, Any]:
    """What `--json` writes of a prompt: as of a format's (`jsonform.rendered_form`), with the template in its place,
    why there is no mask of what the model wrote, if there is none, and the source map if it is asked for."""
    from .jsonform import prompt_form
    from .origins import spell

    said = {"path": template.origin, "name": template.name, "sha256": template.sha256}
    form = {"template": said, **prompt_form(out, ids), "unmasked": out.unmasked or None}
    if origins:
        form["origins"] = [{**s._asdict(), "path": spell(s.path)} for s in (out.origins.spans if out.origins else ())]
    return form
