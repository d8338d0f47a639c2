// Saved views: the one that the list shows is marked. One that was opened and then changed can be updated.
{
  const links = () => [...document.querySelectorAll("#views a[data-query]")];
  const PLACE = ["after", "before", "size", "ids"]; // where in the list, and not which list

  function comparable(query) {
    const parameters = new URLSearchParams(query);
    for (const name of PLACE) parameters.delete(name);
    parameters.sort();
    return parameters.toString();
  }

  // The tab remembers the view that it showed last, until the list is without filters.
  function openedView(shown, current) {
    if (current) sessionStorage.setItem("view", current.dataset.view);
    else if (/^(sort=[^&]*)?$/.test(shown)) sessionStorage.removeItem("view");
    return links().find((link) => link.dataset.view === sessionStorage.getItem("view"));
  }

  function showView() {
    if (!["/users/", "/audit/"].includes(location.pathname)) return;
    const shown = comparable(location.search);
    const current = links().find((link) => comparable(link.dataset.query) === shown);
    for (const link of links()) link.removeAttribute("aria-current");
    current?.setAttribute("aria-current", "page");
    offerSave(current, openedView(shown, current));
  }

  // Beside the filters stands which view this is, or that the opened one can be updated.
  function offerSave(current, opened) {
    const save = document.getElementById("save-view");
    document.getElementById("opened-view")?.remove();
    if (!save) return;
    save.hidden = Boolean(current);
    if (!opened || !(current || "own" in opened.dataset)) return;
    const beside = document.createElement(current ? "span" : "a");
    beside.id = "opened-view";
    beside.className = "clear";
    beside.textContent = `${current ? "View:" : "Update"} “\u2068${opened.textContent}\u2069”`;
    const { search } = new URL(save.href);
    if (!current) beside.href = `/users/views/${opened.dataset.view}/filter/${search}`;
    save.before(beside);
  }

  for (const name of ["afterSettle", "oobAfterSwap", "pushedIntoHistory", "replacedInHistory"]) {
    document.addEventListener(`htmx:${name}`, showView);
  }
  window.addEventListener("pageshow", showView);
}
