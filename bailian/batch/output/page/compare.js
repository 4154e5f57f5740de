// --- two results side by side: the first stays, the arrows change the second

let marked = null;
const pair = { of: [], left: 0, right: 0 };

function mark(record) {
  const first = marked;
  marked = first === record ? null : first ? null : record;
  for (const made of document.querySelectorAll("[data-compare]"))
    made.setAttribute("aria-pressed", marked !== null && made.dataset.compare === marked.key);
  if (marked) say(words.choose_second);
  if (first && first !== record) compare(shown.includes(first) ? shown : [first, ...shown], first, record);
}

function compare(of, left, right) {
  const place = (one) => (typeof one === "number" ? one : of.indexOf(one));
  Object.assign(pair, { of, left: place(left), right: place(right) });
  if ($("box").open) $("box").close();
  view_pair();
  show_dialog($("pair"));
}

function view_pair() {
  const [left, right] = [pair.of[pair.left], pair.of[pair.right]];
  redraw($("pair"), () => {
    $("left").replaceChildren(...side(left, right, "left"));
    $("right").replaceChildren(...side(right, left, "right"));
  });
}

function side(record, other, which) {
  const media = files_of(record).filter(is_media);
  const seen = el("div", "seen", ...(media.length > 1 ? media.map((file) => large(record, file)) : [large(record, media[0])]));
  if (media.length > 1) seen.classList.add("several");
  const list = el("dl");
  const facts = [[words.model, (one) => one.model], [words.price, price], [words.time_one, took], [words.size, measure],
    [words.seed, (one) => one.seed], [words.state, (one) => named("states", one.state)]];
  for (const [label, of] of facts) {
    if (of(record) === undefined || of(record) === "") continue;
    const value = untrusted("dd", of(record));
    value.classList.toggle("differs", of(record) !== of(other));
    list.append(el("dt", "", label), value);
  }
  const walk = (by, label, text) => button(text, () => step_pair(which, by), "chip", label);
  const keys = which === "right" ? ["←", "→"] : ["Shift ←", "Shift →"];
  const walks = el("div", "actions", walk(-1, `${words.previous} (${keys[0]})`, "‹"), walk(1, `${words.next} (${keys[1]})`, "›"),
    el("label", "", pick_box(record), words.pick), ...copies(record));
  return [seen, el("div", "what", walks, untrusted("p", record.prompt || "", "prompt"), inputs(record, 9) || "", list)];
}

function step_pair(which, by) {
  const other = which === "left" ? pair.right : pair.left;
  let to = pair[which] + by;
  if (to === other) to += by;
  if (!pair.of[to]) return;
  pair[which] = to;
  view_pair();
}

function comparer() {
  named_so($("pair_close"), words.close);
  $("pair_close").addEventListener("click", () => $("pair").close());
  $("pair").setAttribute("aria-label", words.comparison);
  $("pair").addEventListener("keydown", (event) => {
    const by = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
    if (by && !winds(event)) step_pair(event.shiftKey ? "left" : "right", by);
  });
  $("pair").addEventListener("close", () => { $("left").replaceChildren(); $("right").replaceChildren(); });
}
