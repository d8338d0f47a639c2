// Forms and menus.

// A reason to begin with: the link loads the form anew with it; with scripts, nothing else that was typed is lost.
document.addEventListener("click", (event) => {
  const link = event.target.closest("a[data-fill]");
  const field = link && document.querySelector(link.dataset.fill);
  if (!field || event.ctrlKey || event.metaKey || event.shiftKey) return;
  event.preventDefault();
  field.value = link.dataset.text;
  field.focus();
});

// A field for one choice of a select, data-only-for="select=choice": while hidden, it is not sent.
function showChosenFields() {
  for (const input of document.querySelectorAll("[data-only-for]")) {
    const [name, choice] = input.dataset.onlyFor.split("=");
    const field = input.closest(".field");
    field.hidden = input.form.elements[name].value !== choice && !field.querySelector(".error");
    input.disabled = field.hidden;
  }
}
for (const name of ["change", "input"]) document.addEventListener(name, showChosenFields);
window.addEventListener("pageshow", showChosenFields); // the browser may have restored the choice
showChosenFields();

// A placeholder goes to the cursor of the text, or of the field beside it that was written in last.
let writtenIn = null;
document.addEventListener("focusout", (event) => {
  if (event.target.matches(".fields textarea, .fields input[type=text]")) writtenIn = event.target;
});
document.addEventListener("click", (event) => {
  const chip = event.target.closest("button[data-insert]");
  if (!chip) return;
  const field = writtenIn?.isConnected ? writtenIn : document.querySelector(chip.dataset.into);
  field.setRangeText(chip.dataset.insert, field.selectionStart, field.selectionEnd, "end");
  field.dispatchEvent(new Event("input", { bubbles: true }));
  field.focus();
});

// A menu closes where it is left, and by Escape.
document.addEventListener("click", (event) => {
  for (const menu of document.querySelectorAll("details.menu[open]")) {
    if (!menu.contains(event.target)) menu.open = false;
  }
});
document.addEventListener("focusout", (event) => {
  const menu = event.target.closest("details.menu[open]");
  if (menu && event.relatedTarget && !menu.contains(event.relatedTarget)) menu.open = false;
});
document.addEventListener("keydown", (event) => {
  const menu = event.key === "Escape" && document.querySelector("details.menu[open]");
  if (!menu) return;
  menu.open = false;
  menu.querySelector("summary").focus();
});

// A field that is edited in its place: the focus goes into its form, and afterwards back to its link.
document.addEventListener("htmx:afterSettle", (event) => {
  if (document.activeElement !== document.body || !event.target.matches(".fact")) return;
  event.target.querySelector("input:not([type=hidden]), a")?.focus();
});

// A date that was picked is written into its field, which takes days before today, too.
document.addEventListener("change", (event) => {
  const field = event.target.dataset.day && document.getElementById(event.target.dataset.day);
  if (!field) return;
  field.value = event.target.value;
  field.dispatchEvent(new Event("input", { bubbles: true }));
});

// The preview of an email: its form is posted into a frame, each time into a new one. To load another page in the old one
// would be a step in the history of the tab.
function showPreview() {
  const button = document.querySelector("button[data-preview]");
  const old = button && document.querySelector(`iframe[name="${button.formTarget}"]`);
  if (!old) return;
  old.replaceWith(old.cloneNode());
  button.form.requestSubmit(button);
}
let previewTimer;
document.addEventListener("input", (event) => {
  if (!event.target.form?.querySelector("textarea") || !document.querySelector("button[data-preview]")) return;
  clearTimeout(previewTimer);
  previewTimer = setTimeout(showPreview, 400);
});
window.addEventListener("pageshow", showPreview);
