"""Folds events that belong together into one line that opens: those of one job, and refused
attempts of one actor.
"""

from collections.abc import Container, Iterable
from dataclasses import dataclass
from html import escape
from itertools import groupby

from django.utils.safestring import SafeString

from users.audit.html import job_tag, party_name
from users.audit.labels import action_label
from users.audit.models import DENIED, AuditEvent
from users.typed_text import isolate_text
from users.web.time_html import minute_time_html

# Fewer events in a row are shown one by one.
FEWEST_FOLDED = 3
FoldKey = tuple[str, int | str]


@dataclass(frozen=True)
class Row:
    """An event with its HTML."""

    event: AuditEvent
    html: SafeString


def fold_rows(rows: Iterable[Row], kinds: Container[str], *, links_jobs: bool) -> SafeString:
    """Returns the `li` elements of events. `kinds`: the kinds of FoldKey that are folded."""
    lines: list[str] = []
    for key, group in groupby(rows, key=lambda row: fold_key(row.event, kinds)):
        found = list(group)
        if key is None or len(found) < FEWEST_FOLDED:
            lines += [row.html for row in found]
        else:
            lines.append(folded_line(found, links_jobs=links_jobs))
    return SafeString("".join(lines))


def fold_key(event: AuditEvent, kinds: Container[str]) -> FoldKey | None:
    """Returns what the event has in common with those that it is folded with; None if nothing."""
    if event.action == DENIED:
        key = "refused", event.actor_id or event.actor_text
        return key if "refused" in kinds else None
    if event.job_id and event.target_id and "job" in kinds:
        return "job", event.job_id
    return None


def last_folded_job(events: list[AuditEvent]) -> int:
    """Returns the ID of the job whose folded line ends a page; 0 if none does."""
    keys = {fold_key(event, ("job",)) for event in events[-FEWEST_FOLDED:]}
    key = keys.pop() if len(keys) == 1 else None
    return int(key[1]) if key else 0


def folded_line(rows: list[Row], *, links_jobs: bool) -> str:
    """Returns one line that opens, with the times of the first and the last event."""
    newest = rows[0].event
    oldest = rows[-1].event
    summary = refused_summary(rows) if newest.action == DENIED else job_summary(rows)
    links = job_links(newest.job_id, linked=links_jobs) if newest.job_id else ""
    inner = "".join(row.html for row in rows)
    time = minute_time_html(newest.at)
    since = "" if time == minute_time_html(oldest.at) else f"since {minute_time_html(oldest.at)}"
    return (
        f'<li class="fold"><span class="muted">{time}</span>\n'
        f'<div><details><summary>{summary} <span class="muted">{since}</span></summary>\n'
        f'<ol class="events">\n{inner}</ol></details>{links}</div></li>\n'
    )


def refused_summary(rows: list[Row]) -> str:
    event = rows[0].event
    actor = escape(isolate_text(party_name(event.actor_text, event.actor_id)))
    return f'{actor} · <span class="what">{len(rows)} refused attempts</span>'


def job_summary(rows: list[Row]) -> str:
    event = rows[0].event
    actor = escape(isolate_text(party_name(event.actor_text, event.actor_id)))
    labels = dict.fromkeys(action_label(row.event) for row in rows)
    what = escape(", ".join(labels))
    accounts = len({row.event.target_id for row in rows})
    noun = "account" if accounts == 1 else "accounts"
    return f'{actor} · <span class="what">{what}</span> {accounts:,} {noun}'


def job_links(job_id: int, *, linked: bool) -> str:
    """Returns the job, and a link to all of its events."""
    tag = job_tag("job", job_id, linked=linked)
    url = f"/audit/?job={job_id}"
    return f' {tag} <a class="quiet all" href="{url}">All events of this job</a>'
