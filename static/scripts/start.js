// What a page needs first: which elements are for scripts, and the viewer's name.

// Selects and page sizes apply at once where HTMX runs; their button is for everybody else. Newer
// browsers know it by the media feature `scripting`, before this runs.
document.documentElement.classList.add("scripted");

// The name comes from a cookie: pages are the same for colleagues with equal rights.
function showViewer() {
  const place = document.getElementById("viewer");
  if (!place) return;
  const pair = document.cookie.split("; ").find((pair) => /^(__Host-)?viewer=/.test(pair));
  if (pair) place.textContent = decodeURIComponent(pair.slice(pair.indexOf("=") + 1));
  place.classList.add("named");
}
showViewer();
