// --- the page's head: totals and filters

const filter = { kind: "", state: "", error: "", model: "", q: "", sort: "", only: "", by: "" };
const NARROWING = ["kind", "state", "error", "model", "q", "only"];

function head() {
  const span = [sums.first_at_s, sums.last_at_s].map((at_s) => new Date(at_s * 1000));
  $("when").textContent = sums.first_at_s ? moments.formatRange(...span) : "";
  $("sandbox").hidden = !sums.sandbox;
  const some = { n: number(sums.sandbox), all: number(sums.jobs) };
  $("sandbox").textContent = sums.sandbox === sums.jobs ? words.all_sandbox : filled(words.some_sandbox, some);
  const figure = (value, label, state) => {
    const made = el("li", "", el("strong", "", value), el("span", "", label));
    if (state) made.dataset.state = state;
    return made;
  };
  $("totals").append(figure(number(sums.jobs), words.jobs));
  for (const [state, count] of Object.entries(sums.states)) {
    $("totals").append(figure(number(count), named("states", state), state));
    const part = el("i");
    part.dataset.state = state;
    part.style.flexGrow = count;
    $("bar").append(part);
  }
  $("bar").hidden = Object.keys(sums.states).length < 2;
  if (sums.cost_cny !== null) $("totals").append(figure(money(sums.cost_cny), words.cost));
  if (sums.took_s) $("totals").append(figure(duration(sums.took_s), words.time));
}

function counted(of) {
  const counts = new Map();
  for (const record of records) if (of(record)) counts.set(of(record), (counts.get(of(record)) || 0) + 1);
  return counts;
}

function chips(field, label, counts, name) {
  if (counts.size < 2 && !(field === "error" && counts.size)) return;
  const group = el("div", "chips", el("b", "", label));
  group.setAttribute("role", "group");
  group.setAttribute("aria-label", label);
  for (const [value, count] of counts) {
    const toggle = () => change({ [field]: filter[field] === value ? "" : value });
    const chip = button("", toggle, "chip");
    chip.append(untrusted("span", name(value)), el("small", "", number(count)));
    chip.dataset.filter = field;
    chip.dataset.value = value;
    if (field === "state") chip.dataset.state = value;
    group.append(chip);
  }
  $("chips").append(group);
}

function choices(select, label, pairs) {
  select.setAttribute("aria-label", label);
  for (const [value, text] of pairs) {
    const option = el("option", "", text);
    option.value = value;
    select.append(option);
  }
}

function tools() {
  chips("kind", words.kind, counted((record) => record.kind), (kind) => named("kinds", kind));
  chips("state", words.state, new Map(Object.entries(sums.states)), (state) => named("states", state));
  chips("error", words.error, new Map(Object.entries(sums.failed)), (code) => code);
  const models = [...counted((record) => record.model)];
  const options = models.map(([model, count]) => [model, `${model} (${number(count)})`]);
  choices($("model"), words.model, [["", words.all_models], ...options]);
  $("model").hidden = models.length < 2;
  choices($("sort"), words.sort, Object.entries(words.sorts));
  $("by_model").textContent = words.by_model;
  $("by_model").hidden = !filter.by;
  if (models.length > 1) setTimeout(() => { $("by_model").hidden = !groups_of(records).length; }); // after the first cards
  $("by_model").addEventListener("click", () => change({ by: filter.by ? "" : "model" }));
  $("search").placeholder = words.search;
  $("search").setAttribute("aria-label", words.search);
  $("grid").setAttribute("aria-label", words.results);
  $("model").addEventListener("change", () => change({ model: $("model").value }));
  $("sort").addEventListener("change", () => change({ sort: $("sort").value }));
  let typing = 0;
  $("search").addEventListener("input", () => {
    clearTimeout(typing);
    typing = setTimeout(() => change({ q: $("search").value }), 120);
  });
}

// --- which records, in which order

function read_address() {
  const asked = new URLSearchParams(location.hash.slice(1));
  for (const field of Object.keys(filter)) filter[field] = asked.get(field) || "";
}

function write_address() {
  const asked = new URLSearchParams(Object.entries(filter).filter(([, value]) => value));
  if (picks_in_address) asked.set("picked", picks_in_address);
  history.replaceState(null, "", `#${asked}`);
}

function change(fields) {
  Object.assign(filter, fields);
  write_address();
  show();
  picks_bar();
  if (grid_top() < 0) document.querySelector("main").scrollIntoView();
}

function haystack(record) {
  if (record.haystack === undefined) {
    const names = [...files_of(record), ...inputs_of(record)].map((file) => file.name);
    const texts = [record.prompt, record.model, record.label, record.where, record.sources, record.job, named_error(record), ...names];
    record.haystack = texts.filter(Boolean).join("\n").toLowerCase();
  }
  return record.haystack;
}

const orders = {
  newest: (a, b) => (b.created_at_s || 0) - (a.created_at_s || 0),
  dearest: (a, b) => (b.cost_cny || 0) - (a.cost_cny || 0),
  slowest: (a, b) => (b.took_s || 0) - (a.took_s || 0),
  troubled: (a, b) => rank(a) - rank(b),
};
const rank = (record) => ["failed", "held", "running", "waiting", "unsent", "done"].indexOf(record.state);

function show() {
  const query = filter.q.trim().toLowerCase();
  shown = records.filter((record) =>
    (!filter.kind || record.kind === filter.kind) && (!filter.state || record.state === filter.state) &&
    (!filter.model || record.model === filter.model) && (!filter.error || named_error(record) === filter.error) &&
    (!filter.only || picked.has(record.key)) && (!query || haystack(record).includes(query)));
  if (Object.hasOwn(orders, filter.sort)) shown.sort(orders[filter.sort]);
  for (const chip of document.querySelectorAll("[data-filter]"))
    chip.setAttribute("aria-pressed", filter[chip.dataset.filter] === chip.dataset.value);
  $("by_model").setAttribute("aria-pressed", filter.by !== "");
  $("model").value = filter.model;
  $("sort").value = Object.hasOwn(orders, filter.sort) ? filter.sort : "";
  if ($("search").value !== filter.q) $("search").value = filter.q;
  lay_out();
  count();
}

function count() {
  const narrowed = filter.by || NARROWING.some((field) => filter[field]);
  const clear_all = () => change({ by: "", ...Object.fromEntries(NARROWING.map((field) => [field, ""])) });
  $("count").replaceChildren();
  if (!records.length) $("count").append(words.no_jobs);
  const some = { shown: number(records.length), all: number(sums.jobs) };
  if (records.length < sums.jobs) $("count").append(filled(words.left_out, some) + " ");
  if (!narrowed) return;
  const text = shown.length ? filled(words.shown, { shown: number(shown.length), all: number(records.length) }) : words.none;
  $("count").append(text, " · ", button(words.show_all, clear_all, "quiet"));
}
