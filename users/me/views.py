"""The viewer's own account, the only page for people without back-office access."""

from django.contrib import messages
from django.forms.models import model_to_dict
from django.shortcuts import redirect, render
from django.views.decorators.http import require_safe

from users.fields import FIELDS, OWN_PROFILE_FIELDS, PROFILE_FIELDS
from users.history import edit_conflicts
from users.verbs.form_submission import bind_form, submit_form
from users.verbs.profile.page import OwnProfileForm
from users.verbs.profile.verb import edit_own_profile
from users.web.forms import form_page, form_status


@form_page
def own_profile(request):
    account = request.user
    initial = model_to_dict(account, fields=OwnProfileForm.base_fields)
    form = bind_form(request, OwnProfileForm, "edit_own_profile", account, initial=initial)
    if changed := submit_form(form, edit_own_profile, account):
        messages.success(request, edit_conflicts.saved_message(changed, request.user))
        return redirect("me")
    read_only_fields = [
        (FIELDS[name].label, getattr(account, name))
        for name in PROFILE_FIELDS
        if name not in OWN_PROFILE_FIELDS
    ]
    context = {
        "form": form,
        "account": account,
        "read_only_fields": read_only_fields,
    }
    context |= edit_conflicts.conflict_context(form, request.user, "/me/")
    return render(request, "users/me/profile.html", context, status=form_status(form))


@require_safe
def keyboard_shortcuts(request):
    """Lists the keys: a page, which other pages show in a dialog."""
    return render(request, "users/me/shortcuts.html")
