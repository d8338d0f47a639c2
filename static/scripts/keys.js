// Keys, and the list of them.

function follow(selector) {
  const link = document.querySelector(selector);
  if (link) link.click();
}

let went = 0;
let wantsNote = false;
const keys = {
  "/": () => (document.querySelector("input[type=search]") ?? document.querySelector("search :is(select, input)"))?.focus(),
  j: () => moveRow(1),
  k: () => moveRow(-1),
  x: tickRow,
  a: () => document.getElementById("tick-page")?.click(),
  n: () => follow("[data-page=next]"),
  p: () => follow("[data-page=previous]"),
  e: () => follow("[data-key=e]"),
  s: () => follow("[data-key=s]"),
  c: beginNote,
  i: () => follow("[data-key=i]"),
  "?": () => follow("[data-keys]"),
  g: () => {
    went = Date.now();
  },
};
for (let tab = 1; tab < 10; tab += 1) keys[tab] = () => follow(`.tabs a:nth-child(${tab})`);
const TYPED_INTO = "input:not([type=checkbox]), textarea, select, [contenteditable]";

// A note is written in its tab, which may have to come first.
function beginNote() {
  const field = document.querySelector(".remark-form textarea");
  wantsNote = !field;
  if (field) field.focus();
  else follow("#tab-notes");
}

document.addEventListener("htmx:afterSettle", () => {
  if (wantsNote && document.querySelector(".remark-form textarea")) beginNote();
});

// Keys without Ctrl or Alt can be in the way of speech input, so each browser can do without them.
// Signing out empties the storage of scripts, so the choice is in a cookie.
const usesKeys = () => !document.cookie.split("; ").includes("keys=off");

function showKeys() {
  const box = document.getElementById("keys-on");
  if (box) box.checked = usesKeys();
}
document.addEventListener("DOMContentLoaded", showKeys);

document.addEventListener("htmx:afterSettle", (event) => {
  if (event.target.id !== "keys") return;
  showKeys();
  event.target.showModal();
});

document.addEventListener("change", (event) => {
  if (event.target.id !== "keys-on") return;
  const choice = event.target.checked ? "on" : "off";
  document.cookie = `keys=${choice}; path=/; max-age=31536000; samesite=lax`;
});

document.addEventListener("keydown", (event) => {
  const form = event.key === "Escape" && event.target.closest(".inplace");
  const cancel = form && form.querySelector("[data-cancel]");
  if (cancel) {
    cancel.click();
    return;
  }
  const typing = event.target.matches(TYPED_INTO);
  if (event.key === "Escape" && typing) event.target.blur();
  const other = event.ctrlKey || event.metaKey || event.altKey;
  if (other || document.querySelector("dialog[open]") || walkByArrow(event)) return;
  if (typing || !usesKeys()) return;
  const link = Date.now() - went < 1000 && document.querySelector(`.rail a[data-room="${CSS.escape(event.key)}"]`);
  if (link) {
    event.preventDefault();
    went = 0;
    link.click();
    return;
  }
  const action = keys[event.key];
  if (!action) return;
  event.preventDefault();
  action();
});

document.addEventListener("click", (event) => {
  if (event.target.closest("[data-close]")) event.target.closest("dialog")?.close();
});

// Scrolls to the current room, tab and saved view, where their lists scroll.
function showTab() {
  for (const current of document.querySelectorAll(":is(.rooms, .tabs, .views) [aria-current]")) {
    const strip = current.parentElement;
    strip.scrollLeft = current.offsetLeft - strip.offsetLeft - (strip.clientWidth - current.offsetWidth) / 2;
  }
}
for (const name of ["htmx:afterSettle", "htmx:oobAfterSwap"]) document.addEventListener(name, showTab);
showTab();

// The letters or years above a list are one stop of the Tab key; the arrows lead from one to the next.
function joinJumps() {
  for (const link of document.querySelectorAll(".jumps a + a")) link.tabIndex = -1;
}
for (const name of ["DOMContentLoaded", "htmx:afterSettle"]) document.addEventListener(name, joinJumps);

document.addEventListener("keydown", (event) => {
  const next = { ArrowRight: "nextElementSibling", ArrowLeft: "previousElementSibling" }[event.key];
  const link = next && event.target.closest(".jumps a");
  if (!link?.[next]) return;
  event.preventDefault();
  link.tabIndex = -1;
  link[next].tabIndex = 0;
  link[next].focus();
});

// Copies a value, and says so for a moment.
document.addEventListener("click", async (event) => {
  const button = event.target.closest("[data-copy]");
  if (!button) return;
  await navigator.clipboard.writeText(button.dataset.copy);
  button.classList.add("copied");
  const said = document.getElementById("said");
  if (said) said.textContent = "Copied.";
  setTimeout(() => button.classList.remove("copied"), 1500);
});
