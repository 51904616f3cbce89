"use strict";
const all = (selector, root = document) => [...root.querySelectorAll(selector)];
const make = (name, attributes = {}, text = "") => {
  const node = name.startsWith("svg:") ? document.createElementNS("http://www.w3.org/2000/svg", name.slice(4)) : document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) node.setAttribute(key, value);
  if (text !== "") node.textContent = text;
  return node;
};

// What is chosen (filters, order, colours, open parts) stands in the address, so that it survives a reload and can be shared.
const asked = new URLSearchParams(location.search);
const parameter = (form, field) => (form.dataset.for === "claims-table" ? "" : `${form.dataset.for}.`) + field.dataset.filter;
const remember = () => {
  const chosen = new URLSearchParams();
  const set = document.documentElement.dataset.theme;
  if (set) chosen.set("theme", set);
  for (const form of all("form.filters")) for (const field of all("[data-filter]", form)) if (field.value) chosen.set(parameter(form, field), field.value);
  for (const head of all("table[id] th[aria-sort]")) chosen.append("sort", `${head.closest("table").id}.${head.cellIndex}.${head.getAttribute("aria-sort")}`);
  const open = all("details[id][open]").map(part => part.id);
  if (open.length) chosen.set("open", open.join(","));
  const query = chosen.toString();
  if (query === location.search.slice(1)) return;
  try { history.replaceState(null, "", (query ? `?${query}` : location.pathname) + location.hash); } catch { /* Some browsers refuse it for files. */ }
};

// Colours: the system's choice until the button is used.
const theme = document.getElementById("theme");
theme.hidden = false;
if (["dark", "light"].includes(asked.get("theme"))) document.documentElement.dataset.theme = asked.get("theme");
theme.addEventListener("click", () => {
  const root = document.documentElement;
  const dark = root.dataset.theme ? root.dataset.theme === "dark" : matchMedia("(prefers-color-scheme: dark)").matches;
  root.dataset.theme = dark ? "light" : "dark";
  remember();
});

// Runs: what is told in words stands once for all tables.
const { words, tables } = JSON.parse(document.getElementById("runs-data").textContent);
for (const [name, rows] of Object.entries(tables)) {
  const body = document.getElementById(`runs-table-${name}`).tBodies[0];
  for (const [identity, seed, seconds, percents, ...numbers] of rows) {
    const [folder, variant, budget, status, configuration, time, device, commit] = numbers.map(number => words[number]);
    const row = make("tr"), head = make("th", { scope: "row" }), link = make("a", { href: `${folder}/${identity}/record.json` });
    const cell = (text, attributes = {}, within = "") => {
      const node = make("td", attributes, within ? "" : text);
      if (within) node.append(make(within, {}, text));
      row.append(node);
    };
    link.append(make("code", {}, identity));
    head.append(link);
    row.append(head);
    cell(variant);
    cell(budget);
    cell(seed, { class: "right" });
    cell(status, {}, status === "done" ? "" : "strong");
    percents.forEach(percent => cell(percent, { class: "right" }));
    cell(configuration, {}, "small");
    cell(time, { class: "right", "data-sort": seconds });
    cell(device, {}, "small");
    cell(commit, {}, "code");
    body.append(row);
  }
}

// Sorting: every heading becomes a button; missing values stay last.
const key = cell => cell.dataset.sort ?? (cell.classList.contains("absent") ? "" : cell.textContent.trim());
const sort = (head, up) => {
  const table = head.closest("table"), body = table.tBodies[0], column = head.cellIndex;
  all("thead th", table).forEach(other => other.removeAttribute("aria-sort"));
  head.setAttribute("aria-sort", up ? "ascending" : "descending");
  const rows = [...body.rows].map(row => [key(row.cells[column]), row]);
  const numbers = rows.every(([value]) => value === "" || !Number.isNaN(Number(value)));
  rows.sort(([a], [b]) => {
    if (a === "" || b === "") return (a === "") - (b === "");
    return (numbers ? a - b : a.localeCompare(b, "en", { numeric: true })) * (up ? 1 : -1);
  });
  body.append(...rows.map(([, row]) => row));
};
for (const head of all("table.sortable thead th, .scroll > table thead th")) {
  const button = make("button", { type: "button" });
  button.append(...head.childNodes);
  head.append(button);
  button.addEventListener("click", () => { sort(head, head.getAttribute("aria-sort") !== "ascending"); remember(); });
}
for (const text of asked.getAll("sort")) {
  const [name, column, order] = text.split(".");
  const head = document.getElementById(name)?.tHead?.rows[0].cells[column];
  if (head) sort(head, order !== "descending");
}
for (const select of all("[data-sorts]")) {
  const table = document.getElementById(select.dataset.sorts);
  select.addEventListener("change", () => { if (select.value) sort(table.tHead.rows[0].cells[select.value], true); remember(); });
}

// Filters.
for (const form of all("form.filters")) {
  const table = document.getElementById(form.dataset.for);
  const apply = () => {
    let shown = 0;
    const chosen = all("[data-filter]", form).filter(field => field.value);
    for (const row of table.tBodies[0].rows) {
      const hit = chosen.every(field => field.dataset.filter === "text"
        ? row.textContent.toLowerCase().includes(field.value.toLowerCase())
        : row.dataset[field.dataset.filter] === field.value);
      row.hidden = !hit;
      shown += hit;
    }
    form.querySelector("output").textContent = chosen.length ? `${shown} of ${table.tBodies[0].rows.length}` : "";
  };
  for (const field of all("[data-filter]", form)) field.value = asked.get(parameter(form, field)) ?? "";
  apply();
  form.hidden = false;
  form.addEventListener("input", () => { apply(); remember(); });
  form.addEventListener("submit", event => event.preventDefault());
}
for (const link of all("[data-experiment-link]")) {
  link.addEventListener("click", event => {
    event.preventDefault();
    for (const field of all("[data-for=claims-table] [data-filter]")) field.value = field.dataset.filter === "experiment" ? link.dataset.experimentLink : "";
    document.querySelector("[data-for=claims-table]").dispatchEvent(new Event("input"));
    location.hash = "#claims";
  });
}

// Open parts.
for (const name of (asked.get("open") ?? "").split(",")) {
  const part = document.getElementById(name);
  if (part?.matches("details")) part.open = true;
}
document.addEventListener("toggle", event => { if (event.target.id) remember(); }, true);
const unfold = document.getElementById("unfold");
unfold.hidden = false;
unfold.addEventListener("click", () => {
  const closed = all("details.experiment:not([open])");
  all("details.experiment").forEach(part => { part.open = closed.length > 0; });
  unfold.textContent = closed.length ? "Close all" : "Open all";
});

for (const button of all(".copy")) {
  if (!navigator.clipboard) continue;
  button.hidden = false;
  button.addEventListener("click", () => navigator.clipboard.writeText(button.dataset.copy ?? document.getElementById(button.dataset.from).textContent.replaceAll("\u00a0", " ")).then(() => { button.textContent = "Copied"; }));
}

// Each claim has a link to its runs and a citation in a line: made here, since there are hundreds of rows.
for (const row of all("#claims-table tbody tr")) {
  const place = row.querySelector("details p:last-of-type"), runs = `runs-${row.dataset.experiment}`;
  if (document.getElementById(runs)) place.append("; ", make("a", { href: `#${runs}` }, "runs"));
  const button = make("button", { type: "button" }, "Cite this claim"), shown = make("output");
  button.addEventListener("click", () => {
    const statement = row.cells[0].firstChild.textContent.trim().replace(/\.$/, "");
    shown.textContent = `\u201c${statement}\u201d: ${row.dataset.verdict}. repro ${document.body.dataset.version}, ${location.href.replace(/[?#].*/, "")}#${row.id}`;
    navigator.clipboard?.writeText(shown.textContent).then(() => { button.textContent = "Copied"; }, () => {});
  });
  place.append(" ", button, " ", shown);
}

// A link to something opens what it is in.
const reveal = () => {
  const target = location.hash && document.getElementById(decodeURIComponent(location.hash.slice(1)));
  if (!target) return;
  const own = target.querySelector(":scope > th > details");
  if (own) own.open = true;
  for (let part = target.closest("details"); part; part = part.parentElement.closest("details")) part.open = true;
  target.hidden = false;
  target.scrollIntoView({ behavior: "instant" });
};
addEventListener("hashchange", reveal);
addEventListener("beforeprint", () => all("details.experiment, details.curves").forEach(part => { part.open = true; }));

// The contents follow the scroll.
const folded = document.querySelector(".contents.narrow"), here = document.getElementById("here"), wide = document.querySelector(".contents.wide");
folded.addEventListener("click", event => { if (event.target.closest("a")) folded.open = false; });
const places = all("a", wide).map(link => document.getElementById(link.hash.slice(1)));
const inView = new Set();
const observer = new IntersectionObserver(changes => {
  for (const { target, isIntersecting } of changes) isIntersecting ? inView.add(target) : inView.delete(target);
  const now = places.filter(place => inView.has(place)).pop();
  if (!now) return;
  for (const link of all(".contents a")) {
    const current = link.hash === `#${now.id}`;
    current ? link.setAttribute("aria-current", "true") : link.removeAttribute("aria-current");
    if (!current || !wide.contains(link)) continue;
    here.textContent = ` \u00b7 ${link.textContent}`;
    const box = link.getBoundingClientRect(), frame = wide.getBoundingClientRect();
    if (box.top < frame.top || box.bottom > frame.bottom) wide.scrollTop += box.top - frame.top - frame.height / 2;
  }
}, { rootMargin: "-12% 0px -80% 0px" });
places.forEach(place => observer.observe(place));

// Values on hover and focus.
const tip = document.getElementById("tip");
const tell = (text, x, y) => {
  tip.textContent = text;
  tip.hidden = !text;
  tip.style.left = `${Math.max(4, Math.min(x + 14, innerWidth - tip.offsetWidth - 4))}px`;
  tip.style.top = `${Math.max(4, Math.min(y + 14, innerHeight - tip.offsetHeight - 4))}px`;
};
for (const node of all(".tip")) {
  const title = node.querySelector("title"), text = title.textContent;
  title.remove();
  node.addEventListener("pointermove", event => tell(text, event.clientX, event.clientY));
  node.addEventListener("pointerleave", () => tell(""));
  const link = node.closest("a");
  link.addEventListener("focus", () => { const box = node.getBoundingClientRect(); tell(text, box.left + 200, box.top); });
  link.addEventListener("blur", () => tell(""));
  link.setAttribute("aria-label", text);
}

// Training curves: for each budget and variant rows of seeds by epochs, in percent.
const data = JSON.parse(document.getElementById("curves-data").textContent);
const student = [12.706, 4.303, 3.182, 2.776, 2.571, 2.447, 2.365, 2.306, 2.262, 2.228, 2.201, 2.179, 2.16, 2.145, 2.131, 2.12, 2.11, 2.101, 2.093, 2.086];
const spread = (rows, epoch) => {
  const values = rows.map(row => row[epoch]).filter(value => value != null);
  const n = values.length, mean = values.reduce((a, b) => a + b, 0) / n;
  if (n < 2) return [mean, mean, mean, n];
  const sd = Math.sqrt(values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / (n - 1));
  const half = (student[n - 2] ?? 1.98) * sd / Math.sqrt(n);
  return [mean, Math.max(0, mean - half), Math.min(100, mean + half), n];
};
const dashes = ["", "7 4", "8 3 2 3", "2 3", "10 3 2 3 2 3", "4 2"];
// Colour and dashes together: no two of 36 series look alike.
const look = index => ({ stroke: "currentColor", "stroke-dasharray": dashes[(index + Math.floor(index / 6)) % 6] });
const BAND = 5; // seeds from which on an interval is drawn; below, the seeds themselves
for (const box of all("[data-curves]")) {
  const experiment = data[box.dataset.curves];
  const controls = box.querySelector(".controls"), chart = box.querySelector(".chart");
  const budgets = Object.keys(experiment);
  const state = { budget: budgets[0], seeds: false, train: false, off: new Set() };
  const check = (text, on, change) => {
    const label = make("label"), input = make("input", { type: "checkbox" });
    input.checked = on;
    input.addEventListener("change", () => { change(input.checked); draw(); });
    label.append(input, text);
    return label;
  };
  const build = () => {
    controls.replaceChildren();
    if (budgets.length > 1) {
      const label = make("label"), select = make("select");
      budgets.forEach(name => select.append(make("option", {}, name)));
      select.value = state.budget;
      select.addEventListener("change", () => { state.budget = select.value; state.off.clear(); build(); draw(); });
      label.append("Budget", select);
      controls.append(label);
    }
    controls.append(check("single runs", state.seeds, on => { state.seeds = on; }), check("training images", state.train, on => { state.train = on; }));
    experiment[state.budget].forEach((variant, index) => {
      const label = check(variant.name, !state.off.has(index), on => { on ? state.off.delete(index) : state.off.add(index); });
      const swatch = make("svg:svg", { class: `swatch k${index % 6}`, viewBox: "0 0 26 8", "aria-hidden": "true" });
      swatch.append(make("svg:line", { x1: 0, x2: 26, y1: 4, y2: 4, "stroke-width": 2.5, ...look(index) }));
      label.insertBefore(swatch, label.lastChild);
      controls.append(label);
    });
    controls.hidden = false;
  };
  const draw = () => {
    const shown = experiment[state.budget].map((variant, index) => ({ ...variant, index })).filter(({ index }) => !state.off.has(index));
    const length = Math.max(1, ...shown.flatMap(({ test }) => test.map(row => row.length)));
    const W = Math.max(320, Math.min(860, chart.clientWidth || 860)), H = 320, L = 52, R = 12, T = 8, B = 38;
    const values = shown.flatMap(({ test, train }) => [...test, ...(state.train ? train : [])].flat()).filter(value => value != null);
    const low = Math.max(0, Math.floor((Math.min(...values, 100) - 2) / 10) * 10), high = Math.min(100, Math.ceil((Math.max(...values, 10) + 1) / 10) * 10);
    const x = epoch => L + (length === 1 ? 0.5 : epoch / (length - 1)) * (W - L - R), y = value => T + (high - value) / (high - low || 1) * (H - T - B);
    const svg = make("svg:svg", { viewBox: `0 0 ${W} ${H}` });
    const step = high - low > 50 ? 20 : 10;
    for (let value = Math.ceil(low / step) * step; value <= high; value += step) {
      svg.append(make("svg:line", { x1: L, x2: W - R, y1: y(value), y2: y(value), class: "grid" }), make("svg:text", { x: L - 6, y: y(value) + 4, "text-anchor": "end" }, `${value}`));
    }
    const every = Math.max(1, Math.ceil(length / (W < 500 ? 6 : 12)));
    for (let epoch = 0; epoch < length; epoch += every) svg.append(make("svg:text", { x: x(epoch), y: H - B + 16, "text-anchor": "middle" }, `${epoch + 1}`));
    svg.append(make("svg:text", { x: (L + W - R) / 2, y: H - 4, "text-anchor": "middle" }, "epoch"));
    svg.append(make("svg:text", { x: 14, y: (T + H - B) / 2, "text-anchor": "middle", transform: `rotate(-90 14 ${(T + H - B) / 2})` }, state.train ? "accuracy (%)" : "test accuracy (%)"));
    const path = points => points.filter(([, v]) => v != null && !Number.isNaN(v)).map(([e, v], i) => `${i ? "L" : "M"}${x(e).toFixed(1)} ${y(v).toFixed(1)}`).join("");
    for (const { index, test, train } of shown) {
      const group = make("svg:g", { class: `k${index % 6}` });
      const line = (rows, attributes) => group.append(make("svg:path", { d: path(rows), fill: "none", stroke: "currentColor", ...attributes }));
      const bands = Array.from({ length: Math.max(0, ...test.map(row => row.length)) }, (_, epoch) => spread(test, epoch));
      const edge = [...bands.map((band, e) => [e, band[2]]), ...bands.map((band, e) => [e, band[1]]).reverse()];
      const clip = edge.map(([e, v]) => [e, Math.max(low, Math.min(high, v))]);
      if (test.length >= BAND) group.append(make("svg:path", { d: `${path(clip)}Z`, fill: "currentColor", opacity: 0.16 }));
      if (state.seeds || test.length < BAND) test.forEach(row => line(row.map((v, e) => [e, v]), { "stroke-width": 0.8, opacity: 0.8 }));
      if (state.train) line(Array.from({ length: bands.length }, (_, e) => [e, spread(train, e)[0]]), { "stroke-width": 1, "stroke-dasharray": "2 2" });
      line(bands.map((band, e) => [e, band[0]]), { "stroke-width": 2.2, ...look(index) });
      svg.append(group);
    }
    const cursor = make("svg:line", { y1: T, y2: H - B, class: "cursor", visibility: "hidden" });
    svg.append(cursor);
    const at = (epoch, clientX, clientY) => {
      cursor.setAttribute("x1", x(epoch)); cursor.setAttribute("x2", x(epoch)); cursor.setAttribute("visibility", "visible");
      const lines = shown.filter(({ test }) => test.some(row => row[epoch] != null)).map(({ name, test }) => {
        const [mean, bottom, top, n] = spread(test, epoch);
        return `${name}: ${mean.toFixed(1)} %${n > 1 ? ` [${bottom.toFixed(1)}, ${top.toFixed(1)}]` : ""}, n=${n}`;
      });
      tell([`epoch ${epoch + 1}`, ...lines].join("\n"), clientX, clientY);
    };
    let place = length - 1;
    svg.addEventListener("pointermove", event => {
      const frame = svg.getBoundingClientRect();
      place = Math.max(0, Math.min(length - 1, Math.round(((event.clientX - frame.left) / frame.width * W - L) / (W - L - R) * (length - 1))));
      at(place, event.clientX, event.clientY);
    });
    const leave = () => { cursor.setAttribute("visibility", "hidden"); tell(""); };
    svg.addEventListener("pointerleave", leave);
    chart.tabIndex = 0;
    chart.onkeydown = event => {
      if (!["ArrowLeft", "ArrowRight"].includes(event.key)) return;
      event.preventDefault();
      place = Math.max(0, Math.min(length - 1, place + (event.key === "ArrowRight" ? 1 : -1)));
      const frame = svg.getBoundingClientRect();
      at(place, frame.left + x(place) / W * frame.width, frame.top + 20);
    };
    chart.onblur = leave;
    chart.replaceChildren(svg);
  };
  build();
  // Drawn when it comes into view: before, it has no width.
  const host = box.closest("details.experiment");
  if (host.open) draw();
  host.addEventListener("toggle", () => { if (host.open) draw(); });
  addEventListener("resize", () => { if (host.open && box.open) draw(); });
}
reveal();

