""""""

from users.web.forms import ReasonForm

# Reasons to begin with: staff choose one and complete it. Their names stand in URLs.
DELETION_REASONS = {
    "asked": "Requested by the user, ticket: ",
    "left": "Left the organisation (confirmed by): ",
    "duplicate": "Duplicate account, account to keep: ",
    "test": "Test account.",
}


class DeletionForm(ReasonForm):
    templates = DELETION_REASONS
