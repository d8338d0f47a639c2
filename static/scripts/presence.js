// Who else has this account open: asked again while the page is visible. Failed requests change nothing.

function look() {
  if (document.hidden) return;
  document.querySelector("#presence [hx-get]")?.dispatchEvent(new Event("look"));
}
setInterval(look, 15000);
document.addEventListener("visibilitychange", look);
document.addEventListener("htmx:configRequest", (event) => {
  if (!event.target.closest("#presence") || !document.querySelector(".inplace")) return;
  event.detail.parameters.editing = "1";
});
document.addEventListener("htmx:beforeSwap", (event) => {
  if (event.detail.target.id !== "presence") return;
  if (event.detail.xhr.status >= 400) event.detail.shouldSwap = false;
});
