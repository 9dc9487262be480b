// Inspector: all that is known of one token, or of one turn.

function bytesLine(doc, cell) {
  const bytes = bytesOf(doc, cell);
  if (!bytes) return "none: no piece has this id";
  const hex = Array.from(bytes.slice(0, 64), (b) => b.toString(16).padStart(2, "0")).join(" ");
  return bytes.length > 64 ? `${hex} … ${count(bytes.length)} bytes` : hex;
}

function writer(doc, cell) {
  const field = fieldAt(doc, doc.starts[cell]);
  const section = doc.sections[sectionOf(doc, cell)];
  if (doc.reply >= 0 && doc.starts[cell] >= doc.reply) return { who: "the model" };
  if (!field) return { who: section[3] ? `not known; a turn of ${section[3]}` : "not known" };
  const [start, , kind, line, path, offset] = field;
  const out = { who: ["the template", "the caller", "not known"][kind], line };
  if (kind === 0 && !line) out.who = "the format";
  out.path = doc.paths[path];
  if (offset >= 0) out.offset = offset + doc.starts[cell] - start;
  return out;
}

// The events of the reply that a cell's characters are in.
function eventsOf(doc, cell) {
  return doc.events.filter((e) => e[2] > e[1] && e[1] < doc.stops[cell] && e[2] > doc.starts[cell]);
}

function facts(doc, cell, app) {
  const block = doc.blocks[doc.blockOf[cell]];
  const section = doc.sections[block[2]];
  const from = writer(doc, cell);
  const out = [];
  if (doc.tokens) {
    const control = doc.control.has(doc.tokens.ids[cell]);
    out.push(["Id", `${doc.tokens.ids[cell]}${control ? "  control token" : ""}`, "id"]);
  }
  out.push(["Bytes", bytesLine(doc, cell), "mono"]);
  out.push(["Characters", `${doc.starts[cell]}–${doc.stops[cell]}`]);
  const turn = section[2] >= 0 ? `message ${section[2]}` : section[4];
  out.push(["Turn", [section[3] || "format", turn].filter(Boolean).join(", ")]);
  const kind = KINDS[doc.kinds[cell]];
  out.push(["Part", block[4] === "markup" ? "markup" : block[4] + (kind === "template" ? ", its markup" : "")]);
  out.push(["Written by", from.who]);
  if (from.path) {
    out.push(["Field", from.path + (from.offset >= 0 ? `  character ${from.offset}` : ""), "mono field"]);
  }
  if (from.line) {
    out.push(["Template", `line ${from.line}`, "line"]);
    if (doc.lines[from.line] !== undefined) out.push(["", doc.lines[from.line].trim(), "code"]);
  }
  if (doc.masked) out.push(["Mask", doc.masked[cell] ? "on: the model wrote it" : "off"]);
  else out.push(["Mask", doc.unmasked || "not known"]);
  for (const e of eventsOf(doc, cell).slice(0, 4)) out.push(["Event", `${e[0]}${e[6] ? `  ${e[6]}` : ""}`]);
  for (const e of doc.faults) {
    if (e[1] >= doc.starts[cell] && e[1] <= doc.stops[cell]) out.push(["Fault", e[6], "bad"]);
  }
  const region = app.regionOf(doc, cell);
  if (region) out.push(["Difference", [region.title, region.detail].filter(Boolean).join(": "), "bad"]);
  return out;
}

function showCell(box, doc, cell, app) {
  const title = doc.tokens ? "Token" : "Word";
  const side = app.docs.length > 1 ? `${"AB"[doc.index]} · ` : "";
  const head = element("h2", "", `${side}${title} ${count(cell)}`);
  head.append(element("small", "", ` of ${count(doc.count)}`));
  const text = shownText(doc, cell, true);
  const big = element("div", "big", text.length > 400 ? `${text.slice(0, 400)}…` : text.replace(/\n/g, "↵"));
  const list = element("dl");
  for (const [name, value, names] of facts(doc, cell, app)) {
    list.append(element("dt", "", name), element("dd", names, value));
  }
  box.replaceChildren(head, big, list);
}

function showTurn(box, doc, n, app) {
  const section = doc.sections[n];
  const [from, to] = doc.sectionCells[n];
  const head = element("h2", "", section[3] || "format");
  if (section[4]) head.append(element("small", "", ` ${section[4]}`));
  const list = element("dl");
  const put = (name, value) => list.append(element("dt", "", name), element("dd", "", value));
  if (section[2] >= 0) put("Message", String(section[2]));
  put("Characters", `${section[0]}–${section[1]}`);
  if (doc.tokens) put("Tokens", `${count(to - from)}, from ${count(from)}`);
  if (doc.masked && doc.tokens) {
    let on = 0;
    for (let i = from; i < to; i++) on += doc.masked[i];
    put("Mask on", plural(on, "token"));
  }
  const parts = doc.blocks.filter((b) => b[2] === n && b[4] !== "markup").map((b) => b[4]);
  put("Parts", parts.length > 12 ? `${parts.length}` : parts.join(", ") || "none");
  box.replaceChildren(head, list);
  if (app.docs.length > 1) head.prepend(`${"AB"[doc.index]} · `);
}

function showDocument(box, doc) {
  const list = element("dl");
  const rows = [["Turns", count(doc.sections.length)], ["Characters", count(doc.length)]];
  if (doc.tokens) rows.push(["Tokens", count(doc.count)]);
  for (const [name, value] of [...rows, ...doc.facts]) list.append(element("dt", "", name), element("dd", "", value));
  box.replaceChildren(element("h2", "", doc.name), list, element("p", "hint", "Point at a token, or walk with the arrow keys."));
}
