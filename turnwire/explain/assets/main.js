// The application: what is shown, marked and chosen.

const $ = (id) => document.getElementById(id);
const MOST = 10000; // hits that are looked for

class App {
  constructor(data) {
    this.docs = data.documents.map((raw, i) => readDocument(raw, i, data.regions));
    this.regions = data.regions;
    this.level = data.level;
    this.mask = false;
    this.step = -1; // the last event that was read; -1: not stepping
    this.hits = [];
    this.hit = -1;
    this.marked = this.docs.map((doc) => new Uint8Array(doc.count)); // hits
    this.changed = this.docs.map((doc, i) => this.changes(doc, "ab"[i]));
    $("title").textContent = document.title = visible(data.title, false);
    const facts = this.docs.length === 1 ? this.summary(this.docs[0]) : plural(this.regions.length, "difference");
    $("facts").textContent = visible(facts, false);
    const probe = element("span", "c", "M");
    document.body.append(probe);
    this.metrics = new Metrics(probe);
    probe.remove();
    this.panes = this.docs.map((doc) => new Pane(doc, this));
    this.active = this.panes[0];
    $("panes").classList.toggle("two", this.panes.length > 1);
    $("panes").append(...this.panes.map((p) => p.root));
    this.list = new List($("list"));
    bindControls(this);
    this.readColours();
    this.setLevel(this.level);
    this.tab(this.regions.length ? "Differences" : "Turns");
    showDocument($("detail"), this.docs[0]);
    if (this.regions.length) this.jump(0);
  }

  summary(doc) {
    const size = doc.tokens ? plural(doc.count, "token") : plural(doc.length, "character");
    const faults = doc.faults.length ? [plural(doc.faults.length, "fault")] : [];
    return [plural(doc.sections.length, "turn"), size, ...faults, ...doc.facts.map((f) => f.join(" "))].join("  ·  ");
  }

  sectionName(doc, n) {
    const s = doc.sections[n];
    return [s[3] || "format", s[2] >= 0 ? `message ${s[2]}` : s[4]].filter(Boolean).join(" · ");
  }

  // Of each cell the region it is in, counted from 1.
  changes(doc, side) {
    const out = new Int32Array(doc.count);
    this.regions.forEach((region, n) => {
      const [start, stop] = region[side];
      const from = doc.count ? cellAt(doc, start) : 0;
      for (let i = from; i < doc.count && (doc.starts[i] < stop || i === from); i++) out[i] = n + 1;
    });
    return out;
  }

  regionOf(doc, cell) {
    return this.regions[this.changed[doc.index][cell] - 1];
  }

  cellClass(doc, i) {
    const names = ["c", `k-${KINDS[doc.kinds[i]]}`];
    if (doc.tokens && doc.control.has(doc.tokens.ids[i])) names.push("ctl");
    if (doc.masked?.[i]) names.push("m");
    if (this.marked[doc.index][i]) names.push("hit");
    const hit = this.hits[this.hit];
    if (hit && hit[0] === doc.index && hit[1] <= i && i < hit[2]) names.push("hit-now");
    const region = this.regionOf(doc, i);
    if (region) {
      const [start, stop] = region["ab"[doc.index]];
      names.push(start === stop ? (start < doc.stops[i] ? "gap" : "gap end") : region.same ? "dif same" : `dif d-${"ab"[doc.index]}`);
    }
    if (doc.faults.some((e) => e[1] > doc.starts[i] && e[1] <= doc.stops[i])) names.push("flt");
    if (this.step >= 0 && doc.reply >= 0) {
      const [, start, stop] = doc.events[this.step];
      if (doc.starts[i] >= Math.max(stop, doc.reply)) names.push("later");
      else if (doc.starts[i] < stop && doc.stops[i] > start) names.push("now");
    }
    return names.join(" ");
  }

  // What the map marks: [cell, kind].
  *marks(doc) {
    for (const r of this.regions) yield [cellAt(doc, r["ab"[doc.index]][0]), "dif"];
    for (const [d, a] of this.hits) if (d === doc.index) yield [a, "hit"];
    for (const e of doc.faults) yield [cellAt(doc, Math.max(0, e[1] - 1)), "flt"];
  }

  readColours() {
    this.colours = { dif: "--now", hit: "--hit", flt: "--bad" };
    for (const role of [...ROLES, "other"]) this.colours[`r-${role}`] = `--${role}`;
    const probe = element("i");
    document.body.append(probe);
    for (const name in this.colours) {
      probe.style.color = `var(${this.colours[name]})`;
      this.colours[name] = getComputedStyle(probe).color;
    }
    probe.remove();
  }

  redraw() {
    this.panes.forEach((p) => p.redraw());
  }

  // cells

  hovered(pane, cell) {
    if (cell === this.over) return;
    this.over = cell;
    if (cell !== null) showCell($("detail"), pane.doc, cell, this);
    else this.detail(this.active);
  }

  detail(pane) {
    if (!pane.doc.sections.length) return showDocument($("detail"), pane.doc);
    if (pane.cursor >= 0) showCell($("detail"), pane.doc, pane.cursor, this);
    else showTurn($("detail"), pane.doc, -1 - pane.cursor, this);
  }

  chosen(pane, at) {
    this.active = pane;
    this.detail(pane);
    const section = at < 0 ? -1 - at : sectionOf(pane.doc, at);
    if (this.tabNow === "Turns" && this.list.at !== section) this.list.mark(section);
    if (at >= 0 && pane.doc.tokens) {
      const from = writer(pane.doc, at);
      this.say(`id ${pane.doc.tokens.ids[at]}, ${from.path || from.who}${from.line ? `, line ${from.line}` : ""}`);
    }
  }

  focused(pane) {
    this.active = pane;
  }

  say(words) {
    $("said").textContent = visible(words, false);
  }

  // The other side of a difference scrolls along.
  scrolled(pane) {
    if (this.panes.length < 2 || pane !== this.active) return;
    const other = this.panes[1 - pane.doc.index];
    const row = pane.layout.rows[pane.layout.rowAt(pane.scroller.scrollTop)];
    if (row?.type !== "line") return;
    const to = this.across(pane.doc.starts[row.a], pane.doc.index);
    const place = other.layout.rowOf(cellAt(other.doc, to));
    const away = pane.scroller.scrollTop - pane.layout.tops[pane.layout.rowOf(row.a)];
    other.scroller.scrollTop = other.layout.tops[place] + away;
  }

  // The character of the other document that stands where this one does.
  across(char, index) {
    const [here, there] = index ? ["b", "a"] : ["a", "b"];
    let from = 0, to = 0;
    for (const r of this.regions) {
      if (r[here][0] > char) break;
      if (char < r[here][1]) return Math.min(r[there][0] + char - r[here][0], r[there][1]);
      [from, to] = [r[here][1], r[there][1]];
    }
    return to + char - from;
  }

  // search

  search(text) {
    this.hits = [];
    this.hit = -1;
    this.marked.forEach((m) => m.fill(0));
    const id = /^#(\d+)$/.exec(text);
    for (const doc of text ? this.docs : []) {
      if (id && doc.tokens) {
        doc.tokens.ids.forEach((n, i) => n === Number(id[1]) && this.hits.length < MOST && this.hits.push([doc.index, i, i + 1]));
      } else if (!id) this.find(doc, text);
    }
    for (const [d, a, b] of this.hits) this.marked[d].fill(1, a, b);
    const many = this.hits.length >= MOST ? `${count(MOST)}+` : count(this.hits.length);
    $("hits").textContent = text ? (this.hits.length ? many : "none") : "";
    this.redraw();
  }

  find(doc, text) {
    const pattern = new RegExp(text.replace(/[\\^$.*+?()[\]{}|\/]/g, "\\$&"), "giu");
    const whole = doc.text;
    let chars = 0, units = 0;
    for (const m of whole.matchAll(pattern)) {
      if (this.hits.length >= MOST || !m[0]) break;
      chars += doc.wide ? Array.from(whole.slice(units, m.index)).length : m.index - units;
      units = m.index;
      const size = doc.wide ? Array.from(m[0]).length : m[0].length;
      this.hits.push([doc.index, cellAt(doc, chars), cellAt(doc, chars + size - 1) + 1]);
    }
  }

  nextHit(by) {
    if (!this.hits.length) return;
    if (this.hit < 0) {
      const from = [this.active.doc.index, this.active.cursor];
      const next = this.hits.findIndex((h) => h[0] > from[0] || (h[0] === from[0] && h[1] >= from[1]));
      this.hit = by > 0 ? Math.max(next, 0) : (next < 0 ? this.hits.length : next) - 1;
    } else this.hit += by;
    this.hit = (this.hit + this.hits.length) % this.hits.length;
    const [d, a] = this.hits[this.hit];
    $("hits").textContent = `${count(this.hit + 1)} of ${count(this.hits.length)}${this.hits.length < MOST ? "" : "+"}`;
    this.redraw();
    this.panes[d].choose(a, true);
  }

  // the stream

  setStep(n) {
    const doc = this.docs[0];
    if (!doc.events.length) return;
    if (this.tabNow !== "Stream") this.tab("Stream");
    this.step = Math.max(0, Math.min(doc.events.length - 1, n));
    const [name, start, stop, , , , text] = doc.events[this.step];
    $("slider").value = this.step;
    $("slider").setAttribute("aria-valuetext", `${name} ${text}`);
    $("at").textContent = `${count(this.step + 1)} of ${count(doc.events.length)}`;
    $("state").textContent = visible(stateAfter(doc, this.step), false);
    this.list.mark(this.step);
    this.panes[0].choose(cellAt(doc, Math.min(start, Math.max(doc.length - 1, 0))), false);
    this.redraw();
    this.say(`${name} ${text || doc.slice(start, Math.min(stop, start + 80))}`);
  }

  nextFault() {
    const doc = this.docs[0], at = this.panes[0].cursor;
    const cells = doc.faults.map((e) => cellAt(doc, Math.max(0, e[1] - 1)));
    if (cells.length) this.panes[0].choose(cells.find((c) => c > at) ?? cells[0], true);
  }

  // differences

  jump(n) {
    if (!this.regions.length) return;
    this.region = (n + this.regions.length) % this.regions.length;
    if (this.tabNow === "Differences") this.list.mark(this.region);
    const region = this.regions[this.region];
    const front = this.active;
    for (const pane of [this.panes[1], this.panes[0]]) {
      this.active = pane;
      pane.choose(cellAt(pane.doc, region["ab"[pane.doc.index]][0]), true);
    }
    this.active = front ?? this.panes[0];
    this.say(`Difference ${this.region + 1} of ${this.regions.length}: ${region.title}`);
  }

  // controls

  setLevel(level) {
    this.level = level;
    document.documentElement.dataset.level = level;
    for (const b of document.querySelectorAll("[data-level][role=radio]")) {
      const on = Number(b.dataset.level) === level;
      b.setAttribute("aria-checked", on);
      b.tabIndex = on ? 0 : -1;
    }
    for (const pane of this.panes) {
      pane.opened.clear();
      pane.arrange();
      pane.show(pane.rowOfCursor(), true);
    }
  }

  setMask(on) {
    const doc = this.active.doc;
    if (on && !doc.masked) return this.say(doc.unmasked || "No mask is known for this text");
    this.mask = on;
    document.documentElement.classList.toggle("mask-on", on);
    $("mask").setAttribute("aria-pressed", on);
    const sum = doc.masked ? doc.masked.reduce((a, b) => a + b, 0) : 0;
    $("mask").textContent = on ? `Mask ${count(sum)}` : "Mask";
    if (on) this.say(`${plural(sum, doc.tokens ? "token" : "word")} of ${count(doc.count)} written by the model`);
  }

  setTheme(name) {
    document.documentElement.style.colorScheme = { light: "light", dark: "dark" }[name] ?? "light dark";
    document.documentElement.dataset.theme = this.theme = name;
    $("theme").textContent = { auto: "◐ Auto", light: "○ Light", dark: "● Dark" }[name];
    try {
      localStorage.setItem("turnwire-theme", name);
    } catch {
      // a page from a file may have no storage
    }
    this.readColours();
    this.panes.forEach((p) => p.layout && p.drawMap());
  }

  nextTheme() {
    this.setTheme({ auto: "light", light: "dark", dark: "auto" }[this.theme]);
  }

  tab(name) {
    this.tabNow = name;
    const doc = this.active.doc;
    for (const b of document.querySelectorAll("[role=tab]")) {
      b.setAttribute("aria-selected", b.textContent === name);
      b.tabIndex = b.textContent === name ? 0 : -1;
    }
    $("step").hidden = name !== "Stream";
    $("list").setAttribute("aria-label", name);
    if (name === "Turns") {
      const at = this.active.cursor < 0 ? -1 - this.active.cursor : sectionOf(doc, this.active.cursor);
      const go = (n, entered) => {
        this.active.choose(-1 - n, false);
        if (entered) this.active.scroller.focus();
      };
      this.list.fill("Turns", doc.sections.length, 58, at, (n) => turnItem(doc, n), go);
    } else if (name === "Stream") {
      const events = this.docs[0].events;
      $("slider").max = events.length - 1;
      this.list.fill("Events", events.length, 30, this.step, (n) => eventItem(this.docs[0], n), (n) => this.setStep(n));
      if (this.step < 0) this.setStep(0);
    } else {
      this.list.fill("Differences", this.regions.length, 84, this.region ?? 0, (n) => regionItem(this, n), (n) => this.jump(n));
    }
    if (name !== "Stream" && this.step >= 0) {
      this.step = -1;
      this.redraw();
    }
  }
}
