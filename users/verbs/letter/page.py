"""What a person would get, as a letter to them stands so far."""

from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.shortcuts import render
from django.views.decorators.http import require_POST
from django.views.decorators.vary import vary_on_headers

from users.mail import letter_text
from users.mail.models import SUBJECT_MAX, TEXT_MAX
from users.models import User
from users.verbs.form_submission import bind_form
from users.verbs.forms import ConfirmForm
from users.web.account_lookup import get_account
from users.web.forms import form_status, refuse_lost_characters
from users.web.partials import is_partial


@require_POST
@vary_on_headers("HX-Request")
def letter_sample(request, pk: int):
    """Nothing is written to anybody. HTMX asks as somebody types, so an unfinished text is nothing
    to complain of.
    """
    account = get_account(request, "write", pk)
    form = bind_form(request, LetterForm, "write", account)
    form.fit(account, request.user)
    context = {"form": form, "account": account}
    if is_partial(request):
        form.is_valid()
        return render(request, "users/verbs/letter.html#sample", context)
    return render(
        request,
        "users/verbs/letter.html",
        context,
        status=200 if form.is_valid() else form_status(form),
    )


class LetterForm(ConfirmForm):
    subject = forms.CharField(
        max_length=SUBJECT_MAX, label="Subject", validators=[refuse_lost_characters]
    )
    text = forms.CharField(
        max_length=TEXT_MAX,
        label="Text",
        validators=[refuse_lost_characters],
        widget=forms.Textarea(attrs={"rows": 9}),
        help_text=f"Plain text. Placeholders: {letter_text.PLACEHOLDER_NAMES}.",
    )

    def fit(self, account: User, viewer: Any) -> None:
        """`account`: as the viewer may see it, and so are its values in what is shown."""
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
    def sample(self) -> dict[str, str]:
        """What the person gets, as far as it is written; {} while there is nothing to show."""
        typed = getattr(self, "cleaned_data", {})
        if not hasattr(self, "person"):
            return {}
        subject = typed.get("subject", "")
        text = typed.get("text", "")
        if not subject and not text:
            return {}
        return {
            "subject": letter_text.fill_subject(subject, self.person),
            "text": letter_text.fill_placeholders(text, self.person),
        }
