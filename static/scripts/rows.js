// The rows of a list: keyboard navigation and selection.

// What the keys walk through: the links of a table, or the events of a trail.
function rowTargets() {
  const links = [...document.querySelectorAll(".list tbody td:first-child a")];
  if (links.length) return links;
  const events = [...document.querySelectorAll("main .events > li")];
  return events.filter((event) => !event.closest("details:not([open])"));
}

const rowOf = (element) => element.closest(".list tbody tr, .events > li");

function moveRow(step) {
  const targets = rowTargets();
  if (!targets.length) return;
  const last = targets.length - 1;
  const at = targets.findIndex((target) => rowOf(target).contains(document.activeElement));
  const first = step > 0 ? 0 : last;
  const next = at === -1 ? first : Math.min(Math.max(at + step, 0), last);
  if (targets[next].tagName === "LI") targets[next].tabIndex = -1;
  targets[next].focus();
  rowOf(targets[next]).scrollIntoView({ block: "nearest" });
}

// The arrows lead from the search into the list, through it, and back.
function walkByArrow(event) {
  const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
  const targets = rowTargets();
  const searches = event.target.matches("input[type=search]");
  if (!step || !(searches ? step > 0 && targets.length : targets.includes(event.target))) return false;
  event.preventDefault();
  const box = document.querySelector("input[type=search]");
  if (step < 0 && event.target === targets[0] && box) box.focus();
  else moveRow(step);
  return true;
}

// An event that has the focus opens the account that it is about; a folded line opens itself.
document.addEventListener("keydown", (event) => {
  if (event.key !== "Enter" || !event.target.matches(".events > li")) return;
  const folded = event.target.querySelector("summary");
  (folded ?? event.target.querySelector("p a:not(.quiet)") ?? event.target.querySelector("a"))?.click();
});

// A click anywhere in a row opens it, but text can be selected, and boxes and links are themselves.
document.addEventListener("click", (event) => {
  const link = event.target.closest(".list tbody tr")?.querySelector("td:first-child a");
  if (!link || event.target.closest("a, label, input, button") || !getSelection().isCollapsed) return;
  const { ctrlKey, metaKey, shiftKey } = event;
  link.dispatchEvent(new MouseEvent("click", { bubbles: true, cancelable: true, ctrlKey, metaKey, shiftKey }));
});

// What is cut off can be read by pointing at it.
document.addEventListener("mouseover", (event) => {
  const cell = event.target.closest(".list td");
  if (!cell || cell.title || cell.scrollWidth <= cell.clientWidth) return;
  cell.title = cell.querySelector("a")?.textContent ?? cell.textContent;
});

function ticks() {
  return [...document.querySelectorAll("input[form=selection]")];
}

function tickRow() {
  const row = document.activeElement.closest(".list tbody tr");
  row?.querySelector("input[form=selection]")?.click();
}

// The boxes; places.js says how many are ticked.
document.addEventListener("change", (event) => {
  if (event.target.id === "tick-page") for (const box of ticks()) box.checked = event.target.checked;
});
document.addEventListener("reset", (event) => {
  if (event.target.id !== "selection") return;
  event.preventDefault(); // a reset would clear the boxes after this, and nothing tells when
  for (const box of ticks()) box.checked = false;
});

// The old rows leave before the new ones come: HTMX would send an event for each element in them.
document.addEventListener("htmx:beforeSwap", (event) => {
  const { target, shouldSwap } = event.detail;
  if (target.id === "results" && shouldSwap) target.querySelector("tbody")?.replaceChildren();
});
