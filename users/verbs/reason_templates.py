"""Reasons to begin with: staff choose one and write on. Their names stand in addresses."""

SUSPENSION = {
    "lost-device": "A device with an open session was lost or stolen.",
    "taken-over": "Somebody else seems to use this account. Signed in from: ",
    "abuse": "Reported for abuse. Report: ",
    "unpaid": "Unpaid. Invoice: ",
    "left": "Has left the organisation. Told by: ",
    "investigation": "Under investigation. Ask: ",
}
DELETION = {
    "asked": "The person asked for it. Request: ",
    "left": "Has left the organisation. Told by: ",
    "duplicate": "A second account of the same person. The one that stays: ",
    "test": "Was made for a test.",
}


def template(templates: dict[str, str], name: str) -> str:
    """The reason of that name; "" where there is none."""
    return templates.get(name, "")
