"""The form of an email to a person, and its preview."""

from typing import Any

from django import forms
from django.conf import settings
from django.core.exceptions import ValidationError
from django.shortcuts import render
from django.views.decorators.http import require_POST
from django.views.decorators.vary import vary_on_headers

from users.mail import letter_text
from users.mail.models import SUBJECT_MAX, TEXT_MAX
from users.mail.organisation import current_organisation
from users.models import User
from users.verbs.form_submission import bind_form
from users.verbs.forms import ConfirmForm
from users.web.account_lookup import get_account
from users.web.forms import TextField, form_status
from users.web.partials import background_view, is_partial


@background_view
@require_POST
@vary_on_headers("HX-Request")
def letter_sample(request, pk: int):
    """Shows the email as it would be sent, without sending it.

    HTMX requests it while the user types, so an incomplete text is not an error.
    """
    account = get_account(request, "write", pk)
    form = bind_form(request, LetterForm, "write", account)
    form.fit(account, request.user)
    context = {"form": form, "account": account}
    if is_partial(request):
        form.is_valid()
        return render(request, "users/verbs/letter.html#sample", context)
    status = 200 if form.is_valid() else form_status(form)
    return render(request, "users/verbs/letter.html", context, status=status)


class LetterForm(ConfirmForm):
    subject = TextField(max_length=SUBJECT_MAX, label="Subject")
    text = TextField(
        max_length=TEXT_MAX,
        label="Text",
        widget=forms.Textarea(attrs={"rows": 9}),
        help_text=f"Plain text. Placeholders: {letter_text.PLACEHOLDER_NAMES}.",
    )

    def fit(self, account: User, viewer: Any) -> None:
        """Stores the account, which is masked for the viewer, for the preview."""
        self.person = account

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or self.cleaned_data
        if not self.errors.keys() & {"subject", "text"}:
            try:
                cleaned["subject"], cleaned["text"] = letter_text.clean_letter(
                    cleaned["subject"], cleaned["text"]
                )
            except ValidationError as error:
                self.add_error(None, error)
        return cleaned

    @property
    def placeholders(self) -> list[str]:
        return [f"{{{name}}}" for name in letter_text.VARIABLES]

    @property
    def sample(self) -> dict[str, Any]:
        """The subject and text as the person would get them, with what is wrong in them; {} if both
        are empty.
        """
        if not hasattr(self, "person") or not self.is_bound:
            return {}
        typed = {name: self.data.get(name, "").strip() for name in ("subject", "text")}
        if not any(typed.values()):
            return {}
        found = {letter_text.unknown_placeholder(each): None for each in typed.values()}
        shown = {name: letter_text.preview_html(each, self.person) for name, each in typed.items()}
        return shown | {
            "errors": [error for error in found if error],
            "organisation": current_organisation(),
            "answers": settings.MAIL_REPLY_TO,
        }
