"""What is masked of one account, shown to somebody who says why."""

from django import forms
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods
from django.views.decorators.vary import vary_on_headers

from users import masking
from users.verbs.form_submission import bind_form, submit_form
from users.verbs.reveal.verb import needs_reason, reveal_personal_data
from users.web.account_lookup import get_account
from users.web.forms import form_status, reason_field
from users.web.partials import is_partial


class RevealForm(forms.Form):
    reason = reason_field()

    def __init__(self, *args, needs_reason: bool, **kwargs):
        super().__init__(*args, **kwargs)
        if not needs_reason:
            del self.fields["reason"]


@require_http_methods(["GET", "HEAD", "POST"])
@vary_on_headers("HX-Request")
def reveal_page(request, pk: int):
    """The values stand in the answer to the POST alone: at no address, and in no cache."""
    account = get_account(request, "reveal_personal", pk)
    if not masking.hides_personal_data(request.user):
        return redirect("account", pk)
    form = bind_form(
        request, RevealForm, "reveal_personal", account, needs_reason=needs_reason(request.user)
    )
    shown = (
        submit_form(
            form, lambda: reveal_personal_data(account, by=request.user, **form.cleaned_data)
        )
        if form.is_valid()
        else None
    )
    request.revealed = shown is not None
    context = {"form": form, "account": shown or account, "revealed": shown}
    part = "#values" if is_partial(request) and shown else ""
    return render(
        request,
        "users/verbs/reveal.html" + part,
        context,
        status=200 if shown else form_status(form),
    )
