// Lists at the side: turns, the events of a stream, differences. Only the items in view are in the page.

class List {
  constructor(box) {
    this.box = box;
    this.items = [];
    this.inner = element("div", "inner");
    this.inner.setAttribute("role", "listbox");
    this.inner.tabIndex = 0;
    box.append(this.inner);
    box.addEventListener("scroll", () => this.draw());
    this.inner.addEventListener("click", (e) => {
      const item = e.target.closest?.("[data-n]");
      if (item) this.pick(Number(item.dataset.n));
    });
    this.inner.addEventListener("keydown", (e) => {
      const by = { ArrowDown: 1, ArrowUp: -1, PageDown: 10, PageUp: -10, Home: -1e9, End: 1e9 }[e.key];
      if (by) this.pick(Math.max(0, Math.min(this.size - 1, Math.max(this.at, 0) + (this.at < 0 ? 0 : by))));
      else if (e.key === "Enter" || e.key === " ") this.pick(Math.max(this.at, 0), true);
      else return;
      e.preventDefault();
      e.stopPropagation();
    });
  }

  // `make(n)` gives an item's element, `picked(n, entered)` is told.
  fill(label, size, height, at, make, picked) {
    Object.assign(this, { size, height, make, picked, at });
    this.inner.setAttribute("aria-label", label);
    this.inner.style.height = `${size * height}px`;
    this.box.scrollTop = Math.max(0, at * height - this.box.clientHeight / 2);
    this.draw();
  }

  pick(n, entered = false) {
    if (!this.size) return;
    this.mark(n);
    this.picked(n, entered);
  }

  mark(n) {
    this.at = n;
    const top = n * this.height;
    if (top < this.box.scrollTop) this.box.scrollTop = top;
    else if (top + this.height > this.box.scrollTop + this.box.clientHeight) {
      this.box.scrollTop = top + this.height - this.box.clientHeight;
    }
    this.draw();
  }

  draw() {
    const first = Math.max(0, Math.floor(this.box.scrollTop / this.height) - 5);
    const last = Math.min(this.size - 1, first + Math.ceil(this.box.clientHeight / this.height) + 10);
    const nodes = [];
    for (let n = first; n <= last; n++) {
      const node = this.make(n);
      node.classList.add("item");
      node.dataset.n = n;
      node.id = `item-${n}`;
      node.setAttribute("role", "option");
      node.setAttribute("aria-selected", n === this.at);
      node.setAttribute("aria-posinset", n + 1);
      node.setAttribute("aria-setsize", this.size);
      node.style.transform = `translateY(${n * this.height}px)`;
      node.style.height = `${this.height}px`;
      nodes.push(node);
    }
    this.inner.replaceChildren(...nodes);
    if (this.at >= first && this.at <= last) this.inner.setAttribute("aria-activedescendant", `item-${this.at}`);
    else this.inner.removeAttribute("aria-activedescendant");
  }
}

function turnItem(doc, n) {
  const section = doc.sections[n];
  const [from, to] = doc.sectionCells[n];
  const out = element("div", `turn-item ${roleClass(section[3])}`);
  const head = element("div", "head");
  head.append(element("span", "role", section[3] || "format"), element("span", "size", count(to - from)));
  out.append(head, element("div", "excerpt", section[4] === "generation prompt" ? section[4] : excerpt(doc, n)));
  return out;
}

const EVENT_KINDS = {
  TextDelta: "text", ReasoningDelta: "reasoning", ArgumentsDelta: "call", CallStart: "call", CallEnd: "call", Fault: "fault",
};

function eventItem(doc, n) {
  const [name, start, stop, , , , text] = doc.events[n];
  const out = element("div", `event-item e-${EVENT_KINDS[name] ?? "markup"}`);
  const shown = text || visible(doc.slice(start, Math.min(stop, start + 80)), true).replace(/\n/g, "↵");
  out.append(element("span", "name", name), element("span", "text", shown));
  return out;
}

function regionItem(app, n) {
  const region = app.regions[n];
  const out = element("div", `region-item${region.same ? " same" : ""}`);
  const sides = ["a", "b"].map((side, i) => {
    const doc = app.docs[i];
    const [start, stop] = region[side];
    const line = element("div", `side-${side}`);
    const text = visible(doc.slice(start, Math.min(stop, start + 60)), true).replace(/\n/g, "↵");
    line.append(element("b", "", side === "a" ? "−" : "+"), element("span", "", text || "nothing"));
    return line;
  });
  out.append(element("div", "head", `${n + 1}  ${region.title}`), ...sides);
  return out;
}

// What the parser knows after the first events of a stream, in words.
function stateAfter(doc, last) {
  const parts = new Map();
  let open = null, faults = 0, end = "";
  for (let n = 0; n <= last; n++) {
    const [name, start, stop, , , part, text] = doc.events[n];
    if (name === "PartStart") parts.set((open = part), { kind: text, size: 0, name: "" });
    const one = parts.get(part);
    if (name === "CallStart" && one) one.name = text;
    if (/Delta$/.test(name) && one) one.size += name === "ArgumentsDelta" ? Array.from(text).length : stop - start;
    if (name === "CallEnd" && one) one.name = text.split("\n")[0];
    if (name === "PartEnd") open = null;
    if (name === "Fault") faults++;
    if (name === "TurnEnd") end = `Ended${text ? `: ${text}` : ""}.`;
  }
  const said = [...parts].slice(-3).map(([n, p]) => `${p.kind}${p.name ? ` ${p.name}` : ""}, ${count(p.size)} characters${n === open ? " so far" : ""}`);
  const more = parts.size > 3 ? `${parts.size - 3} more; ` : "";
  return [more + said.join("; "), faults ? plural(faults, "fault") : "", end].filter(Boolean).join(" · ") || "Nothing yet";
}
