"""The activity tab: which part of the timeline is wanted, and its entries in words."""

from typing import Any

from django.http import QueryDict

from users import access, masking
from users.audit.html import render_events
from users.exceptions import BadParameter
from users.history.timeline import SOURCES, Entry, timeline_page
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
}


def activity_page(viewer: Any, account: User, query: QueryDict) -> dict[str, Any]:
    """A page of the timeline, the ways to narrow it, and the address of the next page. Raises
    BadParameter or Denied.
    """
    check_parameters(query, "kind", "after")
    kind = query.get("kind", "")
    after = query.get("after", "")
    if kind and kind not in SOURCES:
        raise BadParameter("kind", f"Unknown kind. Choose one of {', '.join(SOURCES)}.")
    if kind == JOBS:
        access.require(viewer, "view_jobs")
    seen = [name for name in SOURCES if name != JOBS or access.may(viewer, "view_jobs")]
    found = timeline_page(account.pk, [kind] if kind else seen, after)
    path = f"/users/{account.pk}/activity/"
    return {
        "lines": labelled_entries(found.entries, masked=masking.hides_personal_data(viewer)),
        "kinds": [
            ("", "All", path),
            *((name, SOURCES[name].label, f"{path}?kind={name}") for name in seen),
        ],
        "kind": kind,
        "older": url_with_query(path, kind=kind, after=found.older) if found.older else "",
        "newest": url_with_query(path, kind=kind) if after else "",
    }


def labelled_entries(entries: list[Entry], *, masked: bool) -> list[dict[str, Any]]:
    """Returns the template's data for each entry: the HTML of an event, or the entry and labels."""
    events = iter(
        render_events(
            [entry.event() for entry in entries if entry.kind == "changes"],
            on_account=True,
            masked=masked,
        )
    )
    return [
        {"html": next(events)}
        if entry.kind == "changes"
        else {"entry": entry} | entry_labels(entry)
        for entry in entries
    ]


def entry_labels(entry: Entry) -> dict[str, str]:
    if entry.kind == "sign-ins":
        good = entry.what in (SignInOutcome.OK, SignInOutcome.CHOSEN)
        return {
            "label": CHOICE_LABELS["outcome"].get(entry.what, entry.what),
            "way": CHOICE_LABELS["way"].get(entry.text, entry.text),
        } | ({} if good else {"bad": "yes"})
    if entry.kind == "mail":
        state = CHOICE_LABELS["state"].get(entry.before, entry.before)
        return {"label": CHOICE_LABELS["mail"].get(entry.what, entry.what), "state": state}
    return {}
