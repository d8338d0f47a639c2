// Who else has this account open: asked again while the page is visible. Failed requests change nothing.

// When the page last told the server that somebody views it, and whether it had a form then.
let heartbeat = "";
let edited = false;

function editsField() {
  return Boolean(document.querySelector(".inplace"));
}
function look() {
  if (document.hidden) return;
  document.querySelector("#presence [hx-get]")?.dispatchEvent(new Event("look"));
}
setInterval(look, 15000);
document.addEventListener("visibilitychange", look);
document.addEventListener("htmx:configRequest", (event) => {
  if (!event.target.closest("#presence")) return;
  const edits = editsField();
  if (edits || edited) event.detail.parameters.editing = edits ? "1" : "0";
  edited = edits;
});
document.addEventListener("htmx:beforeSwap", (event) => {
  if (event.detail.target.id !== "presence") return;
  heartbeat = event.detail.xhr.getResponseHeader("Presence-At") || heartbeat;
  if (event.detail.xhr.status >= 400) event.detail.shouldSwap = false;
});
// Colleagues learn at once that a field has become a form, and that it is one no more.
document.addEventListener("htmx:afterSettle", () => {
  if (edited !== editsField()) look();
});

// A page that is left says so. Without that, it is forgotten after a minute.
window.addEventListener("pagehide", () => {
  const strip = document.getElementById("presence");
  if (!strip || !heartbeat) return;
  fetch(strip.dataset.end, {
    method: "POST",
    keepalive: true,
    headers: { "X-CSRFToken": token(), "HX-Request": "true" },
    body: new URLSearchParams({ at: heartbeat }),
  }).catch(() => {});
  heartbeat = "";
});
window.addEventListener("pageshow", (event) => {
  if (event.persisted) look();
});
