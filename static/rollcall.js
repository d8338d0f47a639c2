// The little that HTML can't do by itself. Every page works without it.
"use strict";

// The token comes from the cookie, so that no page has to hold it for requests that HTMX makes.
function token() {
  const cookie = document.cookie.split("; ").find((pair) => /^(__Host-)?csrf=/.test(pair));
  return cookie ? cookie.slice(cookie.indexOf("=") + 1) : "";
}

document.addEventListener("htmx:configRequest", (event) => {
  event.detail.headers["X-CSRFToken"] = token();
});

// A link to a page that asks first; with scripts, the click is the answer.
document.addEventListener("click", (event) => {
  const link = event.target.closest("a[data-post]");
  if (!link || event.ctrlKey || event.metaKey || event.shiftKey) return;
  event.preventDefault();
  const form = document.createElement("form");
  form.method = "post";
  form.action = link.href;
  form.innerHTML = '<input type="hidden" name="csrfmiddlewaretoken">';
  form.firstChild.value = token();
  document.body.append(form);
  form.submit();
});

// A reason to begin with: the link loads the form anew with it; with scripts, nothing else that was typed is lost.
document.addEventListener("click", (event) => {
  const link = event.target.closest("a[data-fill]");
  const field = link && document.querySelector(link.dataset.fill);
  if (!field || event.ctrlKey || event.metaKey || event.shiftKey) return;
  event.preventDefault();
  field.value = link.dataset.text;
  field.focus();
});

// A menu closes where it is left, and by Escape.
document.addEventListener("click", (event) => {
  for (const menu of document.querySelectorAll("details.menu[open]")) if (!menu.contains(event.target)) menu.open = false;
});
document.addEventListener("keydown", (event) => {
  const menu = event.key === "Escape" && document.querySelector("details.menu[open]");
  if (!menu) return;
  menu.open = false;
  menu.querySelector("summary").focus();
});

// A request that never came back: say so where a screen reader hears it, and leave the old list in place.
for (const name of ["htmx:sendError", "htmx:timeout"]) {
  document.addEventListener(name, (event) => {
    if (event.target.closest?.("#presence")) return;
    const trouble = document.getElementById("trouble");
    if (trouble) trouble.hidden = false;
  });
}
document.addEventListener("htmx:afterOnLoad", () => {
  const trouble = document.getElementById("trouble");
  if (trouble) trouble.hidden = true;
});

// A field that is edited in its place: the focus goes into its form, and afterwards back to its link.
document.addEventListener("htmx:afterSettle", (event) => {
  if (document.activeElement !== document.body || !event.target.matches(".fact")) return;
  event.target.querySelector("input:not([type=hidden]), a")?.focus();
});

// Who else has this account open: asked anew while somebody looks at the page. What is no answer leaves it as it is.
function look() {
  if (!document.hidden) document.querySelector("#presence [hx-get]")?.dispatchEvent(new Event("look"));
}
setInterval(look, 15000);
document.addEventListener("visibilitychange", look);
document.addEventListener("htmx:configRequest", (event) => {
  if (event.target.closest("#presence") && document.querySelector(".inplace")) event.detail.parameters.editing = "1";
});
document.addEventListener("htmx:beforeSwap", (event) => {
  if (event.detail.target.id === "presence" && event.detail.xhr.status >= 400) event.detail.shouldSwap = false;
});

// Selects and page sizes apply at once where HTMX runs; their button is for everybody else.
document.documentElement.classList.add("scripted");

function rowLinks() {
  return [...document.querySelectorAll(".list tbody td:first-child a")];
}

function moveRow(step) {
  const links = rowLinks();
  if (!links.length) return;
  const at = links.findIndex((link) => link.closest("tr").contains(document.activeElement));
  const next = at === -1 ? (step > 0 ? 0 : links.length - 1) : Math.min(Math.max(at + step, 0), links.length - 1);
  links[next].focus();
  links[next].closest("tr").scrollIntoView({ block: "nearest" });
}

function ticks() {
  return [...document.querySelectorAll("input[form=selection]")];
}

// Says how many rows are ticked; the bar itself shows and hides by a rule of the stylesheet.
function countTicks() {
  const all = ticks();
  const page = document.getElementById("tick-page");
  if (!page) return;
  const ticked = all.filter((box) => box.checked).length;
  page.checked = ticked === all.length;
  page.indeterminate = ticked > 0 && ticked < all.length;
  document.getElementById("ticked").textContent = `${ticked} selected`;
}

function tickRow() {
  const box = document.activeElement.closest(".list tbody tr")?.querySelector("input[form=selection]");
  if (box) box.click();
}

document.addEventListener("change", (event) => {
  if (event.target.id === "tick-page") for (const box of ticks()) box.checked = event.target.checked;
  if (event.target.matches("#tick-page, input[form=selection]")) countTicks();
});
document.addEventListener("reset", (event) => {
  if (event.target.id !== "selection") return;
  event.preventDefault(); // a reset would clear the boxes after this, and nothing tells when
  for (const box of ticks()) box.checked = false;
  countTicks();
});
window.addEventListener("pageshow", countTicks); // a browser that goes back may bring ticks with it

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
  g: () => { went = Date.now(); },
};
const rooms = { d: "/users/", a: "/audit/", j: "/jobs/", m: "/me/" };

document.addEventListener("keydown", (event) => {
  const cancel = event.key === "Escape" && event.target.closest(".inplace")?.querySelector("[data-cancel]");
  if (cancel) { cancel.click(); return; }
  const typing = event.target.matches("input:not([type=checkbox]), textarea, select, [contenteditable]");
  if (event.key === "Escape" && typing) event.target.blur();
  if (typing || event.ctrlKey || event.metaKey || event.altKey || document.querySelector("dialog[open]")) return;
  if (Date.now() - went < 1000 && rooms[event.key]) {
    const link = document.querySelector(`.rail a[href="${rooms[event.key]}"]`);
    if (link) { event.preventDefault(); link.click(); }
    return;
  }
  const action = keys[event.key];
  if (action) { event.preventDefault(); action(); }
});

document.addEventListener("click", (event) => {
  if (event.target.closest("[data-close]")) event.target.closest("dialog").close();
  if (event.target.closest("[data-keys]")) document.getElementById("keys").showModal();
});
