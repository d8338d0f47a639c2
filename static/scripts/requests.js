// Requests: their token, links that post, and the message when no response arrives.

// The token comes from the cookie, so that no page has to hold it for requests that HTMX makes.
function token() {
  const cookie = document.cookie.split("; ").find((pair) => /^(__Host-)?csrf=/.test(pair));
  return cookie ? cookie.slice(cookie.indexOf("=") + 1) : "";
}

document.addEventListener("htmx:configRequest", (event) => {
  const { elt, headers, parameters } = event.detail;
  headers["X-CSRFToken"] = token();
  // The one of the form is stale once the viewer has signed in again in another tab.
  if (token()) delete parameters.csrfmiddlewaretoken;
  if (!elt.matches("form[data-listing]")) return;
  // The URL of a list has no filter that is empty.
  for (const name of Object.keys(parameters)) if (!parameters[name]) delete parameters[name];
});

// A request that was replaced by a later one, or lost, is no error of the page: HTMX writes one to the console unless
// its details have an error already. Browsers have a line of their own for what was lost.
document.addEventListener("htmx:beforeRequest", ({ detail }) => {
  detail.xhr.onreadystatechange = () => {
    if (!detail.xhr.status) detail.error = "";
  };
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
