"""Events, sign-ins, sessions, emails and jobs as JSON.

`is_masked`: for viewers who may not see personal data.
"""

from collections.abc import Callable
from typing import Any

from users.audit.models import AuditEvent
from users.contact_data import mask_email, mask_text
from users.database.clock import utc_text
from users.jobs.models import Job
from users.jobs.queries import job_title
from users.mail.models import Message
from users.sessions.models import Session, SignInEvent

Json = dict[str, Any]


def shown_text(*, is_masked: bool) -> Callable[[str], str]:
    """Returns the function that shows a text to the viewer."""
    return mask_text if is_masked else str


def event_json(event: AuditEvent) -> Json:
    """Returns an event, which is masked already if it has to be."""
    return {
        "id": event.pk,
        "at": utc_text(event.at),
        "action": event.action,
        "actor_id": event.actor_id,
        "actor": event.actor_text,
        "target_id": event.target_id,
        "version": event.target_version,
        "before": event.before,
        "after": event.after,
        "reason": event.reason,
        "ticket": event.ticket,
        "ip": event.ip,
        "session_id": None if event.session_id is None else str(event.session_id),
        "job_id": event.job_id,
    }


def sign_in_json(row: SignInEvent, *, is_masked: bool) -> Json:
    shown = shown_text(is_masked=is_masked)
    return {
        "id": row.pk,
        "at": utc_text(row.at),
        "method": row.way,
        "outcome": row.outcome,
        "ip": shown(row.ip) if row.ip else None,
        "user_agent": row.user_agent,
    }


def session_json(row: Session, *, is_masked: bool) -> Json:
    shown = shown_text(is_masked=is_masked)
    return {
        "id": str(row.public_id),
        "created_at": utc_text(row.created_at),
        "last_used_at": utc_text(row.last_used_at),
        "ip": shown(row.ip) if row.ip else None,
        "user_agent": row.user_agent,
    }


def message_json(row: Message, *, is_masked: bool) -> Json:
    shown = shown_text(is_masked=is_masked)
    return {
        "id": row.pk,
        "kind": row.kind,
        "to": mask_email(row.to) if is_masked else row.to,
        "state": row.state,
        "delivery": row.fate or None,
        "created_at": utc_text(row.created_at),
        "sent_at": utc_text(row.sent_at),
        "error": shown(row.error),
    }


def job_json(job: Job, *, is_masked: bool) -> Json:
    shown = shown_text(is_masked=is_masked)
    return {
        "id": job.pk,
        "kind": job.kind,
        "title": shown(job_title(job)),
        "state": job.state,
        "by_id": job.by_id,
        "by": shown(job.by_text),
        "reason": shown(job.reason),
        "ticket": shown(job.ticket),
        "filter": shown(job.words),
        "expected": job.expected,
        "planned": job.planned,
        "selected": job.selected,
        "changed": job.changed,
        "unchanged": job.unchanged,
        "skipped": job.skipped,
        "failed": job.failed,
        "created_at": utc_text(job.created_at),
        "started_at": utc_text(job.started_at),
        "ended_at": utc_text(job.ended_at),
    }
