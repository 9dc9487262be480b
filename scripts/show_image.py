"""Makes docs/images/show.png and diff.png: pages of docs/examples as chromium shows them. Needs playwright and it.

python scripts/show_image.py [PAGE.html]     also writes the first page
"""

from __future__ import annotations

import shutil
import sys
import tempfile
from pathlib import Path
from typing import Any

from playwright.sync_api import sync_playwright

import turnwire
from turnwire.cliinput import read_json
from turnwire.explain.comparison import page_of
from turnwire.explain.document import encode, of_rendered, of_reply, streamed
from turnwire.explain.page import Page

ROOT = Path(__file__).resolve().parents[1]
EXAMPLES = ROOT / "docs" / "examples"
REPLY = """<think>
Warm? I look it up.
</think>

One moment.
<tool_call>
{"name": "get_weather", "arguments": {"location": "Oslo", "unit": "kelvin"}}
</tool_call>
<tool_call>
{"name": "get_weather", "arguments": {"location": "Be"""


def page() -> Page:
    """A prompt with a forged control token, and a reply with a wrong call and a cut one."""
    fmt = turnwire.get_format("qwen3")
    tokenizer = turnwire.small_tokenizer(fmt)
    given, tools = read_json(str(EXAMPLES / "conversation.json")), read_json(str(EXAMPLES / "tools.json"))
    prompt = fmt.render(given["messages"], tools, tokenizer, add_generation_prompt=True)
    ids = encode(REPLY, fmt.control, tokenizer)
    result = streamed(fmt, ids, tools, prompt, tokenizer, "length")
    roles = [m["role"] for m in given["messages"]]
    reply = of_reply(result, ids, tokenizer, control=fmt.control)
    return Page([of_rendered(prompt, "conversation.json", roles).then(reply)], "conversation.json + reply.txt · qwen3")


def compared(browser: Any, file: Path) -> None:
    """The picture of two prompts: a case of docs/debugging.md."""
    folder = EXAMPLES / "debugging"
    given = read_json(str(folder / "chat.json"))
    logged = turnwire.Logged(text=(folder / "escaped.txt").read_text("utf-8"), name="escaped.txt")
    found = turnwire.diff("qwen3", logged, given["messages"], given.get("tools"), add_generation_prompt=True)
    assert found is not None
    file.write_text(page_of(found).to_html(), "utf-8")
    tab = browser.new_page(viewport={"width": 1360, "height": 640}, color_scheme="light")
    tab.goto(file.as_uri())
    tab.keyboard.press("d")
    tab.screenshot(path=str(ROOT / "docs" / "images" / "diff.png"))


def main() -> None:
    """Take the picture."""
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as p:
        file = Path(sys.argv[1] if len(sys.argv) > 1 else f"{folder}/page.html").resolve()
        file.write_text(page().to_html(), "utf-8")
        browser = p.chromium.launch(executable_path=shutil.which("chromium"), args=["--no-sandbox"])
        tab = browser.new_page(viewport={"width": 1360, "height": 800}, color_scheme="light")
        tab.goto(file.as_uri())
        tab.keyboard.press("3")
        for _ in range(2):
            tab.keyboard.press("t")
        tab.keyboard.press("m")
        tab.keyboard.press("f")
        tab.locator(".c.k-call").first.hover()
        out = ROOT / "docs" / "images" / "show.png"
        out.parent.mkdir(exist_ok=True)
        tab.screenshot(path=str(out))
        compared(browser, Path(folder) / "diff.html")
        browser.close()
        print(f"{out}: {out.stat().st_size:,} bytes")


if __name__ == "__main__":
    main()
