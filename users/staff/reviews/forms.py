"""The forms of access reviews."""

from django import forms
from django.contrib.auth.models import Group

from users.staff.reviews.models import NAME_MAX, AccessReview, ReviewItem
from users.web.forms import TextField, TicketForm, reason_field

MAX_DAYS = 90


class ReviewForm(forms.Form):
    name = TextField(max_length=NAME_MAX, label="Name")
    role = forms.ModelChoiceField(
        Group.objects.order_by("pk"),
        required=False,
        label="Role",
        empty_label="All roles",
    )
    days = forms.IntegerField(
        min_value=1,
        max_value=MAX_DAYS,
        initial=14,
        label="Days until it ends",
        help_text=f"1 to {MAX_DAYS}.",
    )
    outcome = forms.ChoiceField(
        choices=AccessReview.Outcome.choices,
        initial=AccessReview.Outcome.ESCALATE,
        label="If undecided",
    )


class ItemForm(TicketForm):
    decision = forms.ChoiceField(
        choices=[
            ("", "Choose"),
            (ReviewItem.Decision.KEEP, "Keep the role"),
            (ReviewItem.Decision.REMOVE, "Remove the role"),
        ],
        label="Decision",
    )
    reason = reason_field(help_text="Visible in the audit trail.")


class ClosingForm(forms.Form):
    """Only its errors are shown."""
