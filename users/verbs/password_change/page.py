"""The texts of the page that requires a password change."""

from users.verbs.declaration import PageTexts

PASSWORD_CHANGE_TEXTS = PageTexts(
    title="Force a password change for {name}",
    question="Force a password change at next sign-in?",
    explanation="Current sessions stay open.",
    button="Require change",
)
