// Pane: one document, scrolled and walked through. Only the rows in view are in the page.
// The cursor is a cell (0 and up) or a turn's header (-1 - section). It is a tree: turns, and the tokens in them.

const AROUND = 400; // pixels above and below the view that are drawn too
const ROLES = ["system", "developer", "user", "assistant", "tool"];

// The one way in which text comes into the page: as text, what does not show or moves other text spelled out.
function element(tag, names, text) {
  const out = document.createElement(tag);
  if (names) out.className = names;
  if (text !== undefined) out.textContent = visible(String(text), false);
  return out;
}

const roleClass = (role) => "r-" + (ROLES.includes(role) ? role : "other");
const count = (n) => n.toLocaleString("en");
const plural = (n, what) => `${count(n)} ${what}${n === 1 ? "" : "s"}`;

class Pane {
  // `app` is told of hovered and chosen cells, and says what is marked: see main.js.
  constructor(doc, app) {
    this.doc = doc;
    this.app = app;
    this.opened = new Map(); // sections opened or closed by hand
    this.cursor = -1;
    this.drawn = new Map();
    this.root = element("div", "pane");
    if (app.docs.length > 1) this.root.append(element("h2", "pane-name", `${"AB"[doc.index]}  ${doc.name}`));
    this.now = element("div", "now-turn");
    this.now.setAttribute("aria-hidden", "true");
    this.scroller = element("div", "scroller");
    this.scroller.tabIndex = 0;
    this.scroller.setAttribute("role", "tree");
    this.scroller.setAttribute("aria-label", `${doc.name}: turns and ${doc.tokens ? "tokens" : "words"}`);
    this.content = element("div", "content");
    this.content.setAttribute("role", "none");
    this.scroller.append(this.content);
    this.map = element("canvas", "map");
    this.map.setAttribute("aria-hidden", "true");
    this.frame = element("div", "frame");
    this.frame.append(this.now, this.scroller, this.map);
    this.root.append(this.frame);
    this.listen();
  }

  listen() {
    const s = this.scroller;
    s.addEventListener("scroll", () => {
      this.draw();
      this.app.scrolled(this);
    });
    const cell = (e) => {
      const of = e.target.closest?.("[data-i]");
      return of ? Number(of.dataset.i) : null;
    };
    s.addEventListener("pointerover", (e) => this.app.hovered(this, cell(e)));
    s.addEventListener("pointerleave", () => this.app.hovered(this, null));
    s.addEventListener("click", (e) => {
      const header = e.target.closest?.("[data-section]");
      if (header) this.toggle(Number(header.dataset.section));
      const at = header ? -1 - Number(header.dataset.section) : cell(e);
      if (at !== null) this.choose(at, false);
    });
    s.addEventListener("focus", () => this.app.focused(this));
    s.addEventListener("pointerdown", () => this.app.focused(this));
    s.addEventListener("wheel", () => this.app.focused(this), { passive: true });
    this.map.addEventListener("click", (e) => {
      const box = this.map.getBoundingClientRect();
      this.app.focused(this);
      s.scrollTop = ((e.clientY - box.top) / box.height) * this.layout.total - s.clientHeight / 2;
    });
  }

  isOpen(section) {
    return this.opened.get(section) ?? this.app.level > 1;
  }

  toggle(section) {
    if (!this.doc.sections.length) return;
    this.opened.set(section, !this.isOpen(section));
    this.arrange();
  }

  // Break the lines again: another width, level, or turn opened. What is at the top stays there.
  arrange() {
    const old = this.layout;
    const top = old && old.rows[old.rowAt(this.scroller.scrollTop)];
    const away = old ? this.scroller.scrollTop - old.tops[old.rowAt(this.scroller.scrollTop)] : 0;
    const label = this.root.clientWidth < 560 ? 0 : 92;
    this.root.classList.toggle("slim", !label);
    const room = Math.min(1080, Math.max(160, this.scroller.clientWidth - label - 46));
    this.layout = new Layout(this.doc, this.app.metrics, room, this.app.level, (n) => this.isOpen(n));
    this.content.style.height = `${this.layout.total + 40}px`;
    if (top?.type === "turn") this.scroller.scrollTop = this.layout.tops[this.layout.headers[top.section]] + away;
    else if (top?.type === "line") this.scroller.scrollTop = this.layout.tops[this.layout.rowOf(top.a)] + away;
    this.redraw();
  }

  redraw() {
    this.content.replaceChildren();
    this.drawn.clear();
    this.draw();
    this.drawMap();
  }

  draw() {
    if (!this.layout) return;
    if (!this.doc.sections.length) return this.content.replaceChildren(element("p", "bare", "The text is empty."));
    const { rows } = this.layout;
    const top = this.scroller.scrollTop;
    const first = this.layout.rowAt(top - AROUND);
    const last = this.layout.rowAt(top + this.scroller.clientHeight + AROUND);
    for (const [n, node] of this.drawn) {
      if (n < first || n > last) {
        node.remove();
        this.drawn.delete(n);
      }
    }
    for (let n = first; n <= last && n < rows.length; n++) {
      if (this.drawn.has(n) || rows[n].type === "space") continue;
      const node = this.row(rows[n]);
      node.style.transform = `translateY(${this.layout.tops[n]}px)`;
      if (rows[n].type !== "turn") node.style.height = `${this.layout.heightOf(rows[n])}px`;
      this.drawn.set(n, node);
      this.content.append(node);
    }
    const row = rows[this.layout.rowAt(top)];
    const section = row && (row.section ?? (row.type === "line" ? this.doc.blocks[row.block][2] : null));
    if (section !== null && section !== undefined && row.type !== "space") {
      this.now.textContent = visible(this.app.sectionName(this.doc, section), false);
      this.now.className = `now-turn ${roleClass(this.doc.sections[section][3])}`;
      this.now.hidden = row.type === "turn" && this.layout.tops[this.layout.headers[section]] >= top - 4;
    }
    this.active();
  }

  row(row) {
    if (row.type === "turn") return this.header(row.section);
    if (row.type === "fault") {
      const out = element("div", `row ${roleClass(this.doc.sections[row.section][3])}`);
      const box = element("div", "fault");
      box.setAttribute("role", "treeitem");
      box.setAttribute("aria-level", "2");
      out.setAttribute("role", "none");
      out.append(box);
      box.append(element("b", "", row.event[0] === "Fault" ? "⚠ Fault" : "⚠ Call"), element("span", "", row.event[6].replace(/\n/g, " · ")));
      return out;
    }
    const { doc } = this;
    const block = doc.blocks[row.block];
    const section = doc.sections[block[2]];
    const out = element("div", `row line k-${block[4]} ${roleClass(section[3])}${row.first ? " first" : ""}`);
    out.setAttribute("role", "none");
    const label = element("span", "label", row.first ? block[4] : "");
    label.setAttribute("aria-hidden", "true");
    const line = element("span", "cells");
    line.setAttribute("role", "none");
    for (const [cell, text] of this.layout.pieces(row)) {
      line.append(this.cell(cell, text, block));
    }
    out.append(label, line);
    return out;
  }

  cell(i, text, block) {
    const { doc } = this;
    const out = element("span", this.app.cellClass(doc, i), text);
    if (!this.layout.exact && (text === "↵" || !text.trim())) out.classList.add("ws");
    out.dataset.i = i;
    out.id = `c${doc.index}-${i}`;
    out.setAttribute("role", "treeitem");
    out.setAttribute("aria-level", "2");
    out.setAttribute("aria-posinset", i + 1);
    out.setAttribute("aria-setsize", doc.count);
    if (!text) out.setAttribute("aria-label", shownText(doc, i, true)); // a part of a character that is shown before it
    else if (!text.trim() || /[↵·→]/.test(text)) {
      const words = { "↵": "line end", "·": "space", " ": "space", "→": "tab" };
      out.setAttribute("aria-label", text.replace(/[↵·→]|^ +$/g, (c) => ` ${words[c[0]]} `).trim());
    }
    if (block[4] === "markup") out.setAttribute("aria-description", "markup");
    return out;
  }

  header(n) {
    const { doc } = this;
    const section = doc.sections[n];
    const [from, to] = doc.sectionCells[n];
    const out = element("div", `row turn ${roleClass(section[3])}`);
    out.dataset.section = n;
    out.id = `t${doc.index}-${n}`;
    out.setAttribute("role", "treeitem");
    out.setAttribute("aria-level", "1");
    out.setAttribute("aria-expanded", this.isOpen(n));
    out.setAttribute("aria-posinset", n + 1);
    out.setAttribute("aria-setsize", doc.sections.length);
    const sign = element("span", "sign", this.isOpen(n) ? "▾" : "▸");
    sign.setAttribute("aria-hidden", "true");
    out.append(sign, element("span", "role", section[3] || "format"));
    if (section[4]) out.append(element("span", "note", section[4]));
    if (!this.isOpen(n)) out.append(element("span", "excerpt", excerpt(doc, n)));
    const size = plural(to - from, doc.tokens ? "token" : "word");
    out.append(element("span", "size", section[2] >= 0 ? `message ${section[2]} · ${size}` : size));
    return out;
  }

  // Keep what marks the cursor on the node that shows it.
  active() {
    this.content.querySelectorAll(".cur").forEach((node) => node.classList.remove("cur"));
    const id = this.cursor < 0 ? `t${this.doc.index}-${-1 - this.cursor}` : `c${this.doc.index}-${this.cursor}`;
    const nodes = this.content.querySelectorAll(`[id="${id}"]`);
    nodes.forEach((node) => {
      node.classList.add("cur");
      node.setAttribute("aria-selected", "true");
    });
    if (nodes.length) this.scroller.setAttribute("aria-activedescendant", id);
    else this.scroller.removeAttribute("aria-activedescendant");
  }

  rowOfCursor() {
    return this.cursor < 0 ? this.layout.headers[-1 - this.cursor] ?? 0 : this.layout.rowOf(this.cursor);
  }

  // Move the cursor, and the view if need be; `middle`: into the middle of it.
  choose(at, middle) {
    if (!this.doc.sections.length) return;
    if (at >= 0 && !this.isOpen(sectionOf(this.doc, at))) this.toggle(sectionOf(this.doc, at));
    this.cursor = at;
    this.show(this.rowOfCursor(), middle);
    this.active();
    this.app.chosen(this, at);
  }

  show(row, middle) {
    const s = this.scroller, { tops } = this.layout;
    const room = s.clientHeight;
    if (tops[row] < s.scrollTop + 36 || tops[row + 1] > s.scrollTop + room - 8) {
      const up = tops[row] < s.scrollTop + 36;
      s.scrollTop = middle ? tops[row] - room / 3 : up ? tops[row] - 40 : tops[row + 1] - room + 12;
      this.draw();
    }
  }

  step(by) {
    const { doc } = this;
    const section = this.cursor < 0 ? -1 - this.cursor : sectionOf(doc, this.cursor);
    const [from, to] = doc.sectionCells[section] ?? [0, 0];
    const shown = this.isOpen(section) && to > from;
    if (by > 0) {
      if (this.cursor < 0 && shown) return this.choose(from);
      if (this.cursor >= 0 && this.cursor + 1 < to) return this.choose(this.cursor + 1);
      if (section + 1 < doc.sections.length) this.choose(-2 - section);
      return;
    }
    if (this.cursor >= 0) return this.choose(this.cursor > from ? this.cursor - 1 : -1 - section);
    if (section === 0) return;
    const before = doc.sectionCells[section - 1];
    this.choose(this.isOpen(section - 1) && before[1] > before[0] ? before[1] - 1 : -section);
  }

  // To the row `by` rows away (lines and headers count).
  leap(by) {
    if (!this.doc.sections.length) return;
    const { rows } = this.layout;
    let n = this.rowOfCursor(), found = n;
    const x = this.place();
    for (let left = Math.abs(by); left && rows[n + Math.sign(by)]; ) {
      n += Math.sign(by);
      if (rows[n].type === "turn" || rows[n].type === "line") [found, left] = [n, left - 1];
    }
    const row = rows[found];
    this.choose(row.type === "turn" ? -1 - row.section : this.layout.nearest(row, x));
  }

  place() {
    const row = this.layout.rows[this.rowOfCursor()];
    if (row?.type !== "line") return this.x ?? 0;
    const piece = this.layout.pieces(row).find((p) => p[0] === this.cursor);
    return (this.x = piece ? piece[2] + piece[3] / 2 : 0);
  }

  edge(end) {
    const row = this.layout.rows[this.rowOfCursor()];
    if (row?.type === "line") this.choose(end ? row.b : row.a);
  }

  turn(by) {
    const section = this.cursor < 0 ? -1 - this.cursor : sectionOf(this.doc, this.cursor);
    const to = by < 0 && this.cursor >= 0 ? section : section + by;
    if (to >= 0 && to < this.doc.sections.length) this.choose(-1 - to, false);
  }

  // The whole text at a glance: turns by colour, and what is marked.
  drawMap() {
    const { map, doc, layout } = this;
    const ratio = window.devicePixelRatio || 1;
    const wide = map.clientWidth, high = map.clientHeight;
    if (!wide || !high) return;
    map.width = wide * ratio;
    map.height = high * ratio;
    const pen = map.getContext("2d");
    pen.scale(ratio, ratio);
    const style = getComputedStyle(this.root);
    const colour = (name) => style.getPropertyValue(name).trim();
    const y = (row) => (layout.tops[row] / (layout.total || 1)) * high;
    doc.sections.forEach((s, n) => {
      const end = layout.headers[n + 1] ?? layout.rows.length;
      pen.fillStyle = this.app.colours[roleClass(s[3])] ?? colour("--line");
      pen.fillRect(3, y(layout.headers[n]), wide - 6, Math.max(1, y(end) - y(layout.headers[n]) - 1));
    });
    for (const [cell, kind] of this.app.marks(doc)) {
      pen.fillStyle = this.app.colours[kind];
      pen.fillRect(0, Math.min(high - 3, y(layout.rowOf(cell))), wide, 3);
    }
  }
}

// The beginning of what was said in a turn.
function excerpt(doc, n) {
  const [from, to] = doc.sections[n];
  let out = "";
  for (let i = Math.max(0, stretchAt(doc.runs, from)); i < doc.runs.length && doc.runs[i][0] < to && out.length < 120; i++) {
    const [start, stop, kind] = doc.runs[i];
    if (kind !== "template" && start >= from) out += doc.slice(start, Math.min(stop, start + 200)) + " ";
  }
  return visible(out || doc.slice(from, Math.min(to, from + 200)), false).replace(/\s+/g, " ").trim();
}
