"""Names of what can be done, as they stand in events and as people read them."""

ACTIONS = {
    "account.created": "Created",
    "account.imported": "Imported",
    "account.updated_by_import": "Updated by import",
    "account.invited": "Invited",
    "account.invited_again": "Invited again",
    "account.invitation_accepted": "Accepted invitation",
    "account.edited": "Edited",
    "account.suspended": "Suspended",
    "account.reinstated": "Reinstated",
    "account.roles_assigned": "Changed roles",
    "account.password_changed": "Changed password",
    "account.password_reset_asked": "Asked for a password reset",
    "view.created": "Created a shared view",
    "view.changed": "Changed a shared view",
    "view.deleted": "Deleted a shared view",
    "accounts.seeded": "Made demo accounts",
    "denied": "Refused",
}
