"""Edits one field of a profile: on a separate page, or with HTMX in place of the value."""

from typing import Any

from django.contrib import messages
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render

from users.account import page
from users.account.profile_tab import profile_content
from users.fields import PROFILE_FIELDS
from users.history import edit_conflicts
from users.models import User
from users.verbs.form_submission import bind_form, submit_form
from users.verbs.obstacles import DELETED_OBSTACLES, refuse_before_form
from users.verbs.profile.page import check_typed_password, field_form, with_own_password
from users.verbs.profile.verb import edit_profile
from users.web.account_lookup import get_account
from users.web.forms import VersionedForm, form_page, form_status
from users.web.partials import is_partial


@form_page
def edit_field(request, pk: int, name: str):
    account = get_account(request, "edit", pk)
    if name not in PROFILE_FIELDS:
        raise Http404
    refuse_before_form(request, account, DELETED_OBSTACLES)
    form_class = field_form(name)
    if name == "email" and account.pk == request.user.pk:
        form_class = with_own_password(form_class)
    initial = {"version": account.version, name: getattr(account, name)}
    form = bind_form(
        request,
        form_class,
        "edit",
        account,
        initial=initial,
        auto_id=f"{name}_%s",
    )
    check_typed_password(request, account, form)
    if changed := submit_form(form, edit_profile, account, by=request.user):
        return saved_response(request, changed, form[name])
    return field_form_response(request, account, form, name)


def saved_response(request, account: User, field: Any) -> HttpResponse:
    """Returns the field, and out of band what else of the page the change has made stale."""
    if not is_partial(request):
        messages.success(request, edit_conflicts.profile_saved(account, request.user))
        return redirect("account", account.pk)
    shown = page.get_page_account(request, "edit", account.pk)
    context = page.page_context(request, shown)
    context |= profile_content(request, shown, context)
    context |= {
        "name": field.name,
        "label": field.label,
        "message": edit_conflicts.saved_message(account, request.user),
        "out_of_band": True,
    }
    return render(request, "users/account/_field_saved.html", context)


def field_form_response(request, account: User, form: VersionedForm, name: str) -> HttpResponse:
    form.fields[name].widget.attrs["autofocus"] = True
    back = f"/users/{account.pk}/"
    context = {
        "account": account,
        "form": form,
        "field": form[name],
        "action": f"{back}edit/{name}/",
        "back": back,
    }
    context |= edit_conflicts.conflict_context(form, request.user, back)
    template = (
        "users/account/_field_form.html"
        if is_partial(request)
        else "users/account/profile_field.html"
    )
    return render(request, template, context, status=form_status(form))
