// --- one card

// A card shows a few lines; the dialog has all of it.
const PROMPT_CHARS = 400, TEXT_CHARS = 900;
const ACTIVE_KEYS = { Enter: (record) => open(record), x: (record) => pick(record), c: (record) => mark(record) };

function card(record, at) {
  const looks = picked.has(record.key) ? "card chosen" : "card";
  const made = el("article", looks, stage(record), pick_box(record), caption(record));
  made.dataset.state = record.state;
  made.dataset.at = at;
  made.tabIndex = 0;
  made.setAttribute("aria-posinset", at + 1);
  made.setAttribute("aria-setsize", shown.length);
  made.setAttribute("aria-label", [record.prompt, record.model, named("states", record.state)].filter(Boolean).join(", ").slice(0, 200));
  made.addEventListener("keydown", (event) => {
    if (event.target !== made || event.ctrlKey || event.metaKey || event.altKey) return;
    const act = ACTIVE_KEYS[event.key.length === 1 ? event.key.toLowerCase() : event.key];
    if (!act && !move_focus(at, event.key)) return;
    event.preventDefault();
    if (act) act(record);
  });
  return made;
}

function stage(record) {
  const given = inputs(record, 3), result = outcome(record);
  return given ? el("div", "stage beside", given, result) : el("div", "stage", result);
}

function outcome(record) {
  if (stage_tells(record)) return problem(record);
  const media = files_of(record).filter(is_media);
  if (media.length === 1) return tile(media[0], (file) => open(record, file));
  if (media.length) return mosaic(record, media);
  if (record.text) return reader(record);
  return nothing_to_see(record);
}

function mosaic(record, media) {
  const first = media.slice(0, 4).map((file) => tile(file, (one) => open(record, one)));
  if (media.length > 4) first[3].append(el("b", "", `+${media.length - 4}`));
  const flat = media.length === 2 && media.every((file) => file.width_px > file.height_px);
  return el("div", flat ? "mosaic rows" : "mosaic", ...first);
}

function reader(record) {
  return el("div", "reader", el("pre", "", record.text.slice(0, TEXT_CHARS)), button(words.expand, () => open(record), "chip"));
}

function caption(record) {
  const state = el("span", "state", named("states", record.state));
  const source = record.sources ? `← ${record.sources}` : "";
  // A file's own row is placed by its label.
  const label = record.where && record.where.startsWith(record.label) ? "" : record.label;
  const place = [label, record.where, source].filter(Boolean).join(" · ");
  const badge = record.sandbox ? el("span", "badge", words.sandbox) : "";
  const line = el("div", "place", untrusted("span", place), badge, record.state === "done" ? "" : state);
  const prompt = untrusted("p", (record.prompt || "").slice(0, PROMPT_CHARS), "prompt");
  return el("div", "caption", line, prompt, trouble(record), ...links(record), facts(record), actions(record));
}

function trouble(record) {
  const error = record.error;
  if (!error || stage_tells(record)) return "";
  return untrusted("p", error.message || error.code, "trouble");
}

function links(record) {
  const other = files_of(record).filter((file) => !file.note && file.shape !== "picture").slice(0, 1);
  return other.map((file) => el("div", "file", link(file, file.name)));
}

function facts(record) {
  const seed = record.seed === undefined ? "" : `${words.seed} ${record.seed}`;
  const time = record.took_s === undefined ? "" : filled(words.took, { time: took(record) });
  const cost = record.sandbox ? "" : price(record);
  const known = [record.model, measure(record), lasts(record), seed, cost, time].filter(Boolean);
  return el("div", "facts", ...known.map((fact) => untrusted("span", fact)));
}

// What cost nothing does not begin to cost because it is made again.
function command_of(record) {
  if (!record.job) return "";
  return filled(words.again, { id: record.job }) + (record.sandbox ? " --sandbox" : "");
}

function copies(record) {
  const command = command_of(record);
  return [
    record.prompt ? button(words.prompt, () => copy(record.prompt), "quiet copy", words.copy_prompt) : null,
    command ? button(words.command, () => copy(command), "quiet copy", `${words.copy_command}: ${command}`) : null,
  ];
}

function actions(record) {
  const compared = button(words.compare, () => mark(record), "quiet", words.compare_key);
  compared.dataset.compare = record.key;
  compared.setAttribute("aria-pressed", marked === record);
  return el("div", "actions", button(words.details, () => open(record), "quiet", words.details_key), compared, ...copies(record));
}
