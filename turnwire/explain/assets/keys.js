// Keys and controls, and the start.

const KEYS = [
  ["← →", "token before, token after"], ["↑ ↓  Page Up  Page Down", "line or page up and down"],
  ["Home  End", "begin, end of the line; with Ctrl of the text"], ["t  T", "next turn, turn before"],
  ["Enter  Space", "open or close a turn"], ["1  2  3", "turns, parts, tokens"], ["/", "search; n and N: next hit, hit before"],
  ["m", "mask: what the model wrote"], [".  ,", "next event of the stream, event before"], ["f", "next fault"],
  ["d  D", "next difference, difference before"], ["l", "light, dark, as the system has it"], ["Esc", "back to the text"],
];

function bindControls(app) {
  for (const b of document.querySelectorAll("[data-level][role=radio]")) {
    b.addEventListener("click", () => app.setLevel(Number(b.dataset.level)));
    b.addEventListener("keydown", (e) => roving(e, b, (to) => to.click()));
  }
  $("mask").addEventListener("click", () => app.setMask(!app.mask));
  $("theme").addEventListener("click", () => app.nextTheme());
  $("help").addEventListener("click", () => $("keys").showModal());
  for (const [keys, does] of KEYS) $("keys").querySelector("dl").append(element("dt", "", keys), element("dd", "", does));
  bindSearch(app);
  bindStream(app);
  bindTabs(app);
  let saved = null;
  try {
    saved = localStorage.getItem("turnwire-theme");
  } catch {
    // no storage
  }
  app.setTheme(["light", "dark"].includes(saved) ? saved : "auto");
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => app.setTheme(app.theme));
  let due = 0;
  new ResizeObserver(() => {
    cancelAnimationFrame(due);
    due = requestAnimationFrame(() => app.panes.forEach((p) => p.layout && p.arrange()));
  }).observe($("panes"));
  document.addEventListener("keydown", (e) => key(app, e));
}

function bindSearch(app) {
  let due = 0;
  const query = $("query");
  query.addEventListener("input", () => {
    clearTimeout(due);
    due = setTimeout(() => app.search(query.value), 80);
  });
  const now = (by) => {
    clearTimeout(due);
    if (query.value !== (app.query ?? "")) app.search(query.value);
    app.query = query.value;
    app.nextHit(by);
  };
  document.querySelector(".find").addEventListener("submit", (e) => e.preventDefault());
  query.addEventListener("keydown", (e) => {
    if (e.key === "Enter") now(e.shiftKey ? -1 : 1);
  });
  $("before").addEventListener("click", () => now(-1));
  $("after").addEventListener("click", () => now(1));
}

function bindStream(app) {
  const to = { first: () => 0, back: () => app.step - 1, on: () => app.step + 1, last: () => Infinity };
  for (const b of document.querySelectorAll("[data-step]")) {
    b.addEventListener("click", () => app.setStep(to[b.dataset.step]()));
  }
  $("slider").addEventListener("input", () => app.setStep(Number($("slider").value)));
}

function bindTabs(app) {
  const names = ["Turns", ...(app.docs[0].events.length ? ["Stream"] : []), ...(app.regions.length ? ["Differences"] : [])];
  const box = document.querySelector(".tabs");
  for (const name of names) {
    const b = element("button", "", name);
    b.type = "button";
    b.setAttribute("role", "tab");
    b.setAttribute("aria-controls", "list");
    b.addEventListener("click", () => app.tab(name));
    b.addEventListener("keydown", (e) => roving(e, b, (to) => to.click()));
    box.append(b);
  }
}

// Arrow keys among the buttons of a group.
function roving(e, button, go) {
  const to = { ArrowRight: button.nextElementSibling, ArrowLeft: button.previousElementSibling }[e.key];
  if (!to) return;
  e.preventDefault();
  e.stopPropagation();
  go(to);
  to.focus();
}

function key(app, e) {
  const pane = app.active;
  if (e.key === "Escape" && !$("keys").open) return pane.scroller.focus();
  if (e.target.closest?.("input, dialog") || e.altKey || e.metaKey) return;
  const page = Math.max(1, Math.floor(pane.scroller.clientHeight / pane.layout.height) - 2);
  const inText = e.target === pane.scroller || e.target === document.body || e.target.id === "panes";
  const moves = {
    ArrowRight: () => pane.step(1), ArrowLeft: () => pane.step(-1), ArrowDown: () => pane.leap(1), ArrowUp: () => pane.leap(-1),
    PageDown: () => pane.leap(page), PageUp: () => pane.leap(-page),
    Home: () => (e.ctrlKey ? pane.choose(-1) : pane.edge(false)),
    End: () => (e.ctrlKey ? pane.choose(pane.doc.count ? pane.doc.count - 1 : -1) : pane.edge(true)),
    Enter: () => pane.cursor < 0 && pane.toggle(-1 - pane.cursor), " ": () => pane.cursor < 0 && pane.toggle(-1 - pane.cursor),
  };
  const commands = {
    "1": () => app.setLevel(1), "2": () => app.setLevel(2), "3": () => app.setLevel(3), m: () => app.setMask(!app.mask),
    l: () => app.nextTheme(), "/": () => $("query").select(), n: () => app.nextHit(1), N: () => app.nextHit(-1),
    t: () => pane.turn(1), T: () => pane.turn(-1), ".": () => app.setStep(app.step + 1), ",": () => app.setStep(app.step - 1),
    f: () => app.nextFault(), d: () => app.jump((app.region ?? -1) + 1), D: () => app.jump((app.region ?? 0) - 1),
    "?": () => $("keys").showModal(),
  };
  const does = (inText && moves[e.key]) || (!e.ctrlKey && commands[e.key]);
  if (!does) return;
  e.preventDefault();
  does();
}

const started = performance.now();
const app = new App(JSON.parse($("data").textContent));
document.documentElement.dataset.ready = Math.round(performance.now() - started);
app.panes[0].scroller.focus({ preventScroll: true });
