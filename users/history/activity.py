"""The data of the activity tab: a page of the timeline with labels and links."""

from typing import Any

from django.http import QueryDict

from users import access
from users.audit.html import render_events
from users.audit.labels import readable_value
from users.exceptions import BadParameter
from users.history.timeline import SOURCES, Entry, timeline_page
from users.jobs.models import Job
from users.mail.models import Message
from users.models import User
from users.sessions.models import SignInMethod, SignInOutcome
from users.web.query_string import check_parameters, url_with_query

JOBS = "jobs"
CHOICE_LABELS: dict[str, dict[str, str]] = {
    "outcome": dict(SignInOutcome.choices),
    "way": dict(SignInMethod.choices),
    "mail": dict(Message.Kind.choices),
    "state": dict(Message.State.choices),
    "job": dict(Job.State.choices),
}


def activity_page(viewer: Any, account: User, query: QueryDict) -> dict[str, Any]:
    """Returns the context of the activity tab. Raises BadParameter or Denied.

    It holds a page of the timeline, the links to single kinds of entries, and the URLs of the next
    and the first page.
    """
    check_parameters(query, "kind", "after")
    kind = query.get("kind", "")
    after = query.get("after", "")
    if kind and kind not in SOURCES:
        raise BadParameter("kind", f"Unknown kind. Choose one of {', '.join(SOURCES)}.")
    if kind == JOBS:
        access.require(viewer, "view_jobs")
    allowed = [name for name in SOURCES if name != JOBS or access.may(viewer, "view_jobs")]
    found = timeline_page(account.pk, [kind] if kind else allowed, after)
    path = f"/users/{account.pk}/activity/"
    older_url = url_with_query(path, kind=kind, after=found.older) if found.older else ""
    newest_url = url_with_query(path, kind=kind) if after else ""
    kinds = [(name, SOURCES[name].label, f"{path}?kind={name}") for name in allowed]
    return {
        "lines": labelled_entries(found.entries, viewer),
        "kinds": [("", "All", path), *kinds],
        "kind": kind,
        "older": older_url,
        "newest": newest_url,
    }


def labelled_entries(entries: list[Entry], viewer: Any) -> list[dict[str, Any]]:
    """Returns the data of each line: the HTML of an event, or another entry with its labels."""
    events = [entry.event() for entry in entries if entry.kind == "changes"]
    rendered = iter(render_events(events, viewer=viewer, on_account=True))
    lines: list[dict[str, Any]] = []
    for entry in entries:
        if entry.kind == "changes":
            lines.append({"html": next(rendered)})
        else:
            lines.append({"entry": entry} | entry_labels(entry))
    return lines


def entry_labels(entry: Entry) -> dict[str, str]:
    """Returns the texts of a sign-in, an email or a job; {} for a note."""
    if entry.kind == "sign-ins":
        labels = {
            "label": CHOICE_LABELS["outcome"].get(entry.code, entry.code),
            "way": CHOICE_LABELS["way"].get(entry.text, entry.text),
        }
        if entry.code not in (SignInOutcome.OK, SignInOutcome.PASSWORD_CHOSEN):
            labels["failed"] = "yes"
        return labels
    if entry.kind == "mail":
        state = CHOICE_LABELS["state"].get(entry.before, entry.before)
        return {"label": CHOICE_LABELS["mail"].get(entry.code, entry.code), "state": state}
    if entry.kind == JOBS:
        state = CHOICE_LABELS["job"].get(entry.before, entry.before).lower()
        return {"label": readable_value(entry.code, "kind"), "state": state}
    return {}
