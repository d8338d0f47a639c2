"""Reasons to begin with: staff choose one and write on. Their names stand in addresses."""

SUSPENSION = {
    "lost-device": "Lost or stolen device with an open session.",
    "taken-over": "Possibly used by someone else, signed in from: ",
    "abuse": "Reported for abuse, report: ",
    "unpaid": "Unpaid invoice: ",
    "left": "Left the organisation (confirmed by): ",
    "investigation": "Under investigation, contact: ",
}
DELETION = {
    "asked": "Requested by the user, ticket: ",
    "left": "Left the organisation (confirmed by): ",
    "duplicate": "Duplicate account, account to keep: ",
    "test": "Test account.",
}


def template(templates: dict[str, str], name: str) -> str:
    """The reason of that name; "" where there is none."""
    return templates.get(name, "")
