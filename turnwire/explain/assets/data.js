// Documents: what the page was given, and the look-ups that its views need.
// Positions are characters, that is code points; a "cell" is a token, or a word where there are no tokens.

const KINDS = ["template", "text", "reasoning", "call", "result", "tools", "media"];
const ORIGINS = ["template", "data", "unknown"];
const encoder = new TextEncoder();

// `regions`: where it differs from another document; words are cut there.
function readDocument(raw, index, regions = []) {
  const wide = /[\ud800-\udfff]/.test(raw.text);
  const chars = wide ? Array.from(raw.text) : raw.text;
  const slice = (a, b) => (wide ? chars.slice(a, b).join("") : chars.slice(a, b));
  const doc = { ...raw, index, slice, length: chars.length, wide };
  doc.lower = () => (doc.folded ??= raw.text.toLowerCase());
  if (raw.tokens) tokenCells(doc, raw.tokens);
  else wordCells(doc, regions.flatMap((r) => r["ab"[index]]).sort((a, b) => a - b));
  doc.count = doc.starts.length;
  doc.kinds = spread(doc, raw.runs, (run) => KINDS.indexOf(run[2]));
  doc.blockOf = spread(doc, raw.blocks, (_, n) => n);
  doc.masked = maskOf(doc);
  doc.control = new Set(raw.tokens ? raw.tokens.control : []);
  doc.faults = raw.problems.map((n) => raw.events[n]); // and calls that may not be run
  doc.sectionCells = raw.sections.map((s, n) => [firstCell(doc, s[0]), firstCell(doc, raw.sections[n + 1]?.[0] ?? doc.length + 1)]);
  return doc;
}

function tokenCells(doc, tokens) {
  const n = tokens.ids.length;
  doc.starts = new Int32Array(n);
  doc.stops = new Int32Array(n);
  for (let i = 0, end = 0; i < n; i++) {
    doc.starts[i] = end + (tokens.gaps[i] ?? 0);
    doc.stops[i] = end = doc.starts[i] + tokens.lengths[i];
  }
}

function wordCells(doc, cuts) {
  const starts = [], stops = [];
  let cut = 0;
  for (const [from, to] of doc.runs) {
    let at = from;
    for (const m of doc.slice(from, to).matchAll(/\n+|[^\S\n]*[^\s]{1,40}|[^\S\n]+/gu)) {
      const size = doc.wide ? Array.from(m[0]).length : m[0].length;
      const stop = at + size;
      while (at < stop) {
        while (cuts[cut] <= at) cut++;
        starts.push(at);
        stops.push((at = Math.min(stop, cuts[cut] ?? stop)));
      }
    }
  }
  doc.starts = Int32Array.from(starts);
  doc.stops = Int32Array.from(stops);
}

// Of each cell, what the stretch (of a list that tiles the text) in which it begins says.
function spread(doc, stretches, value) {
  const out = new Int32Array(doc.count);
  for (let i = 0, n = 0; i < doc.count; i++) {
    while (n < stretches.length - 1 && stretches[n][1] <= doc.starts[i]) n++;
    out[i] = stretches.length ? value(stretches[n], n) : -1;
  }
  return out;
}

function maskOf(doc) {
  if (doc.mask) {
    const out = new Uint8Array(doc.count);
    for (const [a, b] of doc.mask) out.fill(1, a, b);
    return out;
  }
  if (doc.tokens || doc.unmasked) return null;
  return Uint8Array.from(spread(doc, doc.runs, (run) => run[3]));
}

// The last stretch that begins at or before a character.
function stretchAt(stretches, char) {
  let low = 0, high = stretches.length;
  while (low < high) {
    const mid = (low + high) >> 1;
    if (stretches[mid][0] <= char) low = mid + 1;
    else high = mid;
  }
  return low - 1;
}

// The first cell that begins at or behind a character.
function firstCell(doc, char) {
  let low = 0, high = doc.starts.length;
  while (low < high) {
    const mid = (low + high) >> 1;
    if (doc.starts[mid] < char) low = mid + 1;
    else high = mid;
  }
  return low;
}

// The cell that holds a character (the last one, behind the end), -1 if there is none.
function cellAt(doc, char) {
  const next = firstCell(doc, char + 1);
  let cell = Math.min(Math.max(next - 1, 0), doc.count - 1);
  while (cell > 0 && doc.starts[cell - 1] <= char && char < doc.stops[cell - 1]) cell--;
  return cell;
}

const sectionOf = (doc, cell) => doc.blocks[doc.blockOf[cell]]?.[2] ?? 0;
const fieldAt = (doc, char) => doc.fields[stretchAt(doc.fields, char)];

// The bytes of a cell, null for an id without a piece.
function bytesOf(doc, cell) {
  const hex = doc.tokens?.bytes[cell];
  if (hex === null) return null;
  if (hex !== undefined) return Uint8Array.from(hex.match(/../g) ?? [], (h) => parseInt(h, 16));
  return encoder.encode(doc.slice(doc.starts[cell], doc.stops[cell]));
}

// What a cell shows, line ends kept. `exact`: the token's own bytes; otherwise its share of the text.
function shownText(doc, cell, exact) {
  const hex = doc.tokens?.bytes[cell];
  if (!exact || hex === undefined) {
    const from = cell && !exact ? Math.max(doc.starts[cell], doc.stops[cell - 1]) : doc.starts[cell];
    return visible(doc.slice(from, doc.stops[cell]), exact);
  }
  if (hex === null) return `[${doc.tokens.ids[cell]}]`;
  return visible(decoded(bytesOf(doc, cell)), exact);
}

// Bytes as text; those that are no whole character as \xNN.
function decoded(bytes) {
  let out = "", at = 0;
  while (at < bytes.length) {
    const size = bytes[at] < 0x80 ? 1 : bytes[at] < 0xe0 ? 2 : bytes[at] < 0xf0 ? 3 : 4;
    try {
      out += new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes.subarray(at, at + size));
      at += size;
    } catch {
      out += "\\x" + bytes[at++].toString(16).padStart(2, "0");
    }
  }
  return out;
}

// Characters that have no shape of their own, or move others, spelled out.
const UNSEEN = /[\u0000-\u0009\u000b-\u001f\u007f-\u009f\u00ad\u061c\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb]|[\ud800-\udbff](?![\udc00-\udfff])|(?<![\ud800-\udbff])[\udc00-\udfff]/g;
function visible(text, exact) {
  const out = text.replace(UNSEEN, (c) => {
    if (c === "\t") return exact ? "→" : "    ";
    if (c < " ") return String.fromCharCode(0x2400 + c.charCodeAt(0));
    return `‹${c.charCodeAt(0).toString(16).toUpperCase().padStart(4, "0")}›`;
  });
  return exact ? out.replace(/ (?= )| $|(?<= ) /g, "·") : out;
}
