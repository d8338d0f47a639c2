"""The texts of the page that clears the end date."""

from django.utils.html import format_html

from users.models import User
from users.verbs.declaration import PageTexts
from users.web.time_html import full_time_html


def explain_end_date_removal(account: User) -> str:
    currently = full_time_html(account.valid_until) or "not set"
    return format_html(
        "Currently {}. Without an end date the account stays usable while it is active.", currently
    )


END_DATE_REMOVAL_TEXTS = PageTexts(
    title="Clear end date of {name}",
    question="Clear end date?",
    explanation=explain_end_date_removal,
    button="Clear end date",
)
