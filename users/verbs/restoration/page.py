"""The texts of the page that restores a deleted account."""

from users.verbs.declaration import PageTexts

RESTORATION_TEXTS = PageTexts(
    title="Restore {name}",
    question="Restore {name}?",
    explanation=(
        "The account gets back its status, roles and password from before the deletion."
        " Its sessions stay ended."
    ),
    button="Restore account",
)
