// --- the viewer: what is shown, large, one after the other, with all that is known of it

let viewable = [], at = 0;

const seen_files = (record) => { const media = files_of(record).filter(is_media); return media.length ? media : [null]; };

function open(record, file) {
  viewable = shown.flatMap((other) => seen_files(other).map((one) => [other, one]));
  const wanted = file || seen_files(record)[0];
  at = viewable.findIndex(([other, one]) => other === record && one === wanted);
  view();
  show_dialog($("box"));
}

function view() {
  const [record, file] = viewable[at];
  $("view").replaceChildren(large(record, file));
  redraw($("box"), () => $("about").replaceChildren(...about(record)));
  $("about").scrollTop = 0;
  $("back").disabled = at === 0;
  $("forth").disabled = at === viewable.length - 1;
}

function about(record) {
  const place = filled(words.place, { at: number(at + 1), all: number(viewable.length) });
  const picks = el("label", "", pick_box(record), words.pick);
  const marking = button(words.compare, () => { mark(record); if (!marked) return; say(words.choose_second); $("box").close(); }, "chip");
  const state = el("span", "state", named("states", record.state));
  state.dataset.state = record.state;
  const top = el("div", "actions", el("span", "soft", place), state, picks, marking, ...copies(record));
  const error = record.error && !stage_tells(record) ? problem(record) : null;
  return [top, untrusted("p", record.prompt || "", "prompt"), error, inputs(record, 99), details(record)].filter(Boolean);
}

function details(record) {
  const error = record.error || {}, list = el("dl");
  const add = (name, value) => {
    if (value === undefined || value === null || value === "") return;
    const text = typeof value === "object" ? (value instanceof Node ? value : JSON.stringify(value)) : String(value);
    list.append(untrusted("dt", name), el("dd", "untrusted", text));
  };
  add(words.kind, named("kinds", record.kind));
  add(words.model, record.model);
  add(words.price, price(record));
  add(words.time_one, took(record));
  add(words.size, measure(record));
  if (!(record.request || {}).seed) add(words.seed, record.seed);
  add(words.made_at, record.created_at_s && moment(record.created_at_s));
  for (const [name, value] of Object.entries(record.request || {})) add(name, value);
  for (const name of ["code", "message", "advice", "wire_code", "request_id", "task_id"]) add(name, error[name]);
  for (const file of files_of(record)) add(words.file, file_row(file));
  add(words.command, command_of(record));
  return list;
}

function step(by) {
  if (viewable[at + by]) { at += by; view(); }
}

// Arrows belong to a player that has the keyboard: there they wind.
const winds = (event) => ["VIDEO", "AUDIO"].includes(event.target.tagName);

function viewer() {
  for (const [id, label, press] of [["close", words.close, () => $("box").close()],
    ["back", words.back, () => step(-1)], ["forth", words.forth, () => step(1)]]) {
    named_so($(id), label);
    $(id).addEventListener("click", press);
  }
  $("box").setAttribute("aria-label", words.viewer);
  $("box").addEventListener("keydown", (event) => {
    if (winds(event)) return;
    if (event.key === "ArrowLeft") step(-1);
    if (event.key === "ArrowRight") step(1);
    if (event.key === "x") pick(viewable[at][0]);
  });
  $("box").addEventListener("click", (event) => {
    if (event.target === $("view") || event.target === $("box")) $("box").close();
  });
  $("box").addEventListener("close", () => $("view").replaceChildren()); // what plays is over
}
