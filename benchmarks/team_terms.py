"""What the simulated team searches for and opens."""

NAMES = ["anna", "garcia", "schmidt", "gmail", "olsen", "kovac", "dupont", "silva", "nowak", "lee"]
TABS = ["activity", "history", "sign-ins", "mail", "notes"]
