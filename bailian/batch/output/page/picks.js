// --- what is picked: kept in the browser under the page's own address, else in the address itself

const PICKS = `bailian-gallery ${location.pathname}`;
const picked = new Set();

function read_picks() {
  let kept = new URLSearchParams(location.hash.slice(1)).get("picked");
  try {
    kept = localStorage.getItem(PICKS) || kept;
  } catch { /* the browser keeps nothing for this page */ }
  for (const key of (kept || "").split(" ")) if (key) picked.add(key);
}

function keep_picks() {
  const kept = [...picked].join(" ");
  try {
    localStorage.setItem(PICKS, kept);
  } catch {
    picks_in_address = kept;
  }
}

let picks_in_address = "";

function pick(record, on) {
  if (on === undefined ? !picked.has(record.key) : on) picked.add(record.key);
  else picked.delete(record.key);
  picks_changed();
}

function picks_changed() {
  keep_picks();
  write_address();
  picks_bar();
  for (const box of document.querySelectorAll("input.pick")) {
    box.checked = picked.has(box.value);
    if (box.parentElement.matches(".card")) box.parentElement.classList.toggle("chosen", box.checked);
  }
  if (filter.only) show();
}

function pick_box(record) {
  const box = el("input", "pick");
  box.type = "checkbox";
  box.value = record.key;
  box.checked = picked.has(box.value);
  named_so(box, words.pick_key);
  box.addEventListener("change", () => pick(record, box.checked));
  return box;
}

const picked_records = () => records.filter((record) => picked.has(record.key));

function picks_bar() {
  const bar = $("picks"), chosen = picked_records();
  bar.hidden = !chosen.length;
  document.body.classList.toggle("picking", chosen.length > 0);
  if (!chosen.length && filter.only) return change({ only: "" });
  const only = button(words.only_picked, () => change({ only: filter.only ? "" : "picked" }), "chip");
  only.setAttribute("aria-pressed", filter.only === "picked");
  const compared = button(words.compare, () => compare(chosen, 0, 1), "chip");
  compared.disabled = chosen.length < 2;
  bar.setAttribute("aria-label", words.picks);
  redraw(bar, () => bar.replaceChildren(
    el("strong", "", filled(words.picked, { n: number(chosen.length) })), only, compared,
    button(words.copy_paths, () => copy(paths_of(chosen)), "chip"),
    button(words.save_paths, () => save("picked.txt", paths_of(chosen)), "chip"),
    button(words.copy_lines, () => copy(lines_of(chosen)), "chip"),
    button(words.save_lines, () => save("picked.jsonl", lines_of(chosen)), "chip"),
    button(words.unpick, () => { picked.clear(); picks_changed(); }, "quiet"),
  ));
}

// --- the list of what is picked

// On the disk a path is the machine's own; from a web server it is relative to the page.
function path_of(file) {
  const url = new URL(file.href, location.href);
  const text = url.protocol === "file:" ? url.pathname : file.href;
  let path = text;
  try {
    path = decodeURIComponent(text);
  } catch { /* a name that is no UTF-8 stays as it is written in links */ }
  return url.protocol === "file:" && /^\/[A-Za-z]:/.test(path) ? path.slice(1).replaceAll("/", "\\") : path;
}

const paths = (record) => files_of(record).filter((file) => file.href).map(path_of);
const paths_of = (chosen) => chosen.flatMap(paths).map((path) => `${path}\n`).join("");

function lines_of(chosen) {
  return chosen.map((record) => {
    const { files, inputs: given, asked, same, key, haystack, ...rest } = record;
    const lists = { ...(files ? { files: paths(record) } : {}), ...(given ? { inputs: given.map((one) => one.name) } : {}) };
    return `${JSON.stringify({ ...rest, ...lists })}\n`;
  }).join("");
}

function save(name, text) {
  const made = el("a");
  made.download = name;
  made.href = URL.createObjectURL(new Blob([text], { type: "text/plain;charset=utf-8" }));
  made.click();
  setTimeout(() => URL.revokeObjectURL(made.href), 60_000);
}
