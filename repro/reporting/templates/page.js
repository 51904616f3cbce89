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

// A link to something opens what it is in; charts are drawn before it is scrolled to, for they make room.
const redraws = [];
const reveal = () => {
  const target = location.hash && document.getElementById(decodeURIComponent(location.hash.slice(1)));
  if (!target) return;
  const own = target.querySelector(":scope > th > details");
  if (own) own.open = true;
  for (let part = target.closest("details"); part; part = part.parentElement.closest("details")) part.open = true;
  target.hidden = false;
  redraws.forEach(redraw => redraw());
  target.scrollIntoView({ behavior: "instant" });
};
addEventListener("hashchange", reveal);
addEventListener("beforeprint", () => all("details.experiment").forEach(part => { part.open = true; }));

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
for (const link of all(".forest a")) {
  const text = link.title;
  link.removeAttribute("title");
  link.setAttribute("aria-label", text);
  link.addEventListener("pointermove", event => tell(text, event.clientX, event.clientY));
  link.addEventListener("pointerleave", () => tell(""));
  link.addEventListener("focus", () => { const box = link.getBoundingClientRect(); tell(text, box.left + box.width / 2, box.top); });
  link.addEventListener("blur", () => tell(""));
}
