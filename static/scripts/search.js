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
  asked: "", // text of the last request
  answered: null, // text that the list shows, once a response has come
  opens: false, // whether the only match is to be opened
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
  search.opens = false;
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
  search.asked = document.getElementById("q").value;
});

document.addEventListener("htmx:afterRequest", (event) => {
  if (event.target.id !== "filter") return;
  search.pending = false;
  if (!event.detail.xhr.status) return; // aborted or lost, so not a time of the server
  search.answerTook = performance.now() - search.askedAt;
  search.answered = search.asked;
  if (search.later) askNow();
  else if (search.opens) openOnly();
});

// Enter opens the account if it is the only match: at once, or when the response to what was typed is there.
document.addEventListener("keydown", (event) => {
  if (event.key !== "Enter" || event.isComposing || event.target.id !== "q" || !event.target.value.trim()) return;
  const shown = search.answered ?? event.target.defaultValue;
  const waits = search.pending || search.later || shown !== event.target.value;
  if (!waits && openOnly()) event.preventDefault();
  search.opens = Boolean(waits);
});

function openOnly() {
  search.opens = false;
  const links = document.querySelectorAll("#results .list tbody td:first-child a");
  if (links.length === 1) links[0].click();
  return links.length === 1;
}

// A search is one entry of the history, however many responses arrive while the viewer types.
document.addEventListener("htmx:beforeHistoryUpdate", (event) => {
  const { history, requestConfig } = event.detail;
  if (requestConfig.triggeringEvent?.type !== "typed") return;
  if (search.step && search.step === location.pathname + location.search) history.type = "replace";
  search.step = history.path;
});
