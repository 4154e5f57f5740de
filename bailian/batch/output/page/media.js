// --- pictures, films, sounds and texts, small on a card and large in a dialog

const LEVEL_MAX = 35;

function waveform(levels) {
  const made = $("wave").content.firstElementChild.cloneNode(true);
  const bars = [...levels].map((level, at) => {
    const half = Math.max(1, (parseInt(level, 36) / LEVEL_MAX) * 48);
    return `M${at * 4 + 2} ${50 - half}V${50 + half}`;
  });
  made.firstElementChild.setAttribute("d", bars.join(""));
  made.setAttribute("viewBox", `0 0 ${levels.length * 4} 100`);
  return made;
}

function picture(file, source) {
  const image = el("img");
  image.decoding = "async";
  image.alt = file.name;
  image.src = safe(source);
  return image;
}

// A film without a poster shows its own first frame, but only once it is seen: ten thousand films are not opened.
const unseen = new IntersectionObserver((seen) => {
  for (const { isIntersecting, target } of seen) {
    if (!isIntersecting) continue;
    unseen.unobserve(target);
    target.preload = "metadata";
    target.src += "#t=0.1";
  }
});

function player(file) {
  const made = el(file.shape === "film" ? "video" : "audio");
  made.controls = true;
  made.preload = "none";
  made.setAttribute("aria-label", file.name);
  made.src = safe(file.href);
  if (file.shape === "film" && file.thumb) made.poster = safe(file.thumb);
  else if (file.shape === "film") unseen.observe(made);
  return made;
}

function sound(file) {
  return el("div", "sound", file.levels ? waveform(file.levels) : null, player(file));
}

function tile(file, press) {
  if (file.note) {
    const name = file.href ? link(file, file.name) : untrusted("span", file.name);
    return el("div", "tile tells", el("span", "", named("notes", file.note)), name);
  }
  if (file.shape === "film") return el("div", "tile", player(file));
  if (file.shape === "sound") return el("div", "tile", sound(file));
  const made = link(file, picture(file, file.thumb), "tile");
  made.addEventListener("click", (event) => {
    if (event.ctrlKey || event.metaKey || event.shiftKey) return;
    event.preventDefault();
    press(file);
  });
  return made;
}

const is_media = (file) => file.shape !== "file";

// What went in stands beside what came out. Its folder is not in the page, so it is seen as its thumbnail only.
function input(file) {
  const label = `${file.field}: ${file.link ? `${file.link}/${file.name}` : file.name}`;
  let shown;
  if (file.thumb) shown = picture({ name: label }, file.thumb);
  else if (file.levels) shown = waveform(file.levels);
  else shown = el("span", "blank", file.note ? named("notes", file.note) : file.link || "");
  const made = el("figure", "input", shown, untrusted("figcaption", file.name || file.link));
  made.title = label;
  return made;
}

function inputs(record, most) {
  const given = inputs_of(record);
  if (!given.length) return null;
  const made = el("div", "inputs", ...given.slice(0, most).map(input));
  made.setAttribute("role", "group");
  made.setAttribute("aria-label", words.inputs);
  if (given.length > most) made.append(el("span", "rest", `+${given.length - most}`));
  return made;
}

function problem(record) {
  const error = record.error || {};
  const made = el("div", "tells", untrusted("strong", error.code || named("states", record.state)));
  for (const [text, looks] of [[error.message, ""], [error.advice, "advice"]])
    if (text) made.append(untrusted("p", text, looks));
  if (error.request_id) made.append(untrusted("small", error.request_id));
  return made;
}

const stage_tells = (record) => record.state !== "done" && !record.text && !files_of(record).length;

// One result as large as there is room.
function large(record, file) {
  if (!file) return record.text && !stage_tells(record) ? el("pre", "", record.text) : nothing_to_see(record);
  if (file.note || !is_media(file)) return tile({ ...file, note: file.note || "file" });
  if (file.shape !== "picture") return file.shape === "film" ? player(file) : sound(file);
  const image = picture(file, file.href);
  image.addEventListener("error", () => image.replaceWith(el("p", "", named("notes", "broken"))));
  return image;
}

function nothing_to_see(record) {
  if (stage_tells(record)) return problem(record);
  const files = files_of(record).map(file_row);
  return el("div", "tells", ...(files.length ? files : [words.no_file]));
}

function file_row(file) {
  if (file.note === "missing") return untrusted("span", `${file.name} (${named("notes", file.note)})`);
  return el("span", "", link(file, file.name), ` ${size(file.bytes)}`);
}
