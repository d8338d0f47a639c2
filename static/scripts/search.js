// Search as you type, in the directory.
//
// The first key sends a request at once. While it is pending, further keys wait for its response, but no longer than
// the last response took: then the new request replaces the outdated one (hx-sync of the form aborts it).

const search = {
  askedAt: 0,
  answerTook: 0,
  pending: false,
  later: 0, // timer of the next request
  keyAt: 0,
  step: "", // URL of this search in the history
};
const SHORTEST_WAIT = 50; // milliseconds
const LONGEST_WAIT = 400;
const SAME_SEARCH = 1000; // milliseconds between two keys; after a longer pause a new search begins

function askNow() {
  clearTimeout(search.later);
  search.later = 0;
  document.getElementById("filter")?.dispatchEvent(new Event("typed"));
}

function askLater() {
  const wait = Math.min(Math.max(search.answerTook, SHORTEST_WAIT), LONGEST_WAIT);
  search.later ||= setTimeout(askNow, search.askedAt + wait - performance.now());
}

document.addEventListener("input", (event) => {
  if (event.target.id !== "q") return;
  const now = performance.now();
  if (now - search.keyAt > SAME_SEARCH) search.step = "";
  search.keyAt = now;
  if (search.pending) askLater();
  else askNow();
});

document.addEventListener("htmx:beforeRequest", (event) => {
  if (event.target.id !== "filter") return;
  clearTimeout(search.later);
  search.later = 0;
  search.pending = true;
  search.askedAt = performance.now();
});

document.addEventListener("htmx:afterRequest", (event) => {
  if (event.target.id !== "filter") return;
  search.pending = false;
  if (!event.detail.xhr.status) return; // aborted or lost, so not a time of the server
  search.answerTook = performance.now() - search.askedAt;
  if (search.later) askNow();
});

// A search is one entry of the history, however many responses arrive while the viewer types.
document.addEventListener("htmx:beforeHistoryUpdate", (event) => {
  const { history, requestConfig } = event.detail;
  if (requestConfig.triggeringEvent?.type !== "typed") return;
  if (search.step && search.step === location.pathname + location.search) history.type = "replace";
  search.step = history.path;
});
