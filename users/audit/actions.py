"""The labels of audit events. Verbs and kinds of jobs register theirs when Rollcall starts."""

ACTION_LABELS = {
    "account.created": "Created",
    "account.imported": "Imported",
    "account.updated_by_import": "Updated by import",
    "account.changed_outside": "Changed outside Rollcall",
    "account.password_rehashed": "Upgraded the password hash",
    "account.text_redacted": "Removed the name of an erased person",
    "account.traces_removed": "Removed mentions of the person",
    "account.email_bounced": "Email bounced",
    "account.sudo_started": "Confirmed their identity",
    "note.added": "Added a note",
    "note.edited": "Edited a note",
    "note.pinned": "Pinned a note",
    "note.unpinned": "Unpinned a note",
    "view.created": "Created a shared view",
    "view.changed": "Changed a shared view",
    "view.deleted": "Deleted a shared view",
    "list.created": "Pasted a list",
    "account.undone": "Undone by a job",
    "job.started": "Started a job",
    "job.approval_asked": "Requested approval of a job",
    "job.approved": "Approved a job",
    "job.declined": "Declined a job",
    "job.paused": "Paused a job",
    "job.resumed": "Resumed a job",
    "job.cancelled": "Cancelled a job",
    "job.parked": "Job stopped after errors",
    "job.done": "Job finished",
    "job.list_downloaded": "Downloaded a list of a job",
    "account.unsubscribed": "Unsubscribed from announcements",
    "account.consent_withdrawn": "Stopped accepting announcements",
    "suppression.added": "Suppressed an address",
    "suppression.lifted": "Lifted a suppression",
    "audit.redacted": "Removed erased names",
    "audit.exported": "Exported audit events",
    "audit.bundle_written": "Exported an evidence bundle",
    "audit.origin_changed": "Started a new log origin after a restore",
    "audit.feed_rewound": "Sent audit events to a feed again",
    "audit.ids_unused": "Recorded unused IDs",
    "audit.key_added": "Added an audit signing key",
    "audit.key_retired": "Retired an audit signing key",
    "audit.key_revoked": "Revoked an audit signing key",
    "audit.values_removed": "Removed personal values of old events",
    "export.made": "Exported accounts",
    "export.archive_made": "Exported an archive with password hashes",
    "export.scheduled": "Scheduled an export",
    "export.schedule_ended": "Ended a scheduled export",
    "export.schedule_stopped": "Scheduled export stopped",
    "export.downloaded": "Downloaded an export",
    "export.removed": "Removed an export",
    "import.uploaded": "Uploaded a file to import",
    "import.removed": "Removed a file to import",
    "import.list_downloaded": "Downloaded rejected rows",
    "role.created": "Created a role",
    "role.changed": "Changed a role",
    "role.deleted": "Deleted a role",
    "review.opened": "Opened an access review",
    "review.decided": "Reviewed a role",
    "review.closed": "Ended an access review",
    "review.escalated": "Left an access review to administrators",
    "account.role_requested": "Requested a role",
    "account.role_approved": "Approved a role",
    "account.role_declined": "Declined a role",
    "account.role_cancelled": "Cancelled a role request",
    "accounts.seeded": "Created demo accounts",
    "denied": "Refused",
}


def register_label(action: str, label: str) -> None:
    """Adds the label of an action to ACTION_LABELS."""
    ACTION_LABELS[action] = label


# Labels of stored values, by the field that holds them.
VALUE_LABELS: dict[str, dict[str, str]] = {}
# Labels of the counts of a job by its kind, where they differ from the names of the counts.
JOB_COUNT_LABELS: dict[str, dict[str, str]] = {}


def register_values(field: str, labels: dict[str, str]) -> None:
    """Adds labels of the values that events hold in `field`."""
    VALUE_LABELS.setdefault(field, {}).update(labels)
