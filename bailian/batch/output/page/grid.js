// --- the grid: rows of one height, of which only those near the screen are in the document

const CARD_PX = 272, GAP_PX = 22;
const MARGIN_SCREENS = 1;
let shown = [], rows = [], columns = 1, row_px = 0;
const drawn = new Map();

const grid_top = () => $("grid").getBoundingClientRect().top;

function lay_out() {
  const width = $("grid").clientWidth;
  columns = Math.max(1, Math.floor((width + GAP_PX) / (CARD_PX + GAP_PX)));
  rows = filter.by ? groups_of(shown) : [];
  if (!filter.by) for (let at = 0; at < shown.length; at += columns) rows.push(shown.slice(at, at + columns));
  if (filter.by) shown = rows.flat();
  let at = 0;
  rows = rows.map((cards) => ({ cards, at: (at += cards.length) - cards.length }));
  clear();
  $("grid").style.setProperty("--columns", columns);
  $("grid").style.setProperty("--card_width", `${(width - (columns - 1) * GAP_PX) / columns}px`);
  $("grid").classList.remove("measured");
  row_px = rows.length ? row(0).offsetHeight + GAP_PX : 0;
  $("grid").style.setProperty("--row", `${row_px - GAP_PX}px`);
  $("grid").classList.toggle("measured", row_px > 0);
  $("grid").style.height = `${rows.length * row_px}px`;
  draw();
}

function clear() {
  drawn.clear();
  $("grid").replaceChildren();
}

function row(index) {
  if (drawn.has(index)) return drawn.get(index);
  const { cards, at } = rows[index];
  const made = el("div", filter.by ? "row group" : "row", ...cards.map((record, column) => card(record, at + column)));
  const whole = filter.by ? el("section", "", group_head(cards), made) : made;
  whole.classList.add("placed");
  whole.style.top = `${index * row_px}px`;
  drawn.set(index, whole);
  const next = Math.min(...[...drawn.keys()].filter((other) => other > index));
  $("grid").insertBefore(whole, drawn.get(next) || null); // the order of the keyboard
  return whole;
}

// A row in which something plays, or which has the keyboard, stays, however far away it is.
const in_use = (made) => made.contains(document.activeElement) || [...made.querySelectorAll("video, audio")].some((one) => !one.paused);

function draw() {
  if (!row_px) return;
  const seen_px = -grid_top(), screen_px = innerHeight;
  const first = Math.max(0, Math.floor((seen_px - MARGIN_SCREENS * screen_px) / row_px));
  const last = Math.min(rows.length - 1, Math.floor((seen_px + (1 + MARGIN_SCREENS) * screen_px) / row_px));
  for (const [index, made] of drawn) {
    if ((index >= first && index <= last) || in_use(made)) continue;
    made.remove();
    drawn.delete(index);
  }
  const [top, bottom] = [Math.floor(seen_px / row_px), Math.floor((seen_px + screen_px) / row_px)];
  for (let index = Math.max(first, top); index <= Math.min(last, bottom); index++) row(index);
  // What is not seen yet comes a row a frame, so that no frame is long.
  for (let index = first; index <= last; index++) {
    if (drawn.has(index)) continue;
    row(index);
    return draw_soon();
  }
}

let waiting = false;
function draw_soon() {
  if (waiting) return;
  waiting = true;
  requestAnimationFrame(() => { waiting = false; draw(); });
}

const row_of = (at) => (filter.by ? rows.findIndex((one) => at < one.at + one.cards.length) : Math.floor(at / columns));

// The arrow keys go from card to card, also to those that are not drawn yet.
function move_focus(at, key) {
  const steps = { ArrowRight: 1, ArrowLeft: -1, ArrowDown: columns, ArrowUp: -columns };
  let to = Object.hasOwn(steps, key) ? at + steps[key] : { Home: 0, End: shown.length - 1 }[key];
  if (filter.by && (key === "ArrowDown" || key === "ArrowUp")) to = (rows[row_of(at) + Math.sign(steps[key])] || {}).at;
  if (to === undefined || !shown[to]) return false;
  const made = row(row_of(to)).querySelector(`[data-at="${to}"]`);
  made.focus({ preventScroll: true });
  made.scrollIntoView({ block: "nearest" });
  return true;
}

function grid() {
  addEventListener("scroll", draw_soon, { passive: true });
  let width = 0;
  new ResizeObserver(() => {
    if ($("grid").clientWidth === width) return draw();
    const first = row_px && grid_top() < 0 ? (rows[Math.floor(-grid_top() / row_px)] || {}).at || 0 : null;
    const changed = width !== 0;
    width = $("grid").clientWidth;
    if (!changed) return;
    lay_out();
    if (first !== null) scrollBy(0, grid_top() + row_of(first) * row_px);
  }).observe($("grid"));
  addEventListener("resize", draw);
}

// --- rows that differ in nothing but their model

const model_count = (group) => new Set(group.map((record) => record.model)).size;

function by(field, of) {
  const found = new Map();
  for (const record of of) {
    if (!found.has(record[field])) found.set(record[field], []);
    found.get(record[field]).push(record);
  }
  return [...found.values()];
}

// Sizes and the like differ by what each model does when nothing is said: they count only where a model stands twice.
function groups_of(of) {
  const several = by("asked", of).flatMap((group) => (model_count(group) === group.length ? [group] : by("same", group)));
  return several.filter((group) => model_count(group) > 1);
}

function group_head(cards) {
  const prompt = untrusted("h2", (cards[0].prompt || cards[0].label || "").slice(0, PROMPT_CHARS));
  const best = (label, of) => {
    const known = cards.filter((record) => record.state === "done" && of(record) !== undefined);
    if (known.length < 2) return null;
    return untrusted("span", `${label} ${known.reduce((a, b) => (of(b) < of(a) ? b : a)).model}`);
  };
  const cheapest = best(words.cheapest, (record) => record.cost_cny), fastest = best(words.fastest, (record) => record.took_s);
  return el("header", "facts", prompt, cheapest, fastest);
}
