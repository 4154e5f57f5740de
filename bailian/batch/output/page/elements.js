"use strict";
// What is in the records was written by users and servers: it becomes text nodes and checked links, never markup.
const $ = (id) => document.getElementById(id);
const [words, sums] = ["words", "sums"].map((id) => JSON.parse($(id).textContent));
const records = [];
let complete = false; // all records are here: the first few are shown before the browser has read the rest

function know(some) {
  for (const record of some) {
    record.key = record.job || `${record.where || ""}#${records.length}`;
    records.push(record);
  }
}

const named = (group, key) => (Object.hasOwn(words[group], key) ? words[group][key] : String(key));
const filled = (text, values) => text.replace(/\{(\w+)\}/g, (_, name) => values[name]);
const number = (value) => value.toLocaleString(words.language);
const named_error = (record) => (record.error && record.error.code) || "";
const files_of = (record) => record.files || [];
const inputs_of = (record) => record.inputs || [];

function el(tag, looks, ...inside) {
  const made = document.createElement(tag);
  if (looks) made.className = looks;
  made.append(...inside.filter((child) => child !== null && child !== undefined && child !== ""));
  return made;
}

function untrusted(tag, text, looks) { return el(tag, `${looks || ""} untrusted`.trim(), String(text)); }

function button(text, press, looks, label) {
  const made = el("button", looks, text);
  made.type = "button";
  if (label) named_so(made, label);
  made.addEventListener("click", press);
  return made;
}

function named_so(made, label) {
  made.title = label;
  made.setAttribute("aria-label", label);
}

// A link leads to a file, whatever its name says.
function safe(href) {
  const { protocol } = new URL(href, location.href);
  return protocol === location.protocol || protocol === "file:" ? href : "#";
}

function link(file, text, looks) {
  const made = el("a", looks, text);
  made.href = safe(file.href);
  made.target = "_blank";
  made.rel = "noopener noreferrer";
  return made;
}

function money(cny) {
  const digits = cny >= 0.01 || cny === 0 ? 2 : 6;
  return "¥" + cny.toLocaleString(words.language, { minimumFractionDigits: 2, maximumFractionDigits: digits });
}

function price(record) {
  if (record.sandbox) return words.sandbox;
  return record.cost_cny === undefined ? "" : money(record.cost_cny);
}

function duration(s) {
  const units = words.units, whole = Math.round(s);
  if (s < 10) return filled(units.s, { s: Math.round(s * 10) / 10 });
  if (whole < 60) return filled(units.s, { s: whole });
  if (whole < 3600) return filled(units.min, { min: Math.floor(whole / 60), s: whole % 60 });
  return filled(units.h, { h: Math.floor(whole / 3600), min: Math.floor((whole % 3600) / 60) });
}

const took = (record) => (record.took_s === undefined ? "" : duration(record.took_s));
const moments = new Intl.DateTimeFormat(words.language, { dateStyle: "medium", timeStyle: "short" });
const moment = (at_s) => moments.format(new Date(at_s * 1000));

function size(bytes) {
  const [value, unit] = bytes < 1e6 ? [bytes / 1e3, "KB"] : [bytes / 1e6, "MB"];
  return `${value.toLocaleString(words.language, { maximumFractionDigits: 1 })} ${unit}`;
}

function measure(record) {
  const file = files_of(record).find((one) => one.width_px), request = record.request || {};
  if (file) return `${file.width_px}×${file.height_px}`;
  return String(request.size || request.resolution || "").replace("*", "×");
}

function lasts(record) {
  const sound = files_of(record).find((one) => one.lasts_s), request = record.request || {};
  const seconds = sound ? sound.lasts_s : record.kind === "video" ? request.duration : 0;
  return seconds ? filled(words.units.s, { s: seconds }) : "";
}

// What is drawn anew keeps the keyboard where it was.
function redraw(within, change) {
  const places = () => [...within.querySelectorAll("button, input")];
  const had = places().indexOf(document.activeElement);
  change();
  if (had >= 0) (places()[had] || within).focus();
}

const covered = () => document.documentElement.classList.toggle("covered", document.querySelector("dialog[open]") !== null);

function show_dialog(dialog) {
  if (dialog.open) return;
  dialog.showModal();
  covered();
  dialog.addEventListener("close", covered, { once: true });
  dialog.focus(); // not its first button, which a key would press
}

let said = 0;
function say(text) {
  (document.querySelector("dialog[open]") || document.body).append($("say")); // a dialog lies over all else
  $("say").textContent = text;
  clearTimeout(said);
  said = setTimeout(() => { $("say").textContent = ""; }, 4000);
}

// The clipboard may be refused (an old browser, a page in a frame); the older way asks nobody.
async function copy(text) {
  try {
    await navigator.clipboard.writeText(text);
  } catch {
    const area = el("textarea", "offstage");
    area.value = text;
    (document.querySelector("dialog[open]") || document.body).append(area);
    area.select();
    const copied = document.execCommand("copy");
    area.remove();
    if (!copied) return say(words.not_copied);
  }
  say(words.copied);
}
