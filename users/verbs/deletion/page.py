""""""

from users.web.forms import ReasonForm

# Reasons to begin with: staff choose one and complete it. Their names stand in URLs.
DELETION_REASONS = {
    "asked": "The person asked for it. Request: ",
    "left": "Has left the organisation. Told by: ",
    "duplicate": "A second account of the same person. The one that stays: ",
    "test": "Was made for a test.",
}


class DeletionForm(ReasonForm):
    templates = DELETION_REASONS
