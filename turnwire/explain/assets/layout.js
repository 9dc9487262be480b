// Layout: a document as rows of known height, so that only those in view need to be in the page.
// A row is a turn's header, a line of cells, or a fault. Lines are broken here, by measured widths.

const HEIGHTS = { turn: 44, space: 14, fault: 34 };
const LINE = { 2: 22, 3: 31 };
const CHIP = 9; // what a token's box adds to its text, at level 3

class Metrics {
  constructor(probe) {
    const style = getComputedStyle(probe);
    this.context = document.createElement("canvas").getContext("2d");
    this.context.font = `${style.fontSize} ${style.fontFamily}`;
    this.unit = this.context.measureText("M".repeat(100)).width / 100;
    this.known = new Map();
  }
  width(text) {
    if (/^[\x20-\x7e]*$/.test(text)) return text.length * this.unit;
    let found = this.known.get(text);
    if (found === undefined) {
      found = this.context.measureText(text.replace(/\n/g, "↵")).width;
      if (this.known.size > 50000) this.known.clear();
      this.known.set(text, found);
    }
    return found;
  }
}

class Layout {
  // `open(section)`: whether its parts are shown.
  constructor(doc, metrics, room, level, open) {
    this.doc = doc;
    this.metrics = metrics;
    this.room = room;
    this.exact = level === 3;
    this.height = LINE[this.exact ? 3 : 2];
    this.rows = [];
    this.headers = []; // row of each section
    this.lines = []; // rows that are lines, in order
    const at = new Map(); // faults by the cell that they follow
    for (const e of doc.faults) {
      const cell = doc.count ? cellAt(doc, Math.max(0, Math.min(e[1], doc.length) - 1)) : 0;
      at.set(cell, [...(at.get(cell) ?? []), e]);
    }
    this.faulty = at;
    doc.sections.forEach((_, n) => {
      this.headers.push(this.rows.length);
      this.rows.push({ type: "turn", section: n });
      const [from, to] = doc.sectionCells[n];
      if (open(n)) this.cells(from, to);
      this.rows.push({ type: "space" });
    });
    this.tops = new Float64Array(this.rows.length + 1);
    this.rows.forEach((row, i) => (this.tops[i + 1] = this.tops[i] + this.heightOf(row)));
  }

  get total() {
    return this.tops[this.rows.length];
  }

  heightOf(row) {
    return row.type === "line" ? this.height + (row.first ? 6 : 0) : HEIGHTS[row.type];
  }

  // Lines of a section's cells; a block begins on a line of its own.
  cells(from, to) {
    const { doc, exact, room, metrics } = this;
    const pad = exact ? CHIP : 0;
    let row = null, x = 0, block = -1, due = [];
    const close = () => {
      if (row) this.push(row);
      for (const e of due) this.rows.push({ type: "fault", event: e, section: doc.blocks[block][2] });
      row = null;
      due = [];
    };
    const add = (cell, start, stop, wide) => {
      const soft = Boolean(row) && x + wide > room;
      if (soft) close();
      if (!row) {
        row = { type: "line", block, first: block !== this.last, a: cell, from: start, b: cell, to: stop, soft };
        this.last = block;
        x = 0;
      }
      row.b = cell;
      row.to = stop;
      x += wide;
    };
    for (let cell = from; cell < to; cell++) {
      if (doc.blockOf[cell] !== block) {
        close();
        block = doc.blockOf[cell];
      }
      const text = shownText(doc, cell, exact);
      let at = 0;
      do {
        const end = text.indexOf("\n", at);
        const stop = end < 0 ? text.length : end + 1;
        let wide = metrics.width(text.slice(at, stop)) + pad;
        if (wide > room) at = this.hardCut(text, cell, at, stop, add);
        else {
          add(cell, at, stop, wide);
          at = stop;
        }
        if (this.faulty.has(cell) && at >= text.length) due.push(...this.faulty.get(cell));
        if (end >= 0 && at > end) close();
      } while (at < text.length);
    }
    close();
  }

  // A cell that is wider than a line: as much as goes on one.
  hardCut(text, cell, at, stop, add) {
    const { metrics, room } = this;
    let low = 1, high = stop - at;
    while (low < high) {
      const mid = (low + high + 1) >> 1;
      if (metrics.width(text.slice(at, at + mid)) + CHIP <= room) low = mid;
      else high = mid - 1;
    }
    let end = at + low;
    if (end < stop && /[\udc00-\udfff]/.test(text[end])) end++;
    add(cell, at, end, room);
    return end;
  }

  push(row) {
    this.lines.push(this.rows.length);
    this.rows.push(row);
  }

  // The row at a height.
  rowAt(y) {
    let low = 0, high = this.rows.length - 1;
    while (low < high) {
      const mid = (low + high + 1) >> 1;
      if (this.tops[mid] <= y) low = mid;
      else high = mid - 1;
    }
    return low;
  }

  // The row in which a cell begins; its section's header if that is closed.
  rowOf(cell) {
    const { lines, rows } = this;
    let low = 0, high = lines.length - 1, found = -1;
    while (low <= high) {
      const mid = (low + high) >> 1;
      const row = rows[lines[mid]];
      if (row.a < cell || (row.a === cell && row.from === 0)) {
        found = mid;
        low = mid + 1;
      } else high = mid - 1;
    }
    if (found >= 0 && rows[lines[found]].b >= cell) return lines[found];
    return this.headers[sectionOf(this.doc, cell)] ?? 0;
  }

  // The pieces of a line: [cell, text, x, width], line ends as a sign.
  pieces(row) {
    const out = [];
    let x = 0;
    for (let cell = row.a; cell <= row.b; cell++) {
      const whole = shownText(this.doc, cell, this.exact);
      let text = whole.slice(cell === row.a ? row.from : 0, cell === row.b ? row.to : whole.length);
      if (cell === row.a && row.soft && !this.exact && text.trim()) text = text.trimStart();
      const sign = this.exact || !whole.trim();
      const wide = this.metrics.width(text) + (this.exact ? CHIP : 0);
      out.push([cell, text.replace(/\n/g, sign ? "↵" : ""), x, wide]);
      x += wide;
    }
    return out;
  }

  // The cell of a line that is nearest to a place on it.
  nearest(row, x) {
    let best = row.a, away = Infinity;
    for (const [cell, , at, wide] of this.pieces(row)) {
      const far = Math.abs(at + wide / 2 - x);
      if (far < away) [best, away] = [cell, far];
    }
    return best;
  }
}
