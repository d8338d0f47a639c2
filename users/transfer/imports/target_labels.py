"""The names of targets in forms and in reasons: pages have labels, and the command has the names
that its options take.
"""

from users.fields import field_label, label_in_text
from users.formats.import_fields import IMPORT_TARGETS

# The labels of targets that are no fields of the profile.
ACCESS_LABELS = {
    "password_hash": "Password hash",
    "password": "Password (plain text)",
    "groups": "Roles",
    "valid_until": "End date",
    "status": "Status",
    "email_verified": "Email verified",
    "note": "Note",
}
# The labels of targets that only a Rollcall archive provides.
ARCHIVE_LABELS = {
    "status_reason": field_label("status_reason"),
    "suspended_until": field_label("suspended_until"),
    "must_change_password": field_label("must_change_password"),
    "email_bounced": field_label("email_bounced_at"),
    "joined": field_label("date_joined"),
    "last_login": "Last sign-in",
    "last_seen": field_label("last_seen_at"),
}


def target_label(name: str) -> str:
    """Returns the label of a field that a column can be mapped to."""
    labels = ACCESS_LABELS | ARCHIVE_LABELS
    return labels.get(name) or field_label(name)


# Targets by label, for reasons that begin with one.
LABELLED_TARGETS = {target_label(name): name for name in IMPORT_TARGETS}


def field_at_start(name: str, *, by_command: bool) -> str:
    """Returns how a reason names a target at its beginning."""
    return name if by_command else target_label(name)


def field_in_sentence(name: str, *, by_command: bool) -> str:
    """Returns how a reason names a target within a sentence."""
    return name if by_command else ACCESS_LABELS.get(name, label_in_text(name)).lower()
