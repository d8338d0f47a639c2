"""The page of a plain verb: it shows a form and makes one change to one account."""

from typing import Any

from django.contrib import messages
from django.contrib.auth.models import Group
from django.http import HttpResponse
from django.shortcuts import redirect, render

from users import access, masking
from users.models import User
from users.sudo.recent import require_sudo
from users.typed_text import isolate_text
from users.verbs.declaration import Verb
from users.verbs.form_submission import bind_form, submit_form
from users.verbs.impact import account_impact
from users.verbs.obstacles import refuse_before_form
from users.verbs.roles.approval import approval_sentence
from users.web.account_lookup import get_account
from users.web.forms import VerbForm, form_page, form_status
from users.web.time_html import date_text
from users.web.time_zone import local_time


@form_page
def verb_page(request, pk: int, verb: Verb) -> HttpResponse:
    account = get_account(request, verb.action, pk)
    refuse_before_form(request, account, verb.obstacles)
    require_sudo(request, verb.action)
    initial = verb.form.start(account, request.GET)
    form = bind_form(request, verb.form, verb.action, account, initial=initial)
    form.fit(account, request.user)
    if changed := submit_form(form, verb.change, account, by=request.user):
        messages.success(request, success_message(verb, changed, form, request.user))
        return redirect("account", pk)
    context = verb_context(verb, account) | {"form": form}
    return render(request, verb.template, context, status=form_status(form))


def verb_context(verb: Verb, account: User) -> dict[str, Any]:
    context: dict[str, Any] = {"verb": verb, "account": account}
    if verb.texts:
        context["texts"] = verb.texts.fill_in(account)
    if verb.impact:
        context["impact"] = account_impact(account)
    return context


def success_message(verb: Verb, changed: User, form: VerbForm, viewer: Any) -> str:
    """Returns `verb.done` with values of the changed account, masked for the viewer."""
    account = masking.mask_accounts([changed], viewer)[0]
    until = ""
    if account.valid_until:
        until = date_text(local_time(account.valid_until))
    waiting = approval_sentence(changed)
    groups = granted_roles(form, changed)
    if waiting and not groups:
        return waiting
    effect = ""
    if groups and access.lacks_effect(account, groups):
        effect = f" {access.NO_EFFECT}"
    message = verb.done.format(
        name=isolate_text(account.display_name),
        email=isolate_text(account.email),
        state=account.state.label.lower(),
        until=until,
        roles=", ".join(role.name for role in groups),
        effect=effect,
    )
    return f"{message} {waiting}".rstrip()


def granted_roles(form: VerbForm, changed: User) -> list[Group]:
    """Returns the chosen roles without those that wait for approval."""
    waiting = getattr(changed, "requested_roles", ())
    return [group for group in form.cleaned_data.get("groups", ()) if group.name not in waiting]
