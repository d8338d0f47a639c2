"""Compares what a person confirmed with what is selected now, so that nothing else is changed, and
only once.
"""

from typing import Any

from users.bulk.confirmation import Confirmation
from users.bulk.forms import BulkForm
from users.bulk.preview import Preview
from users.jobs.models import Job


def find_started_job(by: Any, confirmation: Confirmation) -> Job | None:
    """Returns the job that this confirmation has started already: after a double click, or if the
    browser repeats the request.
    """
    return Job.objects.filter(by=by.pk, key=confirmation.key).first()


def new_token(subject: str, preview: Preview, by: Any) -> str:
    """Returns the token of a new confirmation of what the preview shows."""
    confirmation = Confirmation.new(
        subject,
        count=preview.count,
        confirmed_count=preview.confirmed_count,
    )
    return confirmation.token_for(by)


def is_confirmed(
    form: BulkForm, confirmation: Confirmation | None, subject: str, preview: Preview
) -> bool:
    """Returns whether the selection is the one that was shown and its number was typed. Otherwise
    adds an error to the form.
    """
    if confirmation is None or confirmation.subject != subject:
        form.add_stale_error("This page has expired.")
    elif not confirmation.count.matches(preview.count):
        now = preview.count.value
        form.add_stale_error(f"You confirmed {confirmation.count.words}; now there are {now:,}.")
    elif not confirmation.confirmed_count.matches(preview.confirmed_count):
        asked = confirmation.confirmed_count.words
        now = preview.confirmed_count.value
        form.add_stale_error(f"You confirmed {asked}; now {now:,} would change.")
    elif form.cleaned_data["count"] != confirmation.confirmed_count.value:
        number = confirmation.confirmed_count.value
        form.add_error("count", f"That doesn’t match. Type {number:,} to confirm.")
    return form.is_valid()
