"""The table that maps each action of the audit trail to an activity of OCSF 1.6."""

from enum import IntEnum


class AccountChange(IntEnum):
    """Activities of the class Account Change."""

    CREATE = 1
    ENABLE = 2
    PASSWORD_CHANGE = 3
    PASSWORD_RESET = 4
    DISABLE = 5
    DELETE = 6
    MFA_FACTOR_ENABLE = 10
    MFA_FACTOR_DISABLE = 11
    UNLOCK = 12
    OTHER = 99


class Authentication(IntEnum):
    """Activities of the class Authentication."""

    LOGOFF = 2
    OTHER = 99


class EntityManagement(IntEnum):
    """Activities of the class Entity Management."""

    CREATE = 1
    READ = 2
    UPDATE = 3
    DELETE = 4
    ENABLE = 8
    DISABLE = 9
    SUSPEND = 12
    RESUME = 13
    OTHER = 99


class UserAccess(IntEnum):
    """Activities of the class User Access Management."""

    ASSIGN_PRIVILEGES = 1
    REVOKE_PRIVILEGES = 2


class BaseEvent(IntEnum):
    """Activities of the class Base Event, which has the actions of another release."""

    OTHER = 99


CLASS_UIDS: dict[type[IntEnum], int] = {
    AccountChange: 3001,
    Authentication: 3002,
    EntityManagement: 3004,
    UserAccess: 3005,
    BaseEvent: 0,
}
OCSF_ACTIONS: dict[str, IntEnum] = {
    "account.break_glass_used": Authentication.OTHER,
    "account.changed_outside": AccountChange.OTHER,
    "account.consent_withdrawn": AccountChange.OTHER,
    "account.created": AccountChange.CREATE,
    "account.deleted": AccountChange.DELETE,
    "account.edited": AccountChange.OTHER,
    "account.email_bounced": AccountChange.OTHER,
    "account.email_confirmed": AccountChange.OTHER,
    "account.email_verified": AccountChange.OTHER,
    "account.end_date_cleared": AccountChange.OTHER,
    "account.end_date_set": AccountChange.OTHER,
    "account.erased": AccountChange.DELETE,
    "account.groups_added": UserAccess.ASSIGN_PRIVILEGES,
    "account.groups_removed": UserAccess.REVOKE_PRIVILEGES,
    "account.imported": AccountChange.CREATE,
    "account.invitation_accepted": AccountChange.ENABLE,
    "account.invited": AccountChange.CREATE,
    "account.invited_again": AccountChange.OTHER,
    "account.lockout_ended": AccountChange.UNLOCK,
    "account.oidc_linked": AccountChange.OTHER,
    "account.oidc_unlinked": AccountChange.OTHER,
    "account.password_change_required": AccountChange.OTHER,
    "account.password_changed": AccountChange.PASSWORD_CHANGE,
    "account.password_rehashed": AccountChange.OTHER,
    "account.password_reset_asked": AccountChange.PASSWORD_RESET,
    "account.password_reset_sent": AccountChange.PASSWORD_RESET,
    "account.provisioned": AccountChange.CREATE,
    "account.put_back": AccountChange.OTHER,
    "account.recovery_codes_made": AccountChange.OTHER,
    "account.reinstated": AccountChange.ENABLE,
    "account.restored": AccountChange.ENABLE,
    "account.revealed": EntityManagement.READ,
    # Roles that were replaced by others.
    "account.roles_assigned": UserAccess.ASSIGN_PRIVILEGES,
    "account.second_factor_added": AccountChange.MFA_FACTOR_ENABLE,
    "account.second_factor_removed": AccountChange.MFA_FACTOR_DISABLE,
    "account.second_factor_reset": AccountChange.MFA_FACTOR_DISABLE,
    "account.session_ended": Authentication.LOGOFF,
    "account.sessions_ended": Authentication.LOGOFF,
    "account.sudo_started": Authentication.OTHER,
    "account.suspended": AccountChange.DISABLE,
    "account.text_redacted": AccountChange.OTHER,
    "account.traces_removed": AccountChange.OTHER,
    "account.undone": AccountChange.OTHER,
    "account.role_approved": UserAccess.ASSIGN_PRIVILEGES,
    "account.role_cancelled": AccountChange.OTHER,
    "account.role_declined": AccountChange.OTHER,
    "account.role_requested": AccountChange.OTHER,
    "account.unsubscribed": AccountChange.OTHER,
    "account.updated_by_import": AccountChange.OTHER,
    "account.updated_by_provisioning": AccountChange.OTHER,
    "account.verification_sent": AccountChange.OTHER,
    "account.written_to": AccountChange.OTHER,
    "accounts.seeded": EntityManagement.CREATE,
    "audit.bundle_written": EntityManagement.READ,
    "audit.events_removed": EntityManagement.DELETE,
    "audit.exported": EntityManagement.READ,
    "audit.feed_rewound": EntityManagement.UPDATE,
    "audit.ids_unused": EntityManagement.UPDATE,
    "audit.key_added": EntityManagement.CREATE,
    "audit.key_retired": EntityManagement.DISABLE,
    "audit.key_revoked": EntityManagement.DISABLE,
    "audit.origin_changed": EntityManagement.UPDATE,
    "audit.redacted": EntityManagement.UPDATE,
    "audit.values_removed": EntityManagement.UPDATE,
    "campaign.cancelled": EntityManagement.DISABLE,
    "campaign.changed": EntityManagement.UPDATE,
    "campaign.created": EntityManagement.CREATE,
    "campaign.discarded": EntityManagement.DELETE,
    "campaign.paused": EntityManagement.SUSPEND,
    "campaign.resumed": EntityManagement.RESUME,
    "campaign.retried": EntityManagement.UPDATE,
    "campaign.started": EntityManagement.ENABLE,
    "campaign.tested": EntityManagement.UPDATE,
    "denied": EntityManagement.OTHER,
    "export.archive_made": EntityManagement.CREATE,
    "export.downloaded": EntityManagement.READ,
    "export.made": EntityManagement.CREATE,
    "export.removed": EntityManagement.DELETE,
    "export.schedule_ended": EntityManagement.DELETE,
    "export.schedule_stopped": EntityManagement.SUSPEND,
    "export.scheduled": EntityManagement.CREATE,
    "import.list_downloaded": EntityManagement.READ,
    "import.removed": EntityManagement.DELETE,
    "meter.exceeded": EntityManagement.OTHER,
    "role.created": EntityManagement.CREATE,
    "role.changed": EntityManagement.UPDATE,
    "role.deleted": EntityManagement.DELETE,
    "review.opened": EntityManagement.CREATE,
    "review.decided": EntityManagement.UPDATE,
    "review.closed": EntityManagement.UPDATE,
    "review.escalated": EntityManagement.UPDATE,
    "import.uploaded": EntityManagement.CREATE,
    "job.approval_asked": EntityManagement.UPDATE,
    "job.approved": EntityManagement.ENABLE,
    "job.cancelled": EntityManagement.DISABLE,
    "job.declined": EntityManagement.DISABLE,
    "job.done": EntityManagement.UPDATE,
    "job.list_downloaded": EntityManagement.READ,
    "job.parked": EntityManagement.SUSPEND,
    "job.paused": EntityManagement.SUSPEND,
    "job.resumed": EntityManagement.RESUME,
    "job.started": EntityManagement.CREATE,
    "list.created": EntityManagement.CREATE,
    "note.added": EntityManagement.CREATE,
    "note.edited": EntityManagement.UPDATE,
    "note.pinned": EntityManagement.UPDATE,
    "note.unpinned": EntityManagement.UPDATE,
    "service.changed": AccountChange.OTHER,
    "service.created": AccountChange.CREATE,
    "service.ended": AccountChange.DISABLE,
    "suppression.added": EntityManagement.CREATE,
    "suppression.lifted": EntityManagement.DELETE,
    "template.archived": EntityManagement.DISABLE,
    "template.changed": EntityManagement.UPDATE,
    "template.created": EntityManagement.CREATE,
    "template.restored": EntityManagement.ENABLE,
    "template.tested": EntityManagement.READ,
    "token.changed": EntityManagement.UPDATE,
    "token.created": EntityManagement.CREATE,
    "token.first_used": EntityManagement.READ,
    "token.revoked": EntityManagement.DISABLE,
    "view.changed": EntityManagement.UPDATE,
    "view.created": EntityManagement.CREATE,
    "view.deleted": EntityManagement.DELETE,
    "webhook.changed": EntityManagement.UPDATE,
    "webhook.created": EntityManagement.CREATE,
    "webhook.deleted": EntityManagement.DELETE,
    "webhook.paused": EntityManagement.SUSPEND,
    "webhook.replayed": EntityManagement.UPDATE,
    "webhook.resumed": EntityManagement.RESUME,
    "webhook.rotated": EntityManagement.UPDATE,
    "webhook.tested": EntityManagement.READ,
}
# The others succeeded, and are informational.
FAILURES = {"denied", "job.parked", "account.email_bounced"}
WARNINGS = {
    "account.changed_outside",
    "audit.key_revoked",
    "audit.origin_changed",
    "denied",
}
