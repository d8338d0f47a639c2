"""The texts of the page that resets the second factor."""

from users.verbs.declaration import PageTexts

SECOND_FACTOR_RESET_TEXTS = PageTexts(
    title="Reset second factor of {name}",
    question="Reset second factor?",
    explanation=(
        "The password alone is enough to sign in until a new second factor is set up."
        " Make sure that you are speaking with the account’s owner."
        " All sessions end immediately."
    ),
    button="Reset second factor",
)
