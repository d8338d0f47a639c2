// The rows of a list: keyboard navigation and selection.

function rowLinks() {
  return [...document.querySelectorAll(".list tbody td:first-child a")];
}

function moveRow(step) {
  const links = rowLinks();
  if (!links.length) return;
  const last = links.length - 1;
  const at = links.findIndex((link) => link.closest("tr").contains(document.activeElement));
  const first = step > 0 ? 0 : last;
  const next = at === -1 ? first : Math.min(Math.max(at + step, 0), last);
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
  const row = document.activeElement.closest(".list tbody tr");
  row?.querySelector("input[form=selection]")?.click();
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

// The old rows leave before the new ones come: HTMX would send an event for each element in them.
document.addEventListener("htmx:beforeSwap", (event) => {
  const { target, shouldSwap } = event.detail;
  if (target.id === "results" && shouldSwap) target.querySelector("tbody")?.replaceChildren();
});
