// Keys, and the list of them.

function follow(selector) {
  const link = document.querySelector(selector);
  if (link) link.click();
}

let went = 0;
const keys = {
  "/": () => document.querySelector("input[type=search]")?.focus(),
  j: () => moveRow(1),
  k: () => moveRow(-1),
  x: tickRow,
  n: () => follow("[data-page=next]"),
  p: () => follow("[data-page=previous]"),
  e: () => follow("[data-key=e]"),
  i: () => follow("[data-key=i]"),
  "?": () => document.getElementById("keys")?.showModal(),
  g: () => {
    went = Date.now();
  },
};
const TYPED_INTO = "input:not([type=checkbox]), textarea, select, [contenteditable]";
const rooms = { d: "/users/", a: "/audit/", j: "/jobs/", m: "/me/" };

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
  if (typing || other || document.querySelector("dialog[open]")) return;
  if (Date.now() - went < 1000 && rooms[event.key]) {
    const link = document.querySelector(`.rail a[href="${rooms[event.key]}"]`);
    if (!link) return;
    event.preventDefault();
    link.click();
    return;
  }
  const action = keys[event.key];
  if (!action) return;
  event.preventDefault();
  action();
});

document.addEventListener("click", (event) => {
  if (event.target.closest("[data-close]")) event.target.closest("dialog").close();
  if (event.target.closest("[data-keys]")) document.getElementById("keys").showModal();
});
