// Charts: drawn as wide as their place is, drawn again when that changes; values on hover, touch and arrow keys.
const dashes = ["", "7 4", "8 3 2 3", "2 3", "10 3 2 3 2 3", "4 2"];
// Colour with dashes or shape: no two of 36 series look alike.
const turn = index => (index + Math.floor(index / 6)) % 6;
const look = index => ({ stroke: "currentColor", "stroke-dasharray": dashes[turn(index)] });
const FEW = 5; // seeds from which on an interval is drawn; below, the seeds themselves
const NARROW = 520, TEXT = 12;

const draw = (parent, name, attributes, text) => parent.appendChild(make(`svg:${name}`, attributes, text));
const path = points => points.map(([x, y], index) => `${index ? "L" : "M"}${x.toFixed(1)} ${y.toFixed(1)}`).join("");
const shapes = [
  r => `M${-r} 0a${r} ${r} 0 1 0 ${2 * r} 0a${r} ${r} 0 1 0 ${-2 * r} 0z`,
  r => `M${-r} ${-r}h${2 * r}v${2 * r}h${-2 * r}z`,
  r => `M0 ${-1.2 * r}L${1.2 * r} ${r}H${-1.2 * r}z`,
  r => `M0 ${-1.3 * r}L${1.3 * r} 0L0 ${1.3 * r}L${-1.3 * r} 0z`,
  r => `M0 ${1.2 * r}L${1.2 * r} ${-r}H${-1.2 * r}z`,
  r => `M${-r} ${-r / 3}h${r * 2 / 3}v${-r * 2 / 3}h${r * 2 / 3}v${r * 2 / 3}h${r * 2 / 3}v${r * 2 / 3}h${-r * 2 / 3}v${r * 2 / 3}h${-r * 2 / 3}v${-r * 2 / 3}h${-r * 2 / 3}z`,
];
const mark = (parent, index, x, y, attributes = {}) => draw(parent, "path", { d: shapes[turn(index)](4.2), transform: `translate(${x.toFixed(1)} ${y.toFixed(1)})`, class: "dot", ...attributes });
const pen = document.createElement("canvas").getContext("2d"), family = getComputedStyle(document.body).fontFamily;
const measure = (text, bold) => { pen.font = `${bold ? 600 : 400} ${TEXT}px ${family}`; return pen.measureText(text).width; };
const lines = (text, room) => {
  const found = [""];
  for (const word of text.split(" ")) {
    const longer = `${found.at(-1)} ${word}`.trim();
    if (found.at(-1) && measure(longer) > room) found.push(word); else found[found.length - 1] = longer;
  }
  return found;
};
const short = value => {
  const size = Math.abs(value);
  return size >= 1e6 ? `${+(value / 1e6).toPrecision(3)}M` : size >= 1e4 ? `${+(value / 1e3).toPrecision(3)}k` : `${+value.toPrecision(4)}`;
};
const told = value => Math.abs(value) >= 0.1 || !value ? value.toFixed(1) : value.toPrecision(2);

// An axis from low to high between two places, in pixels; with round numbers to be written at it.
const axis = (numbers, from, to, { log = false, low, high, room = 0.06, ticks, count = 6 } = {}) => {
  let [a, b] = [low ?? Math.min(...numbers), high ?? Math.max(...numbers)];
  const there = log ? Math.log : value => value, back = log ? Math.exp : value => value;
  [a, b] = [there(a), there(b)];
  const span = b - a || Math.abs(a) * 0.1 || 1;
  if (low === undefined) a -= room * span;
  if (high === undefined) b += room * span;
  const place = value => from + (there(value) - a) / (b - a) * (to - from);
  let round = ticks;
  if (!round && log) {
    const powers = Array.from({ length: 24 }, (_, index) => 10 ** (index - 9));
    const at = parts => powers.flatMap(power => parts.map(part => part * power)).filter(value => there(value) >= a && there(value) <= b);
    round = [[1, 2, 5], [1, 3], [1]].map(at).find(found => found.length <= count) ?? at([1]);
  } else if (!round) {
    const rough = (b - a) / count, power = 10 ** Math.floor(Math.log10(rough));
    const step = [1, 2, 5, 10].find(each => each * power >= rough) * power;
    round = [];
    for (let value = Math.ceil(a / step); value * step <= b; value += 1) round.push(+(value * step).toPrecision(12));
  }
  return { place, round, inside: value => there(value) >= a && there(value) <= b, ends: [back(a), back(b)] };
};

// What can be asked: the nearest of some spots ({x, y, text}), shown by a ring or a line, and told in words.
const ask = (chart, svg, spots, show, far) => {
  let at = -1;
  const frame = () => svg.getBoundingClientRect();
  const say = (index, x, y) => { at = index; show(spots[index]); tell(spots[index]?.text ?? "", x, y); };
  const step = by => { at = (at + by + spots.length) % spots.length; const box = frame(); say(at, box.left + spots[at].x, box.top + spots[at].y); };
  const point = event => {
    const box = frame(), distances = spots.map(spot => far(spot, event.clientX - box.left, event.clientY - box.top));
    const nearest = distances.indexOf(Math.min(...distances));
    say(distances[nearest] < 30 ? nearest : -1, event.clientX, event.clientY);
  };
  svg.addEventListener("pointermove", point);
  svg.addEventListener("pointerdown", point);
  svg.addEventListener("pointerleave", () => say(-1));
  chart.tabIndex = 0;
  chart.onkeydown = event => {
    const by = { ArrowLeft: -1, ArrowUp: -1, ArrowRight: 1, ArrowDown: 1 }[event.key];
    if (!by || !spots.length) return;
    event.preventDefault();
    if (at < 0 && by < 0) at = 0;
    step(by);
  };
  chart.onblur = () => say(-1);
};
const ringed = (chart, svg, spots) => {
  const ring = draw(svg, "circle", { r: 8, class: "ring", visibility: "hidden" });
  ask(chart, svg, spots, spot => {
    ring.setAttribute("visibility", spot ? "visible" : "hidden");
    if (spot) { ring.setAttribute("cx", spot.x); ring.setAttribute("cy", spot.y); }
  }, (spot, x, y) => Math.hypot(spot.x - x, spot.y - y));
};

// Choices above a chart: what is shown, and what each look stands for.
const select = (name, options, chosen, change) => {
  const label = make("label"), field = make("select");
  options.forEach((option, index) => field.append(make("option", { value: index }, option)));
  field.value = chosen;
  field.addEventListener("change", () => change(Number(field.value)));
  label.append(name, field);
  return label;
};
const check = (text, on, change, swatch) => {
  const label = make("label"), input = make("input", { type: "checkbox" });
  input.checked = on;
  input.addEventListener("change", () => change(input.checked));
  label.append(input, ...(swatch ? [swatch] : []), text);
  return label;
};
const swatch = (index, dotted, dashed) => {
  const svg = make("svg:svg", { class: `swatch k${index % 6}`, viewBox: "0 0 26 10", "aria-hidden": "true" });
  if (dashed) draw(svg, "line", { x1: 0, x2: 26, y1: 5, y2: 5, "stroke-width": 2.5, ...look(index) });
  if (dotted) mark(svg, index, 13, 5);
  return svg;
};

const entry = (text, attributes) => {
  const label = make("span"), svg = make("svg:svg", { class: "swatch", viewBox: "0 0 26 10", "aria-hidden": "true" });
  draw(svg, "path", attributes);
  label.append(svg, text);
  return label;
};

// One mark: its seeds, its interval (an arrowhead where it leaves the axis), its mean and what was published of it.
const paint = (svg, index, found, at, along, level, spots, title, label, of = "seeds") => {
  const group = draw(svg, "g", { class: `k${index % 6}` });
  const spot = (value, beside = level) => (along === "x" ? [at.place(value), beside] : [beside, at.place(value)]);
  const within = value => Math.max(at.ends[0], Math.min(at.ends[1], value));
  const failed = new Set(found.failed), off = along === "x" ? 8 : 0;
  const several = found.n > 1 ? `, n = ${found.n}${of === "seeds" ? "" : ` ${of}`}` : "";
  const spread = found.interval ? ` [${found.interval.map(told).join(", ")}]` : "";
  const unit = label.includes("%") ? " %" : label.includes("points") ? " points" : "";
  const lost = failed.size ? `, ${failed.size} failed` : "";
  const stated = (found.published ?? []).map(([name]) => `, published ${name}${unit}`).join("");
  (found.seeds ?? []).forEach((value, seed) => {
    if (!at.inside(value)) return;
    const [x, y] = spot(value, level + off);
    if (failed.has(seed)) draw(group, "path", { d: `M${x - 3} ${y - 3}l6 6m0 -6l-6 6`, stroke: "currentColor" });
    else draw(group, "circle", { cx: x, cy: y, r: 2.2, fill: "none", stroke: "currentColor", opacity: 0.8 });
  });
  if (found.interval && (found.n >= FEW || !found.seeds)) {
    const [low, high] = found.interval, ends = [within(low), within(high)].map(value => spot(value));
    draw(group, "path", { d: path(ends), stroke: "currentColor", "stroke-width": 1.5 });
    [[low, -1], [high, 1]].forEach(([value, sign], end) => {
      const [x, y] = ends[end], down = (at.place(at.ends[1]) > at.place(at.ends[0]) ? 1 : -1) * sign * 6;
      const arrow = along === "x" ? `M${x} ${y - 4}l${down} 4l${-down} 4z` : `M${x - 4} ${y}l4 ${down}l4 ${-down}z`;
      const cap = along === "x" ? `M${x} ${y - 3}v6` : `M${x - 3} ${y}h6`;
      draw(group, "path", at.inside(value) ? { d: cap, stroke: "currentColor" } : { d: arrow, fill: "currentColor" });
    });
  }
  for (const [name, value] of found.published ?? []) {
    const [x, y] = spot(value);
    if (found.mean !== undefined && along === "y") draw(svg, "path", { d: path([spot(found.mean), [x, y]]), class: "stated", "stroke-dasharray": "1 3" });
    draw(svg, "path", { d: shapes[3](4.6), transform: `translate(${x.toFixed(1)} ${y.toFixed(1)})`, class: "stated" });
    spots.push({ x, y, text: `${title}\npublished ${name}${unit}` });
  }
  if (found.mean === undefined) return;
  const [x, y] = spot(found.mean);
  mark(group, index, x, y);
  spots.push({ x, y, text: `${title}\n${told(found.mean)}${unit}${spread}${several}${lost}${stated}` });
};
// The numbers that an axis must hold: intervals where they are drawn and of use.
const held = (found, all) => [found.mean, ...(found.seeds ?? []), ...(found.published ?? []).map(([, value]) => value), ...(all && found.interval && !found.failed && (found.n >= FEW || !found.seeds) ? found.interval : [])].filter(value => value !== undefined);

// A row for each network.
const rows = (chart, svg, W, state) => {
  const view = chart.views[state.view], keys = chart.keys.map((_, index) => index).filter(index => !state.off.has(index));
  const narrow = W < NARROW, left = narrow ? 6 : Math.min(230, 12 + Math.max(...view.rows.map(row => Math.max(measure(row.name), measure(row.group ?? "", true)))));
  const right = W - 46, numbers = view.rows.flatMap(row => keys.flatMap(key => row.marks[key] ? held(row.marks[key], true) : []));
  const x = axis([...numbers, ...(chart.zero ? [0] : [])], left + 6, right, { count: narrow ? 5 : 7 });
  const spots = [], pitch = 22;
  let y = 6;
  const back = draw(svg, "g", {}), front = draw(svg, "g", {});
  view.rows.forEach((row, index) => {
    if (row.group) { draw(front, "text", { x: 0, y: y + 14, "font-weight": 600 }, row.group); y += 20; }
    const name = lines(row.name, narrow ? W - 10 : left - 12), top = y;
    const empty = row.marks.every(found => !found);
    const height = (empty ? 1 : Math.max(1, keys.length)) * pitch + 4, above = narrow ? name.length * 15 + 2 : 0;
    const tall = Math.max(above + height, narrow ? 0 : name.length * 15 + 4);
    if (index % 2) draw(back, "rect", { x: 0, y: top, width: W, height: tall, class: "stripe" });
    const middle = narrow ? top + 13 : top + tall / 2 + 4 - (name.length - 1) * 7.5;
    name.forEach((line, at) => draw(front, "text", { x: narrow ? 4 : 0, y: middle + at * 15 }, line));
    if (empty) draw(front, "text", { x: W, y: top + above + height / 2 + 4, "text-anchor": "end", class: "quiet" }, "not run");
    keys.forEach((key, at) => {
      const found = row.marks[key], level = top + above + (tall - above) / 2 + (at - (keys.length - 1) / 2) * pitch;
      if (!found) return;
      paint(front, key, found, x, "x", level - 3, spots, keys.length > 1 ? `${row.name}, ${chart.keys[key]}` : row.name, chart.x);
      draw(front, "text", { x: W, y: level + 1, "text-anchor": "end" }, `${chart.zero && found.mean > 0 ? "+" : ""}${told(found.mean)}`);
    });
    y += tall;
  });
  for (const value of x.round) {
    draw(back, "line", { x1: x.place(value), x2: x.place(value), y1: 4, y2: y, class: "grid" });
    draw(front, "text", { x: x.place(value), y: y + 15, "text-anchor": "middle" }, short(value));
  }
  if (chart.zero) draw(back, "line", { x1: x.place(0), x2: x.place(0), y1: 4, y2: y, class: "zero" });
  const label = lines(chart.x, W - 8), middle = narrow ? W / 2 : Math.min((left + right) / 2, W - measure(label[0]) / 2 - 4);
  label.forEach((line, at) => draw(front, "text", { x: middle, y: y + 33 + at * 15, "text-anchor": "middle" }, line));
  return [y + 25 + label.length * 15, spots];
};

// Networks by size or setting.
const points = (chart, svg, W, state) => {
  const view = chart.views[state.view], xs = chart.x[state.x], ys = (view.y ?? chart.y)[state.y] ?? (view.y ?? chart.y)[0];
  const index = point => Math.max(0, chart.series.indexOf(point.series));
  const named = chart.series.length < 2, gone = point => state.off.has(named ? point.name : index(point));
  const shown = view.points.filter(point => !gone(point)).map(point => ({ ...point, x: point.x[state.x], found: point.marks[Math.min(state.y, point.marks.length - 1)] }));
  const H = W < NARROW ? 300 : 340, L = 56, T = 12, B = 44;
  const span = view.points.map(point => point.x[state.x]);
  const x = axis(xs.names ? xs.names.map((_, at) => at) : span, L, W - 12, { log: xs.log, room: 0.1, count: W < NARROW ? 4 : 7, ticks: xs.names?.map((_, at) => at) ?? xs.ticks });
  const numbers = shown.flatMap(({ found }) => held(found, !chart.best));
  const y = axis(numbers.length ? numbers : [0, 100], ys.down ? T : H - B, ys.down ? H - B : T, { log: ys.log, low: ys.low, high: ys.high, room: 0.08 });
  const spots = [], drawn = [], back = draw(svg, "g", {}), front = draw(svg, "g", {});
  for (const value of y.round) {
    draw(back, "line", { x1: L, x2: W - 8, y1: y.place(value), y2: y.place(value), class: "grid" });
    draw(front, "text", { x: L - 6, y: y.place(value) + 4, "text-anchor": "end" }, short(value));
  }
  let last = -Infinity;
  for (const value of x.round) {
    const text = xs.names ? xs.names[value] : short(value), broken = lines(text, xs.names ? (W - L) / xs.names.length - 6 : W);
    draw(back, "line", { x1: x.place(value), x2: x.place(value), y1: T, y2: H - B, class: "grid" });
    const width = Math.max(...broken.map(line => measure(line)));
    if (x.place(value) - width / 2 < last + 4) continue;
    last = x.place(value) + width / 2;
    broken.forEach((line, at) => draw(front, "text", { x: x.place(value), y: H - B + 16 + 13 * at, "text-anchor": "middle" }, line));
  }
  draw(front, "text", { x: (L + W) / 2, y: H - 4, "text-anchor": "middle" }, xs.label);
  const label = lines(ys.label, H - B), middle = (T + H - B) / 2;
  label.forEach((line, at) => draw(front, "text", { x: 12 + 13 * at, y: middle, "text-anchor": "middle", transform: `rotate(-90 ${12 + 13 * at} ${middle})` }, line));
  for (const at of chart.lines?.at ?? []) draw(back, "line", { x1: x.place(at), x2: x.place(at), y1: T, y2: H - B, class: "stated", "stroke-dasharray": "2 3" });
  // Series that agree would hide each other: each stands a little beside the last.
  const beside = point => x.place(point.x) + (chart.aside ? 7 * (index(point) - (chart.series.length - 1) / 2) : 0);
  const line = (parent, values, attributes) => {
    const corners = values.map(([at, value]) => [at, y.place(Math.max(y.ends[0], Math.min(y.ends[1], value)))]);
    drawn.push(corners);
    draw(parent, "path", { d: path(corners), fill: "none", ...attributes });
  };
  chart.series.forEach((_, series) => {
    const group = draw(back, "g", { class: `k${series % 6}` });
    const joined = shown.filter(point => index(point) === series && point.line && point.found.mean !== undefined && (!point.found.failed || ys.low !== undefined)).sort((a, b) => a.x - b.x);
    if (joined.length < 2) return;
    line(group, joined.map(point => [beside(point), point.found.mean]), { "stroke-width": 1.8, ...look(series) });
    const few = Math.max(...joined.map(point => point.found.n)) < FEW ? Math.max(...joined.map(point => point.found.seeds?.length ?? 0)) : 0;
    for (let seed = 0; seed < few; seed += 1) {
      const own = joined.filter(point => point.found.seeds?.[seed] !== undefined).map(point => [beside(point), point.found.seeds[seed]]);
      line(group, own, { stroke: "currentColor", "stroke-width": 0.7, opacity: 0.7 });
    }
  });
  if (chart.best) {
    const corners = [];
    for (const point of [...shown].sort((a, b) => a.x - b.x)) {
      if (corners.length && point.found.mean <= corners.at(-1)[1]) continue;
      corners.push([x.place(point.x), corners.at(-1)?.[1] ?? point.found.mean], [x.place(point.x), point.found.mean]);
    }
    if (corners.length) line(back, [...corners, [W - 8, corners.at(-1)[1]]], { class: "best" });
  }
  for (const point of shown) paint(front, index(point), point.found, y, "y", beside(point), spots, named || !point.series ? point.name : `${point.name}, ${point.series}`, ys.label, chart.of);
  if (!xs.ticks && !xs.names) names(front, shown, point => [beside(point), y.place(point.found.mean)], drawn, W, H - B, L);
  return [H, spots];
};

// Names beside marks, once for each network, where they cover nothing; the others are told when they are asked for.
const names = (parent, shown, place, lines, W, bottom, left) => {
  const taken = shown.map(point => { const [x, y] = place(point); return [x - 6, y - 6, x + 6, y + 6]; });
  for (const corners of lines) corners.slice(1).forEach(([x, y], index) => {
    const [a, b] = corners[index], steps = Math.max(1, Math.ceil(Math.hypot(x - a, y - b) / 4));
    for (let step = 0; step <= steps; step += 1) { const at = [a + (x - a) * step / steps, b + (y - b) * step / steps]; taken.push([at[0] - 1, at[1] - 1, at[0] + 1, at[1] + 1]); }
  });
  const done = new Set();
  for (const point of shown) {
    if (done.has(point.name)) continue;
    const [x, y] = place(point), width = measure(point.name);
    const boxes = [[x + 9, y - 7], [x - 9 - width, y - 7], [x - width / 2, y - 22], [x - width / 2, y + 8], [x + 7, y - 19], [x - 7 - width, y - 19], [x + 7, y + 5], [x - 7 - width, y + 5]]
      .map(([a, b]) => [a, b, a + width, b + 14]);
    const free = boxes.find(box => box[0] > left && box[2] < W - 4 && box[1] > 0 && box[3] < bottom && taken.every(other => box[2] < other[0] || box[0] > other[2] || box[3] < other[1] || box[1] > other[3]));
    if (!free) continue;
    taken.push(free);
    done.add(point.name);
    draw(parent, "text", { x: free[0], y: free[1] + 11 }, point.name);
  }
};

// Test accuracy by epoch: for each budget and network rows of seeds by epochs, in percent.
const student = [12.706, 4.303, 3.182, 2.776, 2.571, 2.447, 2.365, 2.306, 2.262, 2.228, 2.201, 2.179, 2.16, 2.145, 2.131, 2.12, 2.11, 2.101, 2.093, 2.086];
const spread = (seeds, epoch) => {
  const values = seeds.map(row => row[epoch]).filter(value => value != null);
  const n = values.length, mean = values.reduce((a, b) => a + b, 0) / n;
  if (n < 2) return [mean, mean, mean, n];
  const sd = Math.sqrt(values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / (n - 1));
  const half = (student[n - 2] ?? 1.98) * sd / Math.sqrt(n);
  return [mean, Math.max(0, mean - half), Math.min(100, mean + half), n];
};
const learning = (chart, svg, W, state) => {
  const shown = chart.views[state.view].networks.map((network, index) => ({ ...network, index })).filter(({ index }) => !state.off.has(index));
  const length = Math.max(1, ...shown.flatMap(({ test }) => test.map(row => row.length)));
  const H = W < NARROW ? 280 : 320, L = 52, T = 8, B = 40;
  const values = shown.flatMap(({ test, train }) => [...test, ...(state.train ? train : [])].flat()).concat(shown.flatMap(({ published }) => (published ?? []).map(([, value]) => value))).filter(value => value != null);
  const x = axis([1, Math.max(2, length)], L, W - 12, { room: 0, ticks: undefined, count: W < NARROW ? 5 : 10 });
  const y = axis(values.length ? values : [0, 100], H - B, T, { room: 0.04 });
  for (const value of y.round) {
    draw(svg, "line", { x1: L, x2: W - 12, y1: y.place(value), y2: y.place(value), class: "grid" });
    draw(svg, "text", { x: L - 6, y: y.place(value) + 4, "text-anchor": "end" }, short(value));
  }
  for (const value of x.round) if (Number.isInteger(value)) draw(svg, "text", { x: x.place(value), y: H - B + 16, "text-anchor": "middle" }, `${value}`);
  draw(svg, "text", { x: (L + W - 12) / 2, y: H - 5, "text-anchor": "middle" }, "epoch");
  draw(svg, "text", { x: 14, y: (T + H - B) / 2, "text-anchor": "middle", transform: `rotate(-90 14 ${(T + H - B) / 2})` }, state.train ? "accuracy (%)" : chart.y);
  const curve = seeds => path(seeds.map((value, epoch) => [epoch, value]).filter(([, value]) => value != null && !Number.isNaN(value)).map(([epoch, value]) => [x.place(epoch + 1), y.place(Math.max(y.ends[0], Math.min(y.ends[1], value)))]));
  const each = (seeds, part) => Array.from({ length: Math.max(0, ...seeds.map(row => row.length)) }, (_, epoch) => spread(seeds, epoch)[part]);
  const trained = ({ failed = [] }, rows) => rows.filter((_, seed) => !failed.includes(seed));
  for (const network of shown) {
    const { index, failed = [] } = network, test = trained(network, network.test), train = trained(network, network.train);
    const group = draw(svg, "g", { class: `k${index % 6}` });
    const line = (seeds, attributes) => draw(group, "path", { d: curve(seeds), fill: "none", stroke: "currentColor", ...attributes });
    if (test.length >= FEW) {
      const high = each(test, 2), low = each(test, 1), clip = value => y.place(Math.max(y.ends[0], Math.min(y.ends[1], value)));
      const edge = [...high.map((value, epoch) => [epoch, value]), ...low.map((value, epoch) => [epoch, value]).reverse()].filter(([, value]) => !Number.isNaN(value));
      draw(group, "path", { d: `${path(edge.map(([epoch, value]) => [x.place(epoch + 1), clip(value)]))}Z`, fill: "currentColor", opacity: 0.16 });
    }
    failed.forEach(seed => line(network.test[seed], { "stroke-width": 1, "stroke-dasharray": "1 3" }));
    if (state.seeds || test.length < FEW) test.forEach(row => line(row, { "stroke-width": 0.8, opacity: 0.8 }));
    if (state.train) line(each(train, 0), { "stroke-width": 1, "stroke-dasharray": "2 2" });
    line(each(test, 0), { "stroke-width": 2.2, ...look(index) });
  }
  for (const { published } of shown) for (const [epoch, value] of published ?? []) {
    if (y.inside(value)) draw(svg, "path", { d: shapes[3](4.6), transform: `translate(${x.place(epoch).toFixed(1)} ${y.place(value).toFixed(1)})`, class: "stated" });
  }
  const spots = Array.from({ length }, (_, epoch) => {
    const stated = shown.flatMap(({ published }) => published ?? []).filter(([at]) => at === epoch + 1).map(([, , text]) => `published ${text} %`);
    const found = shown.filter(network => trained(network, network.test).some(row => row[epoch] != null)).map(network => {
      const { name, failed = [] } = network, [mean, bottom, top, n] = spread(trained(network, network.test), epoch);
      return `${name}: ${mean.toFixed(1)} %${n > 1 ? ` [${bottom.toFixed(1)}, ${top.toFixed(1)}]` : ""}, n = ${n}${failed.length ? `, ${failed.length} failed` : ""}`;
    });
    return { x: x.place(epoch + 1), y: T + 20, text: [`epoch ${epoch + 1}`, ...found, ...stated].join("\n") };
  });
  return [H, spots];
};
const crossed = (chart, svg, spots) => {
  const cursor = draw(svg, "line", { y1: 8, y2: svg.viewBox.baseVal.height - 40, class: "cursor", visibility: "hidden" });
  ask(chart, svg, spots, spot => {
    cursor.setAttribute("visibility", spot ? "visible" : "hidden");
    if (spot) { cursor.setAttribute("x1", spot.x); cursor.setAttribute("x2", spot.x); }
  }, (spot, x) => Math.abs(spot.x - x));
};

const read = name => JSON.parse(document.getElementById(name).textContent);
const forms = { rows: [rows, ringed], points: [points, ringed], curves: [learning, crossed] };
const curves = Object.entries(read("curves-data")).map(([name, budgets]) => [`${name}-curves`, { form: "curves", y: "test accuracy (%)", views: Object.entries(budgets).map(([budget, networks]) => ({ name: `${budget} budget`, networks })) }]);
const charts = { ...read("charts-data"), ...Object.fromEntries(curves) };
for (const box of all("[data-chart]")) {
  const chart = charts[box.dataset.chart], [form, answer] = forms[chart.form];
  const controls = box.querySelector(".controls"), place = box.querySelector(".chart");
  const state = { view: 0, x: 0, y: 0, off: new Set(), seeds: false, train: false };
  let drawn = 0;
  const show = () => {
    const W = Math.floor(place.clientWidth);
    if (!W) return;
    drawn = W;
    const svg = make("svg:svg"), [height, spots] = form(chart, svg, W, state);
    svg.setAttribute("viewBox", `0 0 ${W} ${height}`);
    svg.setAttribute("height", height);
    svg.setAttribute("width", W);
    answer(place, svg, spots);
    place.replaceChildren(svg);
  };
  const set = (name, value) => { state[name] = value; show(); };
  const toggle = (key, on) => { on ? state.off.delete(key) : state.off.add(key); show(); };
  const build = () => {
    controls.replaceChildren();
    const view = chart.views[state.view];
    if (chart.views.length > 1) controls.append(select("Budget", chart.views.map(each => each.name), state.view, value => { state.view = value; state.off.clear(); build(); show(); }));
    else if (view.name) controls.append(make("span", {}, view.name));
    if (chart.x?.length > 1 && chart.form === "points") controls.append(select("Against", chart.x.map(each => each.label), state.x, value => set("x", value)));
    const ys = view.y ?? chart.y;
    if (Array.isArray(ys) && ys.length > 1) controls.append(select("Show", ys.map(each => each.label), state.y, value => set("y", value)));
    if (chart.form === "curves") controls.append(check("single runs", state.seeds, on => set("seeds", on)), check("training images", state.train, on => set("train", on)));
    const looks = chart.form === "rows" ? chart.keys : chart.form === "curves" ? view.networks.map(each => each.name) : chart.series;
    const lined = index => chart.form === "curves" || view.points?.some(point => point.line && point.series === chart.series[index]);
    if (looks.length > 1) looks.forEach((name, index) => controls.append(check(name || "others", !state.off.has(index), on => toggle(index, on), swatch(index, chart.form !== "curves", lined(index)))));
    else if (chart.form === "points" && !lined(0) && view.points.length > 1) view.points.forEach(({ name }) => controls.append(check(name, !state.off.has(name), on => toggle(name, on))));
    const marks = [...(view.rows ?? view.points ?? []).flatMap(each => each.marks), ...(view.networks ?? [])];
    if (marks.some(found => found?.published)) controls.append(entry("published", { d: shapes[3](4), transform: "translate(13 5)", class: "stated" }));
    if (chart.lines) controls.append(entry(chart.lines.name, { d: "M1 5h24", class: "stated", "stroke-dasharray": "2 3" }));
    controls.hidden = !controls.childNodes.length;
  };
  build();
  box.classList.add("live");
  const redraw = () => { if (place.clientWidth && Math.floor(place.clientWidth) !== drawn) show(); };
  redraws.push(redraw);
  // In the next frame: what is drawn changes sizes, which the observer may not see twice in one.
  new ResizeObserver(() => requestAnimationFrame(redraw)).observe(place);
}
reveal();
