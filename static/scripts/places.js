// Where one was: the list, the ticks, the focus and what was typed are found again.
//
// All of it is kept for this tab alone, and for whoever is signed in in it. Passwords and codes are never kept.
{
  const viewer = () => document.getElementById("viewer")?.textContent ?? "";

  let signedOut = false;

  function keep(name, value) {
    if (!signedOut) sessionStorage.setItem(name, JSON.stringify({ viewer: viewer(), value }));
  }

  // What this tab keeps under the name, if the same person is signed in; else undefined.
  function kept(name) {
    const held = JSON.parse(sessionStorage.getItem(name) ?? "null");
    return held && held.viewer === viewer() ? held.value : undefined;
  }

  const forget = (name) => sessionStorage.removeItem(name);

  // --- the list that one came from ---------------------------------------------------------------------------------

  const results = () => document.getElementById("results");

  function keepList() {
    const shown = results();
    if (location.pathname !== "/users/" || !shown || "wrong" in shown.dataset) return;
    const query = new URLSearchParams(location.search);
    query.delete("ids"); // the ticks are kept apart
    keep("list", `/users/${query.size ? `?${query}` : ""}`);
  }

  // Links back to the directory lead to the page of the list that this tab showed last.
  function pointBack() {
    const list = kept("list");
    if (!list) return;
    for (const link of document.querySelectorAll("a[data-back]")) link.href = list;
  }

  // The row that was opened has the focus when one is back, and the list after a filter was taken away.
  function focusOpened() {
    if (kept("narrowed")) focusHeading();
    forget("narrowed");
    const opened = kept("opened");
    if (!opened || !results()) return;
    forget("opened");
    const link = results().querySelector(`tbody td:first-child a[href="${opened}"]`);
    if (document.activeElement === document.body) link?.focus();
  }

  document.addEventListener("click", (event) => {
    const link = event.target.closest("#results tbody td:first-child a");
    if (link) keep("opened", link.getAttribute("href"));
    if (event.target.closest("#results .chips a:not([hx-get])")) keep("narrowed", true);
    if (event.target.closest('a[href="/logout/"], form[action="/logout/"] button')) forgetAll();
  });

  function forgetAll() {
    signedOut = true;
    sessionStorage.clear();
  }

  // --- the selection -----------------------------------------------------------------------------------------------

  const MOST = 100; // as many as one selection may have (users/directory/selection_bar.py)
  const boxes = () => [...document.querySelectorAll("input[form=selection]")];
  const selection = () => new Set(kept("selection") ?? []);

  // Ticks the rows of the page, and says how many are ticked here and on other pages.
  function showSelection() {
    const form = document.getElementById("selection");
    if (!form) return;
    const here = boxes();
    const chosen = adoptCarried(form);
    for (const box of here) box.checked = chosen.has(box.value);
    const shown = new Set(here.map((box) => box.value));
    const others = [...chosen].filter((id) => !shown.has(id));
    for (const id of others) form.append(hiddenId(id));
    form.toggleAttribute("data-others", others.length > 0);
    const ticked = here.filter((box) => box.checked).length;
    const page = document.getElementById("tick-page");
    if (page) {
      page.checked = ticked > 0 && ticked === here.length;
      page.indeterminate = ticked > 0 && ticked < here.length;
    }
    for (const button of form.querySelectorAll("button:not([type=reset])")) button.disabled = chosen.size > MOST;
    say(chosen.size, others.length);
  }

  // Without scripts the form carries the ticks of other pages; with scripts this tab does.
  function adoptCarried(form) {
    const chosen = selection();
    const carried = [...form.querySelectorAll("input[name=ids]")];
    const ticked = form.dataset.carried === undefined ? [] : boxes().filter((box) => box.defaultChecked);
    for (const field of [...carried.filter((one) => !one.dataset.other), ...ticked]) chosen.add(field.value);
    for (const field of carried) field.remove();
    delete form.dataset.carried;
    keep("selection", [...chosen]);
    return chosen;
  }

  function hiddenId(id) {
    const field = document.createElement("input");
    field.type = "hidden";
    field.name = "ids";
    field.value = id;
    field.dataset.other = "1";
    return field;
  }

  function say(all, others) {
    const told = document.getElementById("ticked");
    if (!told) return;
    const elsewhere = others ? `, ${others} on other pages` : "";
    const most = all > MOST ? ` (at most ${MOST}: use a filter and “Select all matching”)` : "";
    told.textContent = `${all} selected${elsewhere}${most}`;
  }

  document.addEventListener("change", (event) => {
    if (!event.target.matches("#tick-page, input[form=selection]")) return;
    const chosen = selection();
    for (const box of boxes()) {
      if (box.checked) chosen.add(box.value);
      else chosen.delete(box.value);
    }
    keep("selection", [...chosen]);
    showSelection();
  });

  document.addEventListener("reset", (event) => {
    if (event.target.id !== "selection") return;
    forget("selection");
    showSelection();
    focusHeading();
  });

  // What was selected has become a job: the next selection begins empty.
  function forgetStarted() {
    const from = document.referrer ? new URL(document.referrer).pathname : "";
    if (/^\/jobs\/\d+\/$/.test(location.pathname) && from.startsWith("/users/bulk/")) forget("selection");
  }

  // --- the focus ---------------------------------------------------------------------------------------------------

  const ACTS = ["click", "change", "submit"]; // of the viewer; what a page loads by itself moves no focus
  let left = null; // the control that had the focus, or was used, in what a swap is about to replace

  document.addEventListener("htmx:beforeSwap", (event) => {
    const { target, requestConfig } = event.detail;
    const focused = document.activeElement;
    const used = requestConfig.elt;
    const inside = target.contains(focused);
    const acted = ACTS.includes(requestConfig.triggeringEvent?.type);
    const byKey = acted && focused === document.body && target.contains(used) && used !== target;
    left = inside || byKey ? { id: target.id, target, name: nameOf(inside ? focused : used) } : null;
  });

  function nameOf(control) {
    if (control.id) return `#${CSS.escape(control.id)}`;
    const page = control.dataset.page;
    return page ? `[data-page="${page}"]` : "";
  }

  document.addEventListener("htmx:afterSettle", (event) => {
    const swapped = event.target;
    const panel = swapped.closest?.("#panel");
    if (panel) panel.querySelector("[aria-invalid=true], input:not([type=hidden]), select")?.focus();
    else if (left && (swapped.id === left.id || left.target.contains(swapped))) restoreFocus(swapped);
  });

  const focusHeading = () => document.getElementById("found")?.focus({ preventScroll: true });

  // To the first wrong field, the same control, or the heading of what has changed.
  function restoreFocus(swapped) {
    const lost = left;
    left = null;
    if (document.activeElement !== document.body) return;
    const wrong = swapped.querySelector("[aria-invalid=true]");
    const same = lost.name && document.querySelector(lost.name);
    const heading = swapped.querySelector("h1, h2, h3") ?? swapped;
    const control = wrong ?? (same && swapped.contains(same) ? same : heading);
    if (control === heading) heading.tabIndex = -1;
    control.focus({ preventScroll: true });
  }

  // The search box keeps its text: the list goes on showing what it says.
  document.addEventListener("keydown", (event) => {
    if (event.key !== "Escape") return;
    const panel = event.target.closest("#panel");
    if (panel) {
      closePanel(panel);
    } else if (event.target.matches("input[type=search]")) {
      event.preventDefault(); // a browser would empty the box, and tell nobody
      focusHeading();
    }
  });

  function closePanel(panel) {
    panel.replaceChildren();
    document.getElementById("add-filter")?.focus();
  }

  document.addEventListener("click", (event) => {
    const panel = event.target.closest("#panel [data-dismiss]")?.closest("#panel");
    if (!panel || event.ctrlKey || event.metaKey || event.shiftKey) return;
    event.preventDefault();
    closePanel(panel);
  });

  // The box is marked as wrong as long as the results say so.
  function markSearch() {
    const box = document.getElementById("q");
    const error = document.getElementById("q-error");
    if (!box || !results()) return;
    box.toggleAttribute("aria-invalid", Boolean(error));
    if (error) {
      box.setAttribute("aria-invalid", "true");
      box.setAttribute("aria-describedby", error.id);
    } else {
      box.removeAttribute("aria-describedby");
    }
  }

  // --- what was typed ----------------------------------------------------------------------------------------------

  const SECRET = /password|passphrase|secret|(^|_)(code|otp)$/i;
  const typedForms = () => [...document.querySelectorAll("main form[method=post]:not(.inline)")];

  function isKept(control) {
    if (control.name === "version") return true; // so that a change of somebody else is still noticed
    if (!control.name || ["password", "file", "hidden", "submit", "button"].includes(control.type)) return false;
    return !SECRET.test(control.name) && control.autocomplete !== "one-time-code";
  }

  // The values of the controls that people have changed; null where there are none.
  function typedValues(form) {
    const changed = [...form.elements].filter((control) => isKept(control) && isChanged(control));
    if (!changed.some((control) => control.name !== "version")) return null;
    return changed.map((control) => [control.name, control.value, Boolean(control.checked)]);
  }

  // A form that came back with errors has what was typed as its defaults.
  const cameBack = () => document.title.startsWith("Error:") || document.querySelector("meta[name=address]");

  function isChanged(control) {
    if (control.name === "version" || cameBack()) return true;
    if (control.type === "checkbox" || control.type === "radio") return control.checked !== control.defaultChecked;
    if (control.tagName !== "SELECT") return control.value !== control.defaultValue;
    const first = [...control.options].findIndex((option) => option.defaultSelected);
    return control.selectedIndex !== Math.max(first, 0);
  }

  function keepTyped() {
    const forms = typedForms().map((form) => [form.getAttribute("action"), typedValues(form)]);
    const typed = forms.filter(([, values]) => values);
    if (typed.length) keep("typed", { page: location.pathname + location.search, forms: typed });
    return typed.length > 0;
  }

  function restoreTyped() {
    const typed = kept("typed");
    if (!typed || typed.page !== location.pathname + location.search) return;
    forget("typed");
    if (document.querySelector("meta[name=address]")) return; // the server has filled in the form, and says so
    for (const [action, values] of typed.forms) {
      const form = typedForms().find((one) => one.getAttribute("action") === action);
      if (form) fill(form, values);
      else openForm(action, values);
    }
  }

  // What was edited in its place has a page of its own, too.
  function openForm(action, values) {
    keep("typed", { page: action, forms: [[action, values]] });
    location.replace(action);
  }

  function fill(form, values) {
    for (const [name, value, checked] of values) {
      const controls = [...form.elements].filter((control) => control.name === name && isKept(control));
      const boxed = controls.find((control) => ["checkbox", "radio"].includes(control.type) && control.value === value);
      if (boxed) boxed.checked = checked;
      else if (controls.length === 1) controls[0].value = value;
    }
    form.dispatchEvent(new Event("input", { bubbles: true }));
    tell("You are signed in again. What you had typed is back in the form; it is not saved yet.");
  }

  // One notice at the top of the page, read out. `passing`: it goes with the next answer of the server.
  function tell(text, { link, passing = "" } = {}) {
    document.getElementById("place-notice")?.remove();
    const notice = document.createElement("div");
    notice.id = "place-notice";
    notice.className = "notes";
    notice.innerHTML = '<p class="note warning" role="alert"><span></span></p>';
    const words = notice.querySelector("span");
    words.append(text);
    if (link) words.append(" ", link);
    if (passing) notice.dataset.passing = passing; // the method of the requests whose success ends it
    document.getElementById("main")?.prepend(notice);
  }

  function signInLink() {
    const link = document.createElement("a");
    link.href = `/login/?next=${encodeURIComponent(location.pathname + location.search)}`;
    link.textContent = "Sign in again";
    link.addEventListener("click", keepTyped);
    return link;
  }

  // A session that has ended: what is open stays open, and goes on after signing in.
  document.addEventListener("htmx:beforeOnLoad", (event) => {
    const { xhr } = event.detail;
    if (xhr.status !== 401) return;
    const typed = keepTyped();
    if (xhr.getResponseHeader("HX-Redirect")) return;
    const text = `Your session has ended.${typed ? " What you typed is kept." : ""}`;
    tell(text, { link: signInLink(), passing: "get" });
  });
  document.addEventListener("htmx:afterOnLoad", (event) => {
    const { xhr, requestConfig } = event.detail;
    if (xhr.status >= 400) return;
    const notice = document.querySelector("#place-notice[data-passing]");
    if (["get", requestConfig.verb].includes(notice?.dataset.passing)) notice.remove();
  });

  // A form that HTMX sends and that meets an error of the server stays as it is, to be sent again.
  document.addEventListener("htmx:beforeSwap", (event) => {
    const { xhr, requestConfig } = event.detail;
    if (xhr.status < 500 || requestConfig.verb !== "post") return;
    event.detail.shouldSwap = false;
    const text = "Not saved: the server can’t answer right now. What you typed is still here. Try again in a moment.";
    tell(text, { passing: "post" });
  });

  // A token of another session: the part stays as it is, with what is typed beside it.
  document.addEventListener("sessionchanged", () => {
    keepTyped();
    const link = document.createElement("a");
    link.href = "";
    link.textContent = "Reload the page";
    link.addEventListener("click", keepTyped);
    tell("Your session has changed. What you typed is kept.", { link, passing: "post" });
  });

  // What the server said about the last action goes when the list shows something else.
  document.addEventListener("htmx:beforeSwap", (event) => {
    const { target, shouldSwap } = event.detail;
    if (target.id === "results" && shouldSwap) document.querySelector(".notes[role=status]")?.remove();
  });

  // A form that came back to another address than its own (users/signin/kept_forms.py).
  function takeAddress() {
    const address = document.querySelector("meta[name=address]")?.content;
    if (address?.startsWith("/")) history.replaceState(null, "", address);
  }

  // -----------------------------------------------------------------------------------------------------------------

  function arrive() {
    keepList();
    pointBack();
    showSelection();
    markSearch();
  }

  document.addEventListener("htmx:afterSettle", arrive);
  for (const name of ["htmx:pushedIntoHistory", "htmx:replacedInHistory"]) document.addEventListener(name, arrive);
  window.addEventListener("pageshow", () => {
    takeAddress();
    forgetStarted();
    arrive();
    focusOpened();
    restoreTyped();
  });
}
