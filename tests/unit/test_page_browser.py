"""The page in a real browser, headless: clicks and keys, what is drawn, what may run. Skips without chromium.

The browser is driven by playwright (a wheel; with `executable_path` it needs no browser of its own). It is told to log
every request: there must be none but the file itself.
"""

from __future__ import annotations

import os
import shutil
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import turnwire
from tests.laws.law import reports
from tests.unit.test_page import EVIL, MESSAGES, ROLES, TOOLS, reply
from turnwire.explain.comparison import page_of
from turnwire.explain.diff import diff
from turnwire.explain.document import of_rendered, of_reply
from turnwire.explain.logged import of_logged
from turnwire.explain.page import Page, Region

sync_api = pytest.importorskip("playwright.sync_api", reason="needs playwright")
CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="needs chromium")
FMT = turnwire.get_format("qwen3")
TOKENIZER = turnwire.small_tokenizer(FMT)


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    with sync_api.sync_playwright() as p:
        browser = p.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield browser
        browser.close()


class Opened:
    """A page in a tab; `shots` go to $TURNWIRE_SHOTS, if it is set, for people to look at."""

    def __init__(self, browser: Any, page: Page, tmp: Path, size: tuple[int, int] = (1280, 800), scheme: str = "light"):
        file = tmp / "page.html"
        file.write_text(page.to_html(), "utf-8")
        self.tab: Any = browser.new_page(viewport={"width": size[0], "height": size[1]}, color_scheme=scheme)
        self.bad: list[str] = []
        self.tab.on("dialog", lambda d: (self.bad.append(f"dialog {d.message}"), d.dismiss()))
        self.tab.on("pageerror", lambda e: self.bad.append(f"error {e}"))
        self.tab.on("console", lambda m: self.bad.append(f"console {m.text}"))
        self.tab.on("request", lambda r: self.bad.append(f"request {r.url}") if r.url != file.as_uri() else None)
        start = time.perf_counter()
        self.tab.goto(file.as_uri())
        self.tab.wait_for_selector("html[data-ready]", state="attached")
        self.seconds = time.perf_counter() - start

    def press(self, *keys: str) -> None:
        for key in keys:
            self.tab.keyboard.press(key)

    def facts(self) -> dict[str, str]:
        """What the inspector says."""
        names, values = (self.tab.locator(f"#detail {tag}").all_inner_texts() for tag in ("dt", "dd"))
        return dict(zip(names, values))

    def count(self, what: str) -> int:
        return self.tab.locator(what).count()

    def cursor(self) -> str:
        return self.tab.evaluate("document.querySelector('[role=tree]').getAttribute('aria-activedescendant') ?? ''")

    def shot(self, name: str) -> None:
        if folder := os.environ.get("TURNWIRE_SHOTS"):
            self.tab.screenshot(path=f"{folder}/{name}.png")


@pytest.fixture
def opened(browser: Any, tmp_path: Path) -> Iterator[Any]:
    tabs: list[Opened] = []

    def opener(page: Page, **kw: Any) -> Opened:
        tabs.append(Opened(browser, page, tmp_path, **kw))
        return tabs[-1]

    yield opener
    for one in tabs:
        one.tab.close()
        assert not one.bad


def both() -> Page:
    """A prompt of a template, and a reply that is cut."""
    template = turnwire.ChatTemplate(
        "{% for m in messages %}\n{{ '<|im_start|>' + m.role + '\\n' }}\n{{- m.content }}<|im_end|>\n{% endfor %}"
        "{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
    )
    out = template.render(MESSAGES[:2], None, TOKENIZER, add_generation_prompt=True)
    return Page([of_rendered(out, "prompt", ROLES, template.source).then(reply()[3])], "A <b>title</b> & more")


def test_pointing_at_a_token_says_what_it_is(opened: Any) -> None:
    page = opened(both())
    page.tab.locator(".c", has_text="rief").first.hover()
    facts = page.facts()
    content = page.tab.evaluate("JSON.parse(document.getElementById('data').textContent).documents[0].text")
    start, stop = map(int, facts["Characters"].split("–"))
    piece = content[start:stop]
    assert int(facts["Id"]) in TOKENIZER.encode("Be brief.") and bytes.fromhex(facts["Bytes"]) == piece.encode()
    assert facts["Field"].split() == ["messages[0].content", "character", str(start - content.index("Be brief."))]
    assert facts["Template"] == "line 3" and facts["Turn"] == "system, message 0" and facts["Part"] == "text"
    assert facts["Written by"] == "the caller" and facts["Mask"] == "off"
    page.tab.locator(".ctl").first.hover()
    assert "control token" in page.facts()["Id"] and page.facts()["Template"] == "line 2"
    assert page.tab.locator("h1").inner_text() == page.tab.title() == "A <b>title</b> & more"
    page.shot("hover")


def test_levels_open_and_close(opened: Any) -> None:
    page = opened(both())
    page.tab.get_by_role("radio", name="Turns").click()
    assert page.count(".row.turn") == 3 and page.count(".c") == 0
    assert "Be brief." in page.tab.locator(".row.turn").first.inner_text()
    page.tab.locator(".row.turn").nth(1).click()
    assert page.count(".c") > 5 and page.tab.locator(".row.turn").nth(1).get_attribute("aria-expanded") == "true"
    page.tab.get_by_role("radio", name="Tokens").click()
    assert page.tab.locator(".label", has_text="call").count() == 1
    ids = page.tab.evaluate("JSON.parse(document.getElementById('data').textContent).documents[0].tokens.ids.length")
    assert page.tab.locator("[data-i]").last.get_attribute("data-i") == str(ids - 1)
    page.shot("tokens")


def test_the_mask_is_switched(opened: Any) -> None:
    page = opened(both())
    button = page.tab.get_by_role("button", name="Mask")
    plain = page.tab.locator(".c.m").first.evaluate("n => getComputedStyle(n).boxShadow")
    button.click()
    assert button.get_attribute("aria-pressed") == "true"
    assert page.tab.locator(".c.m").first.evaluate("n => getComputedStyle(n).boxShadow") != plain
    mask = both().documents[0].mask or ()
    assert page.tab.locator("#mask").inner_text() == f"Mask {sum(mask)}"
    assert page.count(".c.m") <= sum(mask) + 10 and "written by the model" in page.tab.locator("#said").inner_text()
    page.shot("mask")
    page.press("m")
    assert button.get_attribute("aria-pressed") == "false"


def test_a_mask_that_is_not_known_says_why(opened: Any) -> None:
    template = turnwire.ChatTemplate("{% for m in messages %}{{ m.content | upper | list | join }}{% endfor %}")
    document = of_rendered(template.render([{"role": "assistant", "content": "x"}]), "p", ["assistant"])
    page = opened(Page([document]))
    if document.unmasked:
        page.press("m")
        assert page.tab.locator("#mask").get_attribute("aria-pressed") == "false"
        assert document.unmasked in page.tab.locator("#said").inner_text()


def test_search_jumps(opened: Any) -> None:
    words = " ".join(f"word{i}" for i in range(3000))
    out = FMT.render([{"role": "user", "content": f"{words} 🌧 Needle {words} needle"}], None, TOKENIZER)
    page = opened(Page([of_rendered(out, "long", ["user"])]))
    page.press("/")
    page.tab.keyboard.type("needle")
    page.press("Enter")
    assert page.tab.locator("#hits").inner_text() == "1 of 2"
    found = page.tab.locator(".hit-now")
    assert "Needle" in "".join(found.all_inner_texts()) and found.first.is_visible()
    page.press("Enter")
    assert page.tab.locator("#hits").inner_text() == "2 of 2"
    page.press("Shift+Enter", "Escape", "n")
    assert page.tab.locator("#hits").inner_text() == "2 of 2"
    token = out.ids[out.tokens(out.text.index("Needle"), out.text.index("Needle") + 6)[0]]
    page.press("/")
    page.tab.keyboard.type(f"#{token}")
    page.press("Enter")
    assert page.tab.locator("#hits").inner_text().endswith(f"of {out.ids.count(token)}")
    page.tab.fill("#query", "no such thing")
    sync_api.expect(page.tab.locator("#hits")).to_have_text("none")


def test_a_stream_is_stepped_through(opened: Any) -> None:
    page = opened(both())
    document = both().documents[0]
    page.tab.get_by_role("tab", name="Stream").click()
    at = page.tab.locator("#at")
    assert at.inner_text() == f"1 of {len(document.events)}"
    for n, event in enumerate(document.events):
        assert at.inner_text() == f"{n + 1} of {len(document.events)}"
        selected = page.tab.locator(".event-item[aria-selected=true]")
        assert selected.locator(".name").inner_text() == type(event).__name__
        if event.span[1] > event.span[0] and event.tokens:
            lit = {int(i) for i in page.tab.locator(".c.now").evaluate_all("ns => ns.map(n => n.dataset.i)")}
            assert lit == set(range(*event.tokens))
        pale, drawn = (
            set(page.tab.locator(which).evaluate_all("ns => ns.map(n => Number(n.dataset.i))"))
            for which in (".c.later", ".c")
        )
        assert pale == {i for i in drawn if document.tokens.extents[i][0] >= max(event.span[1], document.reply)}
        if type(event).__name__ == "ArgumentsDelta":
            assert "call get_weather" in page.tab.locator("#state").inner_text()
            page.shot("stream")
        page.press(".")
    page.press(",")
    page.tab.get_by_role("button", name="First event").click()
    assert at.inner_text().startswith("1 of")
    page.tab.get_by_role("tab", name="Turns").click()
    assert page.count(".c.later") == 0


def test_faults_stand_where_they_happened(opened: Any) -> None:
    page = opened(both())
    fault = page.tab.locator(".fault")
    assert fault.count() == 1 and "incomplete-call" in fault.inner_text()
    page.press("f")
    last = len(both().documents[0].tokens.ids) - 1
    assert page.cursor() == f"c0-{last}" and "incomplete-call" in page.facts()["Fault"]
    line, mark = (page.tab.locator(s).first.bounding_box() for s in (".c.flt", ".fault"))
    assert 0 < mark["y"] - line["y"] < 40
    page.shot("fault")


def test_everything_by_keyboard(opened: Any) -> None:
    page = opened(both())
    assert page.cursor() == "t0-0"
    page.press("ArrowRight", "ArrowRight")
    assert page.cursor() == "c0-1" and page.facts()["Characters"].startswith("12–")
    page.press("ArrowDown", "ArrowUp", "Home")
    assert page.cursor() == "c0-0"
    page.press("ArrowLeft", "Enter")
    assert page.tab.locator("#t0-0").get_attribute("aria-expanded") == "false"
    page.press(" ", "t")
    assert page.cursor() == "t0-1"
    page.press("Control+End")
    assert page.cursor() == f"c0-{len(both().documents[0].tokens.ids) - 1}"
    page.press("Control+Home", "3")
    assert page.tab.get_by_role("radio", name="Tokens").get_attribute("aria-checked") == "true"
    page.press("?")
    assert page.tab.locator("dialog").is_visible()
    page.press("Escape", "l")
    assert page.tab.locator("html").get_attribute("data-theme") == "light"
    seen: list[str] = []
    for _ in range(16):  # every control is reached, and none keeps the focus
        page.press("Tab")
        seen.append(page.tab.evaluate("document.activeElement.id || document.activeElement.textContent.slice(0, 20)"))
    assert {"mask", "query", "before", "after", "theme", "help", "Turns", "Tokens"} <= set(seen)


def test_walking_does_not_lose_a_token(opened: Any) -> None:
    """Arrow keys visit every header and every token once, forth and back."""
    page = opened(both())
    document = both().documents[0]
    want = len(document.tokens.ids) + len(document.sections)
    forth: list[str] = [page.cursor()]
    for _ in range(want + 5):
        page.press("ArrowRight")
        if page.cursor() != forth[-1]:
            forth.append(page.cursor())
    assert len(forth) == len(set(forth)) == want
    back = [forth[-1]]
    for _ in range(want + 5):
        page.press("ArrowLeft")
        if page.cursor() != back[-1]:
            back.append(page.cursor())
    assert back == forth[::-1]


def test_a_hundred_thousand_tokens(opened: Any, record_property: Any) -> None:
    """What is in the page does not grow with the text. The time is told (a machine may be busy); what the page's own
    script takes of it is asserted."""
    messages = [
        {"role": r, "content": f"{i} " + "some words, and (code);\n" * 60} for i in range(110) for r in ROLES[1:3]
    ]
    out = FMT.render(messages, None, TOKENIZER)
    assert len(out.ids) > 100_000
    page = opened(Page([of_rendered(out, "big", [m["role"] for m in messages])], level=3))
    ready = int(page.tab.locator("html").get_attribute("data-ready"))
    record_property("seconds", page.seconds)
    reports.append(f"page of {len(out.ids):,} tokens: open in {page.seconds:.2f} s, of which the script {ready} ms")
    assert ready < 2_000
    most = 0
    for key in ("Control+End", "PageUp", "Control+Home", "PageDown", "1", "2", "Control+End", "3"):
        page.press(key)
        most = max(most, page.count("*"))
    reports.append(f"page of {len(out.ids):,} tokens: at most {most} elements")
    assert 200 < most < 4_000
    page.press("Control+End")
    assert page.cursor() == f"c0-{len(out.ids) - 1}" and page.tab.locator(".c.cur").first.is_visible()


def test_hostile_content_is_inert(opened: Any) -> None:
    """In every place that a caller, a template or a model can write to; nothing runs, loads or asks."""
    evil = EVIL + " <svg onload=alert(3)> <a href='javascript:alert(4)'>x</a> <iframe src='http://evil.test/'></iframe>"
    evil += " <style>*{display:none}</style> {{script}} \u202e \x1b[2J"
    messages = [{"role": "system", "content": evil}, {"role": "user", "content": "x"}]
    out = FMT.render(messages, None, TOKENIZER, add_generation_prompt=True)
    text = f'{evil}\n<tool_call>\n{{"name": "{"<img src=x onerror=alert(5)>"}", "arguments": {{"a": "</script>"'
    result = FMT.parse(text, TOOLS, finish_reason="stop")
    document = of_rendered(out, evil, [evil, evil], evil, [(evil, evil)])
    page = opened(Page([document.then(of_reply(result, text))], evil))
    page.press("3", "m", "f", ".", ".", ".", "t", "ArrowRight", "ArrowRight")
    for tab in ("Stream", "Turns"):
        page.tab.get_by_role("tab", name=tab).click()
    page.tab.fill("#query", "<img")
    page.tab.wait_for_timeout(200)
    compared = opened(Page([document, document], evil, [Region((0, 9), (0, 9), evil, evil)]))
    compared.press("d")
    for one in (page, compared):
        assert one.count("script") == 2 and one.count("img, svg, iframe, a:not(.skip), style:not(head style)") == 0
        assert one.tab.locator(".frame").first.is_visible()
        odd = "[...document.querySelectorAll('body *:not(script)')].flatMap(n => [...n.childNodes])"
        odd += ".filter(n => n.nodeType === 3 && /[\\u202a-\\u202e\\u2028\\u2029\\x1b]/.test(n.data)).length"
        assert one.tab.evaluate(odd) == 0
    page.shot("hostile")


def test_the_policy_stops_a_script_that_got_in(opened: Any) -> None:
    page = opened(both())
    code = "const s = document.createElement('script'); s.textContent = 'window.got = 1'; document.body.append(s);"
    page.tab.evaluate(code)
    page.tab.evaluate("document.body.setAttribute('onclick', 'window.got = 2'); document.body.click()")
    assert page.tab.evaluate("window.got") is None
    assert any("Content Security Policy" in b for b in page.bad)
    page.bad.clear()


def test_light_and_dark(opened: Any) -> None:
    back: dict[str, str] = {}
    for scheme in ("light", "dark"):
        page = opened(both(), scheme=scheme)
        back[scheme] = page.tab.evaluate("getComputedStyle(document.body).backgroundColor")
        page.shot(scheme)
    assert back["light"] != back["dark"]
    page.tab.locator("#theme").click()
    assert page.tab.evaluate("getComputedStyle(document.body).backgroundColor") == back["light"]
    page.tab.locator("#theme").click()
    assert page.tab.evaluate("getComputedStyle(document.body).backgroundColor") == back["dark"]


CONTRAST = """() => {
  const pen = document.createElement("canvas").getContext("2d", { willReadFrequently: true });
  const rgb = (c) => {
    pen.clearRect(0, 0, 1, 1);
    pen.fillStyle = c;
    pen.fillRect(0, 0, 1, 1);
    return [...pen.getImageData(0, 0, 1, 1).data];
  };
  const linear = (v) => v / 255 <= .04045 ? v / 255 / 12.92 : ((v / 255 + .055) / 1.055) ** 2.4;
  const light = ([r, g, b]) => .2126 * linear(r) + .7152 * linear(g) + .0722 * linear(b);
  const out = {};
  const texts = "h1, p, button, .role, .size, .label, .c, dt, dd, .excerpt, .note, .fault *, .name";
  for (const node of document.querySelectorAll(texts)) {
    if (!node.textContent.trim() || !node.getClientRects().length || node.closest(".unseen, .ws")) continue;
    const layers = [];
    for (let n = node; n; n = n.parentElement) layers.push(rgb(getComputedStyle(n).backgroundColor));
    let under = [255, 255, 255];
    for (const [r, g, b, a] of layers.reverse()) {
      under = [r, g, b].map((v, i) => v * a / 255 + under[i] * (1 - a / 255));
    }
    const [x, y] = [light(rgb(getComputedStyle(node).color)), light(under)].sort((a, b) => b - a);
    const ratio = (x + .05) / (y + .05), name = node.className || node.tagName;
    if (!(out[name] < ratio)) out[name] = ratio;
  }
  return out;
}"""


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_text_can_be_read(opened: Any, scheme: str) -> None:
    """A contrast of 4.5 and more, everywhere."""
    page = opened(both(), scheme=scheme)
    for keys in ((), ("3", "m"), ("f",)):
        page.press(*keys)
        found = page.tab.evaluate(CONTRAST)
        assert len(found) > 8
        low = {name: round(ratio, 2) for name, ratio in found.items() if ratio < 4.5}
        assert not low


def test_roles_and_parts_are_said_in_words_too(opened: Any) -> None:
    page = opened(both())
    assert [t.split("\n")[0] for t in page.tab.locator(".row.turn .role").all_inner_texts()] == [
        *ROLES[:2],
        "assistant",
    ]
    labels = {t for t in page.tab.locator(".label").all_inner_texts() if t}
    assert {"markup", "text", "reasoning", "call"} <= labels
    edges = page.tab.locator(".row.turn").evaluate_all("ns => ns.map(n => getComputedStyle(n).borderLeftStyle)")
    assert len(set(edges)) == 3
    tree = page.tab.get_by_role("tree")
    assert tree.get_attribute("aria-label") and tree.get_by_role("treeitem").count() > 20
    for name in ("Mask", "Previous hit", "Next hit", "Keys"):
        assert page.tab.get_by_role("button", name=name).count() == 1
    assert page.tab.get_by_role("searchbox").get_attribute("id") == "query"
    unnamed = "ns => ns.filter(n => !(n.textContent.trim() || n.getAttribute('aria-label'))).length"
    assert page.tab.locator("button").evaluate_all(unnamed) == 0
    ids = page.tab.evaluate("[...document.querySelectorAll('[id]')].map(n => n.id).filter(i => !i.startsWith('c0-'))")
    assert len(ids) == len(set(ids))


@pytest.mark.parametrize("size", [(420, 800), (760, 900), (1920, 1000)])
def test_it_fits(opened: Any, size: tuple[int, int]) -> None:
    """No part of the page is wider than the window, no token is cut, at any width."""
    page = opened(both(), size=size)
    page.press("3", "ArrowRight")
    assert page.tab.evaluate("document.documentElement.scrollWidth") <= size[0]
    right = "document.querySelector('.scroller').getBoundingClientRect().right"
    over = (
        f"[...document.querySelectorAll('.content .c')].filter(n => n.getBoundingClientRect().right > {right}).length"
    )
    assert page.tab.evaluate(over) == 0
    assert page.tab.locator(".c.cur").first.is_visible() and page.facts()["Id"]
    page.shot(f"wide-{size[0]}")


def test_two_prompts_side_by_side(opened: Any) -> None:
    changed = [
        *MESSAGES[:1],
        {**MESSAGES[1], "content": MESSAGES[1]["content"].replace("Oslo", "Bergen")},
        *MESSAGES[2:],
    ]
    a, b = (FMT.render(m, TOOLS, TOKENIZER, add_generation_prompt=True) for m in (MESSAGES, changed))
    found = diff(turnwire.Logged(ids=a.ids), turnwire.Logged(ids=b.ids), tokenizer=TOKENIZER)
    assert found is not None
    page = opened(page_of(found, "a difference"), size=(1500, 900))
    assert page.count(".pane") == 2 and page.count(".c.d-a") and page.count(".c.d-b")
    first = page.tab.locator(".region-item").first
    assert "Oslo"[1:] in first.inner_text() or "−" in first.inner_text()
    page.press("d")
    one = "".join(page.tab.locator(".c.d-a").all_inner_texts())
    two = "".join(page.tab.locator(".c.d-b").all_inner_texts())
    assert "Oslo" in one and "Bergen".replace("Bergen", "gen") in two
    page.tab.locator(".c.d-b").first.hover()
    assert page.facts()["Difference"] and page.tab.locator("#detail h2").inner_text().startswith("B")
    page.shot("diff")


def test_words_are_cut_where_texts_differ(opened: Any) -> None:
    """Without tokens: what is marked is what differs, and not the word that it is in."""
    texts = "<|turn>user\n[{'text': '日本 x'}]<turn|>\n", "<|turn>user\n日本 x<turn|>\n"
    found = diff(*(turnwire.Logged(text=t) for t in texts))
    assert found is not None and len(found.regions) == 2
    page = opened(page_of(found))
    marked = page.tab.locator(".c.d-a").all_inner_texts()
    assert "".join(marked) == "".join(r.a.text for r in found.regions) == "[{'text': ''}]"
    assert page.count(".c.gap") == 2, "nothing is there on the other side"


EVERY = "ArrowRight ArrowLeft ArrowDown ArrowUp Home End PageDown Control+End".split()
EVERY += "1 3 m f . , d D t T l / Escape n N Enter".split()


@pytest.mark.parametrize("ids", [True, False])
def test_an_empty_text_and_keys_that_have_nothing_to_do(opened: Any, ids: bool) -> None:
    page = opened(Page([of_logged([] if ids else "", FMT, TOKENIZER)]))
    page.press(*EVERY)
    assert page.tab.locator(".scroller").inner_text() == "The text is empty."
    page = opened(Page([of_reply(FMT.parse([], tokenizer=TOKENIZER), [], TOKENIZER)]))
    page.press(*EVERY)


def test_a_word_that_is_longer_than_any_line(opened: Any) -> None:
    page = opened(Page([of_logged("x" * 300_000 + "漢字" * 20_000, FMT)], level=3))
    page.press("Control+End")
    assert page.count("*") < 2_000 and page.tab.evaluate("document.documentElement.scrollWidth") <= 1280


def test_without_a_tokenizer_words_are_shown(opened: Any) -> None:
    page = opened(Page([of_rendered(FMT.render(MESSAGES, TOOLS), "text", ROLES)]))
    page.tab.locator(".c", has_text="brief").first.hover()
    facts = page.facts()
    assert "Id" not in facts and facts["Field"] == "messages[0].content" and bytes.fromhex(facts["Bytes"]) == b" brief."
