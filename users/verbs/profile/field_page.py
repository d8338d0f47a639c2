"""One field of an account: a page with a form of one field, or with HTMX a form in the place of the
value.
"""

from typing import Any

from django.contrib import messages
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods

from users.fields import PROFILE
from users.history import edit_conflicts
from users.models import User
from users.verbs.form_submission import bind, submit
from users.verbs.profile.page import field_form
from users.verbs.profile.verb import edit_profile
from users.web.account_lookup import get_account
from users.web.forms import VersionedForm, status_of
from users.web.partials import is_partial


@require_http_methods(["GET", "HEAD", "POST"])
def edit(request, pk: int, name: str):
    account = get_account(request, "edit", pk)
    if name not in PROFILE:
        raise Http404
    initial = {"version": account.version, name: getattr(account, name)}
    form = bind(request, field_form(name), "edit", account, initial=initial, auto_id=f"{name}_%s")
    if form.is_valid() and (
        done := submit(form, lambda: edit_profile(account, by=request.user, **form.cleaned_data))
    ):
        return saved(request, done, form[name])
    return asked(request, account, form, name)


def saved(request, account: User, field: Any) -> HttpResponse:
    if not is_partial(request):
        messages.success(request, edit_conflicts.profile_saved(account, request.user))
        return redirect("account", account.pk)
    says = edit_conflicts.saved(account, request.user)
    context = {"account": account, "name": field.name, "label": field.label, "may": {"edit": True}}
    return render(
        request, "users/account/_fact_saved.html", context | {"announced": says, "said": says}
    )


def asked(request, account: User, form: VersionedForm, name: str) -> HttpResponse:
    form.fields[name].widget.attrs["autofocus"] = True
    back = f"/users/{account.pk}/"
    context = {
        "account": account,
        "form": form,
        "field": form[name],
        "action": f"{back}edit/{name}/",
        "back": back,
    }
    context |= edit_conflicts.shown(form, request.user, back)
    template = (
        "users/account/_fact_form.html" if is_partial(request) else "users/account/field.html"
    )
    return render(request, template, context, status=status_of(form))
