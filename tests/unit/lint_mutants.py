"""A chat template without a fault, and mutants of it that have one each."""

from __future__ import annotations

GOOD = r"""
{%- macro said(content) -%}
{%- if content is string -%}{{ content }}
{%- else -%}
{%- for part in content or [] -%}
{%- if part.type == 'text' -%}{{ part.text }}{%- else -%}<|image|>{%- endif -%}
{%- endfor -%}
{%- endif -%}
{%- endmacro -%}
{{- bos_token -}}
{%- if tools %}{{ '<|start|>tools\n' ~ (tools | tojson) ~ '<|end|>\n' }}{% endif -%}
{%- for m in messages -%}
{%- if m.role not in ('system', 'developer', 'user', 'assistant', 'tool') -%}
{{- raise_exception('no such role: ' ~ m.role) -}}
{%- endif -%}
{{- '<|start|>' ~ m.role ~ '\n' -}}
{%- if m.tool_call_id is defined %}{{ '<|id|>' ~ m.tool_call_id ~ '\n' }}{% endif -%}
{%- if m.reasoning_content %}{{ '<think>' ~ m.reasoning_content ~ '</think>\n' }}{% endif -%}
{{- said(m.content) -}}
{%- for c in m.tool_calls or [] -%}
{{- '\n<tool_call>{"id": ' ~ (c.id | tojson) ~ ', "name": ' ~ (c.function.name | tojson) ~ ', "arguments": ' -}}
{%- if c.function.arguments is string %}{{ c.function.arguments }}{% else %}{{ c.function.arguments | tojson }}{% endif -%}
{{- '}</tool_call>' -}}
{%- endfor -%}
{{- '<|end|>\n' -}}
{%- endfor -%}
{%- if add_generation_prompt %}{{ '<|start|>assistant\n' }}{% endif -%}
"""

MUTANTS: dict[str, tuple[str, str, str]] = {  # what: code, text of GOOD, what stands there instead
    "null content": ("crashes", "{{- said(m.content) -}}", "{{- said(m.content + '') if m.content is not iterable "
                     "or m.content is string else said(m.content) -}}"),
    "parts": ("crashes", "{%- if content is string -%}{{ content }}",
              "{%- if content or content is string -%}{{ '' + content }}"),
    "no parallel calls": ("refuses", "{%- for c in m.tool_calls or [] -%}",
                          "{%- if m.tool_calls and m.tool_calls | length > 1 %}{{ raise_exception('one call') }}"
                          "{% endif -%}{%- for c in m.tool_calls or [] -%}"),
    "system": ("drops-content", "{{- said(m.content) -}}", "{%- if m.role != 'system' %}{{ said(m.content) }}{% endif -%}"),
    "content beside calls": ("drops-content", "{{- said(m.content) -}}",
                             "{%- if not m.tool_calls %}{{ said(m.content) }}{% endif -%}"),
    "later calls": ("drops-call", "in m.tool_calls or [] -%}", "in (m.tool_calls or [])[:1] -%}"),
    "arguments": ("drops-call", "{{ c.function.arguments | tojson }}", "{}"),
    "results": ("drops-result", "{{- said(m.content) -}}", "{%- if m.role != 'tool' %}{{ said(m.content) }}{% endif -%}"),
    "reasoning": ("drops-reasoning", "{%- if m.reasoning_content %}", "{%- if m.reasoning_content and not m.tool_calls %}"),
    "tools": ("ignores-tools", "{%- if tools %}", "{%- if no_tools %}"),
    "schema": ("drops-schema", "(tools | tojson)", "(tools | map(attribute='function.name') | list | tojson)"),
    "twice": ("repeats-content", "{{- said(m.content) -}}", "{{- said(m.content) ~ ' ' ~ said(m.content) -}}"),
    "order": ("reorders-content", "in messages -%}", "in messages | sort(attribute='role') -%}"),
    "results as one": ("merges-results", "{%- for m in messages -%}",
                       "{%- for m in messages -%}{%- if m.role == 'tool' %}{{ said(m.content) }}{% continue %}{% endif -%}"),
    "system as user": ("merges-messages", "{%- for m in messages -%}",
                       "{%- for m in messages -%}{%- if m.role == 'system' -%}{{- '<|start|>user\\n' ~ said(m.content) ~ '\\n' -}}"
                       "{%- continue -%}{%- elif loop.previtem and loop.previtem.role == 'system' -%}"
                       "{{- said(m.content) ~ '<|end|>\\n' -}}{%- continue -%}{%- endif -%}"),
    "repr of arguments": ("prints-repr", "{{ c.function.arguments | tojson }}", "{{ c.function.arguments }}"),
    "repr of tools": ("prints-repr", "(tools | tojson)", "tools"),
    "repr of content": ("prints-repr", "{{- said(m.content) -}}", "{{- m.content -}}"),
    "last system": ("rewrites-history", "{{- said(m.content) -}}",
                    "{{- said(m.content) ~ (' (last)' if loop.last and m.role != 'assistant' else '') -}}"),
    "old reasoning": ("forgets-reasoning", "{%- if m.reasoning_content %}",
                      "{%- if m.reasoning_content and (loop.last or loop.nextitem.role == 'tool') %}"),
    "last turn": ("last-turn-differs", "{{- said(m.content) -}}",
                  "{{- ('so: ' if loop.last and m.role == 'assistant' else '') ~ said(m.content) -}}"),
    "other prompt": ("prompt-not-kept", "{{ '<|start|>assistant\\n' }}", "{{ '<|start|>model\\n' }}"),
    "thinking prompt": ("prompt-not-kept", "{{ '<|start|>assistant\\n' }}", "{{ '<|start|>assistant\\n<think>' }}"),
    "no prompt": ("no-generation-prompt", "{%- if add_generation_prompt %}{{ '<|start|>assistant\\n' }}{% endif -%}", ""),
    "no end": ("no-terminator", "{{- '<|end|>\\n' -}}", "{{- '\\n' if m.role == 'assistant' else '<|end|>\\n' -}}"),
    "no last end": ("terminator-missing-last", "{{- '<|end|>\\n' -}}\n{%- endfor -%}",
                    "{{- '<|end|>\\n' if not loop.last or m.role != 'assistant' -}}\n{%- endfor -%}"),
    "open behind calls": ("unbalanced-markers", "{{- '<|end|>\\n' -}}", "{{- '<|end|>\\n' if not m.tool_calls -}}"),
    "closed twice": ("unbalanced-markers", "{{- '<|end|>\\n' -}}",
                     "{{- '<|end|>\\n' -}}{{- '<|end|>' if m.role == 'assistant' -}}"),
    "any role": ("unchecked-role", "{{- raise_exception('no such role: ' ~ m.role) -}}", ""),
    "image first": ("loses-part-order", "in content or [] -%}", "in (content or []) | sort(attribute='type') -%}"),
    "no ids": ("loses-call-ids", "m.tool_call_id is defined", "false"),
    "twice encoded": ("arguments-form", "{%- if c.function.arguments is string %}{{ c.function.arguments }}{% else %}",
                      "{%- if false %}{% else %}"),
    "blanks": ("trims-content", "{%- if content is string -%}{{ content }}",
               "{%- if content is string -%}{{ content | trim }}"),
    "lines": ("changes-content", "{%- if content is string -%}{{ content }}",
              "{%- if content is string -%}{{ content.replace('\\n\\n', '\\n') }}"),
    "system left open": ("unbalanced-markers", "{{- '<|end|>\\n' -}}\n{%- endfor -%}",
                         "{{- '<|end|>\\n' if m.role != 'system' -}}\n{%- endfor -%}"),
    "last user left open": ("unbalanced-markers", "{{- '<|end|>\\n' -}}\n{%- endfor -%}",
                            "{{- '<|end|>\\n' if m.role != 'user' or not loop.last or add_generation_prompt -}}\n{%- endfor -%}"),
    "undefined tools": ("crashes", "{%- if tools %}", "{%- if (tools | tojson) != 'null' %}"),
    "date": ("date-in-prompt", "{{- bos_token -}}", "{{- bos_token ~ '<|start|>system\\n' ~ strftime_now('%d %b %Y') "
             "~ '<|end|>\\n' -}}"),
    "random": ("not-deterministic", "{{- bos_token -}}", "{{- bos_token ~ (range(999) | random) -}}"),
    "address": ("prints-repr", "{{- bos_token -}}", "{{- bos_token ~ (messages | map(attribute='role')) -}}"),
    "slow": ("over-budget", "{{- said(m.content) -}}",
             "{%- for a in messages %}{% for b in messages %}{% endfor %}{% endfor -%}{{- said(m.content) -}}"),
    "generation tag": ("engine-feature", "{{- said(m.content) -}}", "{% generation %}{{ said(m.content) }}{% endgeneration %}"),
    "syntax": ("syntax", "{%- endfor -%}\n{{- '<|end|>\\n' -}}", "{{- '<|end|>\\n' -}}"),
}  # fmt: skip
PLAIN = """\
{% for m in messages %}
{{ m.role }}: {{ m.content }}
{% for c in m.tool_calls or [] %}
call {{ c.function.name }}{% for k, v in c.function.arguments.items() %} {{ k }}={{ v }}{% endfor %}

{% endfor %}
{% endfor %}
{% if add_generation_prompt %}assistant: {% endif %}
"""
"""Nothing but text."""
PYTHONIC = (
    "{%- for c in m.tool_calls or [] %}[{{ c.function.name }}({% for k, v in c.function.arguments.items() %}"
    "{{ k }}={{ v if v is not string else v | tojson }}{{ ', ' if not loop.last }}{% endfor %})]{% endfor -%}"
)
"""Calls as Python writes them."""
