// What the page shows, from the numbers embedded in it. Names come from the user: they are set as
// text, never as markup, and reach the charts as values, never as expressions.
const data = JSON.parse(document.getElementById("data").textContent);
const at = (id) => document.getElementById(id);
const MARKS = ["circle", "square", "triangle-up", "diamond", "cross", "triangle-down"];
// Colours that colour-blind readers tell apart, each at least 3:1 against its background.
const ON_WHITE = ["#0072B2", "#D55E00", "#00805D", "#B5478E", "#7A5C00", "#4D4D4D"];
const ON_BLACK = ["#56B4E9", "#FF8C42", "#2FBF98", "#E59AC4", "#F0E442", "#FFFFFF"];
// Viridis, from its dark end to its light one; a page takes the part that its background leaves.
const VIRIDIS = ["#440154", "#482475", "#414487", "#355F8D", "#2A788E", "#21908C", "#22A884", "#43BF71", "#7AD151", "#BBDF27", "#DDE318", "#FDE725"];
const MOST_LINES = 6;
const MOST_STRENGTHS = 12;
const CHOICES = ["network", "family", "measure", "compare", "x", "scale", "condition"];
const state = {};
const charts = {};

const numberOf = (value) => (value === "inf" ? Infinity : value === null ? NaN : value);
const told = (value) =>
  Number.isNaN(value) ? "none" : !Number.isFinite(value) ? "infinite" : String(Number(value.toPrecision(4)));
const network = () => data.networks.find((one) => one.name === state.network);
const familyOf = (name) => data.families.find((one) => one.name === name);
const family = () => familyOf(state.family);
const measure = () => data.measures.find((one) => one.name === state.measure);

// The network's conditions of the family, in order of strength: clean first, if it was measured.
const known = (name) => network().values[name] || network().accuracy[name];

function conditions(chosen = state.family) {
  return data.conditions
    .filter((one) => (one.family === chosen || one.clean) && known(one.name))
    .sort((a, b) => a.strength - b.strength);
}

// Recorded activations have families of their own.
function families() {
  const own = data.families.filter((entry) => data.conditions.some((one) => one.family === entry.name && known(one.name)));
  return own.length ? own : data.families;
}

function strengthTold(condition) {
  return condition.clean ? "clean" : `${familyOf(condition.family).symbol} = ${condition.strength}`;
}

// The share of draws on the floor, of a joint capacity. Near 1, the floor is all that it says.
const NEARLY_ALL = 0.95;

function floorShare(condition, place) {
  return state.measure === "joint_capacity" ? (network().floors[condition.name]?.[place] ?? undefined) : undefined;
}

const floorTold = (share) => (share >= NEARLY_ALL ? "on the floor" : share >= data.floor_share ? "partly floor" : "");

// One object for each layer and condition of the choice; `line` is the perturbation that a line is of.
function rows(chosen, layers, line = family().title) {
  const found = [];
  for (const condition of chosen) {
    const values = network().values[condition.name]?.[state.measure];
    const accuracy = network().accuracy[condition.name];
    if (!values) continue;
    network().layers.forEach((layer, place) => {
      if (!layers.includes(layer)) return;
      const [value, low, high] = values.map((column) => numberOf(column[place]));
      const floor = floorShare(condition, place);
      found.push({
        line,
        floor,
        floored: floor >= data.floor_share,
        network: state.network,
        family: condition.family,
        condition: condition.name,
        strength: condition.strength,
        told: strengthTold(condition),
        layer,
        place,
        measure: state.measure,
        value,
        low,
        high,
        accuracy: accuracy ? 100 * accuracy[0] : NaN,
        share: accuracy ? accuracy[0] : NaN,
        shown: [told(value), floorTold(floor)].filter(Boolean).join(", "),
        interval: `${told(low)} to ${told(high)}`,
      });
    });
  }
  return found;
}

// Controls

function options(select, entries, chosen) {
  select.replaceChildren(
    ...entries.map(([value, text, group]) => {
      const option = document.createElement("option");
      option.value = value;
      option.textContent = text;
      option.dataset.group = group ?? "";
      return option;
    }),
  );
  for (const name of new Set(entries.map((entry) => entry[2]).filter(Boolean))) {
    const group = document.createElement("optgroup");
    group.label = name;
    group.append(...[...select.options].filter((option) => option.dataset.group === name));
    select.append(group);
  }
  select.value = chosen;
}

function boxes(fieldset, entries, chosen, change, most) {
  const legend = fieldset.querySelector("legend");
  fieldset.replaceChildren(
    legend,
    ...entries.map(([value, text]) => {
      const label = document.createElement("label");
      const box = document.createElement("input");
      box.type = "checkbox";
      box.value = value;
      box.name = fieldset.id;
      box.checked = chosen.includes(value);
      box.addEventListener("change", change);
      box.disabled = !box.checked && chosen.length >= most;
      label.append(box, text);
      return label;
    }),
  );
}

const checked = (fieldset) =>
  [...fieldset.querySelectorAll("input:checked")].map((box) => box.value);

// Some of a list, evenly spaced, with its ends.
function spread(list, count) {
  if (list.length <= count) return [...list];
  const places = Array.from({ length: count }, (_, i) => Math.round((i * (list.length - 1)) / (count - 1)));
  return places.map((place) => list[place]);
}

// Keep of a wish what there is; with nothing left, the default.
function kept(wish, known, otherwise) {
  const found = known.filter((one) => (wish ?? []).includes(one));
  return found.length ? found : otherwise;
}

const toldOf = (chosen, all, most) => `${chosen.length} of ${all.length}${all.length > most ? ` (at most ${most})` : ""}`;

function choose(wish) {
  const one = (key, known) => (known.includes(wish[key]) ? wish[key] : known[0]);
  state.network = one("network", data.networks.map((entry) => entry.name));
  state.family = one("family", families().map((entry) => entry.name));
  state.measure = one("measure", data.measures.map((entry) => entry.name));
  const answers = Object.keys(network().accuracy).length > 0;
  at("x").querySelector("[value=accuracy]").disabled = !answers;
  const others = answers ? families().filter((entry) => entry.name !== state.family) : [];
  state.compare = one("compare", ["", ...others.map((entry) => entry.name)]);
  // Strengths of two perturbations have different units; what they cost in accuracy compares.
  at("x").querySelector("[value=strength]").disabled = Boolean(state.compare);
  state.x = state.compare ? "accuracy" : one("x", answers ? ["strength", "accuracy"] : ["strength"]);
  const positive = Object.values(network().values).every((values) => values[state.measure][0].every((value) => !(numberOf(value) <= 0)));
  at("scale").querySelector("[value=log]").disabled = !positive;
  state.scale = one("scale", positive ? ["linear", "log"] : ["linear"]);
  const names = conditions().map((entry) => entry.name);
  const measured = names.filter((name) => network().values[name]);
  state.strengths = kept(wish.strengths, measured, spread(measured, 5)).slice(0, MOST_STRENGTHS);
  const layers = network().layers;
  state.layers = kept(wish.layers, layers, spread(layers, 4)).slice(0, MOST_LINES);
  const pictured = names.filter((name) => network().images[name]);
  state.condition = pictured.includes(wish.condition) ? wish.condition : pictured.at(-1);
  options(at("network"), data.networks.map((entry) => [entry.name, entry.name]), state.network);
  options(at("family"), families().map((entry) => [entry.name, entry.title]), state.family);
  options(at("measure"), data.measures.map((entry) => [entry.name, entry.name.replaceAll("_", " "), entry.main ? "most used" : "more"]), state.measure);
  options(at("compare"), [["", "nothing"], ...others.map((entry) => [entry.name, entry.title])], state.compare);
  at("compare").disabled = !others.length;
  at("x").value = state.x;
  at("scale").value = state.scale;
  const labelled = (list) => list.map((name) => [name, strengthTold(data.conditions.find((c) => c.name === name))]);
  boxes(at("strengths"), labelled(measured), state.strengths, fromControls, MOST_STRENGTHS);
  boxes(at("layers"), layers.map((layer) => [layer, layer]), state.layers, fromControls, MOST_LINES);
  options(at("condition"), labelled(pictured), state.condition);
  at("strengths-told").textContent = toldOf(state.strengths, measured, MOST_STRENGTHS);
  at("layers-told").textContent = toldOf(state.layers, layers, MOST_LINES);
}

function fromControls(event) {
  const focused = event?.target;
  const wish = {};
  for (const key of CHOICES) wish[key] = at(key).value;
  // The last line stays: a chart without any says nothing.
  if (focused?.type === "checkbox" && !checked(focused.closest("fieldset")).length) focused.checked = true;
  // Another perturbation has other strengths, and another network may have other layers.
  if (focused?.id !== "family") wish.strengths = checked(at("strengths"));
  const other = data.networks.find((one) => one.name === wish.network);
  if (String(other.layers) === String(network().layers)) wish.layers = checked(at("layers"));
  show(wish);
  // A rebuilt list of boxes has lost the one that had the focus.
  if (focused?.type === "checkbox") {
    const again = [...document.querySelectorAll("fieldset input")].find(
      (box) => box.value === focused.value && focused.name === box.name,
    );
    again?.focus();
  }
}

// The choice in the page's address

function toHash() {
  const given = new URLSearchParams();
  for (const key of CHOICES) given.set(key, state[key] ?? "");
  for (const key of ["strengths", "layers"]) for (const one of state[key]) given.append(key, one);
  return `#${given}`;
}

function fromHash() {
  const given = new URLSearchParams(location.hash.slice(1));
  const wish = Object.fromEntries(given);
  for (const key of ["strengths", "layers"]) wish[key] = given.has(key) ? given.getAll(key) : undefined;
  return { ...wish, asked: true };
}

// Charts

function colours() {
  if (onPaper) return { ink: "#1b1b1b", line: "#d0d0d0" };
  const style = getComputedStyle(document.documentElement);
  return { ink: style.getPropertyValue("--ink").trim(), line: style.getPropertyValue("--line").trim() };
}

function config() {
  const { ink, line } = colours();
  const text = { labelColor: ink, titleColor: ink, labelFontSize: 12, titleFontSize: 12 };
  return {
    background: onPaper ? "#ffffff" : null,
    view: { stroke: line },
    axis: { ...text, gridColor: line, domainColor: line, tickColor: line, labelLimit: onPaper ? 0 : 130 },
    legend: { ...text, orient: "bottom", columns: innerWidth < 600 ? 2 : 4, labelLimit: onPaper ? 0 : 150, symbolFillColor: "transparent", symbolOpacity: 1, symbolStrokeWidth: 2, title: null },
    font: "system-ui, sans-serif",
  };
}

const TOLD = [
  { field: "layer", title: "layer" },
  { field: "told", title: "strength" },
  { field: "shown", title: "value" },
  { field: "interval", title: "95 % interval" },
  { field: "accuracy", title: "accuracy, %", format: ".1f" },
];

// How far an axis of the measure reaches: the values decide, and intervals have half of their range
// beside them. One wide interval would press all lines to the bottom. Undefined without a value.
function reach(values) {
  const log = state.scale === "log";
  const [to, back] = log ? [Math.log, Math.exp] : [(x) => x, (x) => x];
  const found = values.filter((row) => Number.isFinite(row.value));
  if (!found.length) return undefined;
  const ends = (key) => found.map((row) => (Number.isNaN(row[key]) ? row.value : row[key])).map((x) => (log ? to(Math.max(x, 0)) : x));
  const inside = found.map((row) => to(row.value));
  const [least, greatest] = [Math.min(...inside), Math.max(...inside)];
  const size = log ? 0.2 : 0.1 * Math.max(Math.abs(least), Math.abs(greatest));
  const room = 0.5 * Math.max(greatest - least, size) || 0.5;
  const low = Math.max(least - room, Math.min(...ends("low")));
  const high = Math.min(greatest + room, Math.max(...ends("high")));
  const edge = 0.04 * (high - low || room);
  return [back(low - edge), back(high + edge)];
}

const scaleOf = (domain) => ({ type: state.scale, domain, nice: false, ...(state.scale === "log" ? {} : { zero: false }) });
let onPaper = false; // while a chart is made to be taken away
const isDark = () => !onPaper && matchMedia("(prefers-color-scheme: dark)").matches;
const palette = () => (isDark() ? ON_BLACK : ON_WHITE);

// A colour and a mark for each name: as both know the same names in the same order, they share a legend.
function looks(field, names, range) {
  const repeated = names.map((_, place) => MARKS[place % MARKS.length]);
  return {
    color: { field, type: "nominal", scale: { domain: names, range } },
    opacity: { condition: { test: "datum.floored", value: 0.35 }, value: 1 },
    shape: { field, type: "nominal", scale: { domain: names, range: repeated } },
  };
}

function sequence(count) {
  const usable = isDark() ? VIRIDIS.slice(4) : VIRIDIS.slice(0, 7);
  return spread(Array.from({ length: 12 * usable.length }, (_, place) => usable[Math.floor(place / 12)]), Math.max(count, 2)).slice(0, count);
}

// What a chart can show. An interval that reaches beyond the axis runs out of the frame.
function drawable(values, domain) {
  const found = values.filter((row) => Number.isFinite(row.value));
  return found.map((row) => {
    if (Number.isNaN(row.low) || Number.isNaN(row.high)) return { ...row, low: row.value, high: row.value };
    const [low, high] = [Math.max(row.low, domain[0]), Math.min(row.high, domain[1])];
    return { ...row, low, high, beyond: low !== row.low || high !== row.high };
  });
}

function whole(values, spec) {
  return {
    $schema: "https://vega.github.io/schema/vega-lite/v6.json",
    width: "container",
    autosize: { type: "fit-x", contains: "padding" },
    data: { values },
    config: config(),
    ...(onPaper ? { title: paperTitle(spec.usermeta?.beside) } : {}),
    ...spec,
  };
}

// Away from the page, a figure says itself what it is of.
function paperTitle(other) {
  const lines = [""];
  for (const word of data.about.split(" ")) {
    if (lines.at(-1).length + word.length > 80) lines.push("");
    lines[lines.length - 1] += `${lines.at(-1) ? " " : ""}${word}`;
  }
  const { ink } = colours();
  const beside = other ? ` beside ${other}` : "";
  return { text: `${data.run}: ${state.network} under ${family().title}${beside}`, subtitle: lines, anchor: "start", color: ink, subtitleColor: ink, offset: 12 };
}

// Draw what `make` gives: the rows, the specification of a chart of them, and its description.
async function draw(id, make) {
  const { values, spec, label, domain, notes } = make();
  const usable = drawable(values, domain ?? [-Infinity, Infinity]);
  // Clean images stand in the lines of both perturbations that are compared, and count once.
  const once = (list) => [...new Map(list.map((row) => [JSON.stringify([row.condition, row.layer]), row])).values()];
  const [all, shown] = [once(values), once(usable)];
  const left = all.length - shown.length;
  const beyond = shown.filter((row) => row.beyond).length;
  const floored = shown.filter((row) => row.floored);
  const wholly = floored.filter((row) => row.floor >= NEARLY_ALL).length;
  at(`${id}-left`).textContent = [
    all.length ? "" : "Nothing is known of it for this network.",
    left ? `${left} of ${all.length} values are not shown: they are not known or infinite.` : "",
    beyond ? `${beyond} of ${shown.filter((row) => row.high > row.low || row.beyond).length} intervals reach beyond the axis; the table has their ends.` : "",
    floored.length ? `The floor, the number of classes over that of dimensions, holds up ${floored.length} of ${shown.length} values (${id === "map" ? "see the table" : "faint marks"}) in ${100 * data.floor_share} % of their draws or more.` : "",
    wholly ? `${wholly} of them lie on it in nearly all draws: nothing can lower those, so equal ones need not mean equal geometry.` : "",
    ...(notes ?? []),
  ]
    .filter(Boolean)
    .join(" ");
  at(`${id}-told`).textContent = "";
  charts[id] = charts[id] ?? {};
  Object.assign(charts[id], { values, usable, make });
  charts[id].turn = (charts[id].turn ?? 0) + 1;
  const turn = charts[id].turn;
  const place = document.createElement("div");
  place.style.width = "100%";
  for (const tool of at(id).nextElementSibling.querySelectorAll("button")) tool.disabled = !usable.length;
  charts[id].view?.finalize();
  charts[id].view = undefined;
  at(id).replaceChildren(place);
  if (!usable.length) return;
  const { view } = await vegaEmbed(place, whole(usable, spec), { renderer: "svg", actions: false, tooltip: { theme: isDark() ? "dark" : "light" } });
  if (turn !== charts[id].turn) return view.finalize();
  charts[id].view = view;
  // Where there is no mouse to rest on a point, a touch tells its numbers.
  view.addEventListener("click", (_, item) => {
    // A line or a band is one item of many points, of which it would tell the first.
    const single = ["symbol", "rule", "rect"].includes(item?.mark?.marktype) && item.datum?.told;
    at(`${id}-told`).textContent = single ? pointTold(item.datum) : "";
  });
  const drawn = place.querySelector("svg");
  drawn?.setAttribute("role", "img");
  drawn?.setAttribute("aria-label", label);
}

function pointTold(row) {
  const value = row.shown ?? `${told(row.value)} %`;
  const beside = Number.isFinite(row.accuracy) && row.shown ? `; accuracy ${told(row.accuracy)} %` : "";
  return `${[row.layer, row.line, row.told].filter(Boolean).join(", ")}: ${value} (${row.interval})${beside}`;
}

const quantity = () => measure().name.replaceAll("_", " ");
const inUnits = () => (measure().units === "1" ? quantity() : `${quantity()}, in ${measure().units}`);

function profile() {
  const chosen = conditions().filter((one) => state.strengths.includes(one.name));
  const narrow = { labelAngle: -90, labelFontSize: 10, labelLimit: onPaper ? 0 : 110 };
  const axis = innerWidth < 600 ? narrow : { labelAngle: -40 };
  const x = { field: "layer", type: "ordinal", scale: { domain: network().layers }, title: null, axis };
  const order = chosen.map(strengthTold);
  const { color, ...marks } = looks("told", order, sequence(order.length));
  const values = rows(chosen, network().layers);
  const domain = reach(values);
  const y = { field: "value", type: "quantitative", title: inUnits(), scale: scaleOf(domain) };
  const label = `${quantity()} along the layers of ${state.network}, a line for each of ${order.join(", ")}; the numbers are in the table below`;
  const spec = {
    height: 280,
    layer: [
      { mark: { type: "area", opacity: 0.18, clip: true }, encoding: { x, y: { ...y, field: "low" }, y2: { field: "high" }, color } },
      { mark: { type: "line" }, encoding: { x, y, color } },
      { mark: { type: "point", size: 45, strokeWidth: 1.5 }, encoding: { x, y, color, ...marks, tooltip: TOLD } },
    ],
  };
  return { values, spec, label, domain };
}

// Strength on an axis that has clean at its left end, however fine the grid is.
function strengthAxis() {
  const least = Math.min(...conditions().map((one) => one.strength).filter((one) => one > 0));
  const scale = { type: "symlog", constant: Number.isFinite(least) ? least : 1 };
  const values = conditions().map((one) => one.strength);
  return { field: "strength", type: "quantitative", scale, title: [`${family().symbol} of ${family().title}, not evenly spaced:`, family().description], axis: { values, labelOverlap: true, format: ".4~g", titleLimit: onPaper ? 0 : 320 } };
}

function curve() {
  const beside = state.compare ? familyOf(state.compare).title : null;
  const label = `${quantity()} of ${state.layers.join(", ")} against ${state.x}${beside ? ` under ${family().title} and ${beside}` : ""}; the numbers are in the table below`;
  const x = state.x === "strength" ? strengthAxis() : { field: "accuracy", type: "quantitative", title: "accuracy of the network, %", scale: { zero: false, reverse: true } };
  const values = rows(conditions(), state.layers);
  if (beside) values.push(...rows(conditions(state.compare), state.layers, beside));
  const domain = reach(values);
  const y = { field: "value", type: "quantitative", title: inUnits(), scale: scaleOf(domain) };
  const { color, ...marks } = looks("layer", state.layers, palette().slice(0, state.layers.length));
  const lines = [family().title, beside].filter(Boolean);
  const strokeDash = { field: "line", type: "nominal", scale: { domain: lines, range: [[1, 0], [6, 4]].slice(0, lines.length) }, legend: beside ? {} : null };
  const tooltip = beside ? [{ field: "line", title: "perturbation" }, ...TOLD] : TOLD;
  const spec = {
    height: 280,
    usermeta: { beside },
    layer: [
      { mark: { type: "rule", opacity: 0.6, clip: true }, encoding: { x, y: { ...y, field: "low" }, y2: { field: "high" }, color } },
      { mark: { type: "line" }, encoding: { x, y, color, strokeDash, order: { field: "strength" } } },
      { mark: { type: "point", size: 50, strokeWidth: 1.5 }, encoding: { x, y, color, ...marks, tooltip } },
    ],
  };
  const notes = state.x === "accuracy" ? [countsTold([...conditions(), ...(beside ? conditions(state.compare) : [])])] : [];
  return { values, spec, label, domain, notes };
}

// A clean accuracy may be of more images than the others.
function countsTold(chosen) {
  const count = (clean) => [...new Set(chosen.filter((one) => one.clean === clean && network().accuracy[one.name]).map((one) => network().accuracy[one.name][3]))];
  const [clean, perturbed] = [count(true), count(false)];
  if (!clean.length || !perturbed.length || String(clean) === String(perturbed)) return "";
  return `The accuracy on clean images is of ${clean.join(" or ")} images, that under perturbations of ${perturbed.join(" or ")}.`;
}

function map() {
  const chosen = conditions();
  const sort = network().layers;
  const label = `${quantity()} in every layer under every strength; the numbers are in the table below`;
  const values = rows(chosen, sort);
  const found = values.map((row) => row.value).filter(Number.isFinite);
  const [least, greatest] = [Math.min(...found), Math.max(...found)];
  const middle = state.scale === "log" ? Math.sqrt(least * greatest) : (least + greatest) / 2;
  const ends = greatest > least ? [least, middle, greatest] : [least];
  const spec = {
    height: 15 * sort.length,
    mark: { type: "rect" },
    encoding: {
      x: { field: "told", type: "ordinal", scale: { domain: chosen.map(strengthTold) }, title: null, axis: { labelAngle: -40 } },
      y: { field: "layer", type: "ordinal", scale: { domain: sort }, title: null },
      color: { field: "value", type: "quantitative", scale: { ...scaleOf([least, greatest]), scheme: "viridis" }, legend: { title: inUnits(), gradientLength: 180, values: ends, format: ".3~r" } },
      tooltip: TOLD,
    },
  };
  return { values, spec, label };
}

function accuracies() {
  const values = conditions().filter((one) => network().accuracy[one.name]).map((one) => {
    const [value, low, high, n] = network().accuracy[one.name];
    const exact = { value, low, high };
    return { exact, share: value, network: state.network, family: one.family, condition: one.name, strength: one.strength, told: strengthTold(one), layer: "", measure: "accuracy", value: 100 * value, low: 100 * low, high: 100 * high, accuracy: 100 * value, n, interval: `${told(100 * low)} to ${told(100 * high)}` };
  });
  const x = strengthAxis();
  const y = { field: "value", type: "quantitative", title: "accuracy, %", scale: { domain: [0, 100] } };
  const color = { value: palette()[0] };
  const tooltip = [{ field: "told", title: "strength" }, { field: "value", title: "accuracy, %", format: ".1f" }, { field: "interval", title: "95 % interval" }, { field: "n", title: "images" }];
  const label = `accuracy of ${state.network} against strength, from ${values.map((row) => `${told(row.value)} % at ${row.told}`).join(", ")}`;
  const spec = {
    height: 280,
    layer: [
      { mark: { type: "rule" }, encoding: { x, y: { ...y, field: "low" }, y2: { field: "high" }, color } },
      { mark: { type: "line" }, encoding: { x, y, color } },
      { mark: { type: "point", filled: true, size: 50 }, encoding: { x, y, color, tooltip } },
    ],
  };
  return { values, spec, label, notes: [countsTold(conditions())] };
}

// Images and numbers

function showImages() {
  const pictured = network().images[state.condition];
  at("images").replaceChildren();
  at("images-told").textContent = "";
  if (!pictured) {
    at("answers").textContent = "No images are kept under this perturbation.";
    return;
  }
  const wrong = pictured.predicted.filter((name, place) => name !== pictured.truth[place]).length;
  const condition = data.conditions.find((one) => one.name === state.condition);
  const accuracy = network().accuracy[state.condition];
  at("answers").textContent =
    `One image of each of ${pictured.truth.length} ${pictured.exemplars ? "exemplars" : "classes"}, ${strengthTold(condition)}: ${wrong} of ${pictured.truth.length} taken for another class` +
    (accuracy ? `; accuracy on ${accuracy[3]} test images ${told(100 * accuracy[0])} %` : "");
  // The same images without the perturbation stand above.
  const clean = data.conditions.find((one) => one.clean && network().images[one.name]);
  const before = clean && clean.name !== state.condition ? network().images[clean.name] : undefined;
  const above = before && String(before.truth) === String(pictured.truth) ? before : undefined;
  at("images-told").textContent = above ? "Above each: the same image, clean." : "";
  const size = pictured.size;
  const canvases = pictured.truth.map((truth, place) => {
    const item = document.createElement("li");
    const canvas = document.createElement("canvas");
    canvas.width = size;
    canvas.height = above ? 2 * size : size;
    if (above) canvas.className = "tall";
    canvas.setAttribute("role", "img");
    const predicted = pictured.predicted[place];
    const right = predicted === truth;
    item.className = right ? "right" : "wrong";
    canvas.setAttribute("aria-label", `an image of ${truth}, taken for ${predicted}`);
    const words = document.createElement("span");
    words.textContent = right ? `✓ ${truth}` : `✗ ${truth}, taken for ${predicted}`;
    item.append(canvas, words);
    at("images").append(item);
    return canvas;
  });
  const paint = (source, row) => {
    const strip = new Image();
    strip.onload = () =>
      canvases.forEach((canvas, place) => canvas.getContext("2d").drawImage(strip, place * size, 0, size, size, 0, row * size, size, size));
    strip.src = source.strip;
  };
  if (above) paint(above, 0);
  paint(pictured, above ? 1 : 0);
}

function showTable() {
  const chosen = conditions().filter((one) => network().values[one.name]);
  const cell = (tag, text) => {
    const made = document.createElement(tag);
    made.textContent = text;
    return made;
  };
  const head = document.createElement("tr");
  const corner = cell("th", quantity());
  head.append(corner, ...chosen.map((one) => cell("th", strengthTold(one))));
  for (const one of head.children) one.scope = "col";
  const answers = document.createElement("tr");
  const answered = cell("th", "accuracy of the network, %");
  answered.scope = "row";
  answers.append(
    answered,
    ...chosen.map((one) => {
      const [value, low, high] = (network().accuracy[one.name] ?? []).map((share) => 100 * share);
      const entry = cell("td", value === undefined ? "" : told(value));
      if (value !== undefined) entry.append(" ", cell("small", `${told(low)} to ${told(high)}`));
      return entry;
    }),
  );
  const body = network().layers.map((layer, place) => {
    const line = document.createElement("tr");
    const name = cell("th", layer);
    name.scope = "row";
    line.append(name);
    for (const one of chosen) {
      const [value, low, high] = network().values[one.name][state.measure].map((column) => numberOf(column[place]));
      const entry = cell("td", told(value));
      entry.dataset.value = String(value);
      if (!Number.isNaN(low) && !Number.isNaN(high)) {
        entry.append(" ", cell("small", `${told(low)} to ${Number.isFinite(high) ? told(high) : "∞"}`));
      }
      const floor = floorTold(floorShare(one, place));
      if (floor) entry.append(" ", cell("small", floor));
      line.append(entry);
    }
    return line;
  });
  const top = document.createElement("thead");
  const rest = document.createElement("tbody");
  top.append(head);
  if (Object.keys(network().accuracy).length) top.append(answers);
  rest.append(...body);
  at("table").replaceChildren(top, rest);
}

// What is taken away

// As in the tables: an accuracy is a share here.
const COLUMNS = ["run", "network", "family", "condition", "strength", "layer", "measure", "units", "value", "low", "high", "floor_share", "accuracy"];
const taken = (row) => ({ ...row, run: data.run, units: row.exact ? "1" : measure().units, floor_share: row.floor, accuracy: row.share, ...row.exact });

// A spreadsheet takes a text with such a beginning for a formula; an apostrophe says that it is none.
function csvCell(value) {
  if (typeof value === "number") return Number.isNaN(value) ? "" : !Number.isFinite(value) ? "inf" : String(value);
  const text = /^[=+\-@\t\r\n＝＋－＠']/.test(value) ? `'${value}` : value;
  return /[",\n\r]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}

function save(name, content, type) {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(new Blob([content], { type }));
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 1000);
}

// A chart as it is on white paper, whatever the screen's colours are.
async function paper(chart) {
  const { make, usable } = charts[chart.id];
  onPaper = true;
  const spec = { ...whole(usable, make().spec), width: chart.clientWidth };
  onPaper = false;
  const place = document.createElement("div");
  const { view } = await vegaEmbed(place, spec, { renderer: "none", actions: false });
  const text = await view.toSVG();
  view.finalize();
  return text;
}

function addTools() {
  for (const chart of document.querySelectorAll(".chart")) {
    const tools = document.createElement("div");
    tools.className = "tools";
    const name = () => {
      const parts = [data.run, state.network, state.family, chart.id === "curve" ? state.compare : "", chart.id === "accuracy" ? "" : state.measure, chart.id];
      return parts.filter(Boolean).join("-").replace(/[^\w.-]+/g, "_");
    };
    const csv = document.createElement("button");
    csv.type = "button";
    csv.textContent = "CSV";
    csv.setAttribute("aria-label", `Download the numbers of this figure (${chart.id}) as CSV`);
    csv.addEventListener("click", () => {
      const lines = charts[chart.id].values.map(taken).map((row) => COLUMNS.map((key) => csvCell(row[key] ?? "")).join(","));
      // Clean images stand in the lines of both perturbations that are compared.
      save(`${name()}.csv`, [COLUMNS.join(","), ...new Set(lines), ""].join("\n"), "text/csv");
    });
    const svg = document.createElement("button");
    svg.type = "button";
    svg.textContent = "SVG";
    svg.setAttribute("aria-label", `Download this figure (${chart.id}) as SVG`);
    svg.addEventListener("click", async () => save(`${name()}.svg`, await paper(chart), "image/svg+xml"));
    tools.append(csv, svg);
    const left = document.createElement("p");
    left.id = `${chart.id}-left`;
    left.className = "note";
    const touched = document.createElement("p");
    touched.id = `${chart.id}-told`;
    touched.setAttribute("role", "status");
    chart.after(tools, touched, left);
  }
}

// All of it

async function show(wish) {
  choose(wish);
  const missed = CHOICES.filter((key) => wish[key] && wish[key] !== state[key]).map((key) => wish[key]);
  for (const key of ["strengths", "layers"]) missed.push(...(wish[key] ?? []).filter((one) => !state[key].includes(one)));
  at("said").textContent = wish.asked && missed.length ? `Not to be had here, from the link: ${missed.join(", ")}.` : "";
  try {
    history.replaceState(null, "", toHash());
  } catch {
    // In a page within another one, as in the report, the address can't hold the choice.
  }
  const label = measure().label;
  at("meaning").textContent = `${label[0].toUpperCase()}${label.slice(1)}. ${measure().equation}.`;
  at("x-told").textContent = state.x;
  showImages();
  showTable();
  await Promise.all([draw("profile", profile), draw("curve", curve), draw("map", map), draw("accuracy", accuracies)]);
  document.body.dataset.drawn = String(Number(document.body.dataset.drawn ?? 0) + 1);
}

at("run").textContent = data.run;
at("about").textContent = data.about;
document.title = `${data.run}: explore`;
addTools();
for (const key of CHOICES) at(key).addEventListener("change", fromControls);
at("controls").addEventListener("submit", (event) => event.preventDefault());
at("link").addEventListener("click", async () => {
  try {
    await navigator.clipboard.writeText(location.href);
    const kept = location.protocol === "file:" ? " It opens where this file lies." : "";
    at("said").textContent = `Copied.${kept}`;
  } catch {
    at("said").textContent = "The address bar holds the link.";
  }
});
matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => show({ ...state }));
addEventListener("hashchange", () => show(fromHash()));
await show(fromHash());
