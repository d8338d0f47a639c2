"""Pages that ask for a verb: each shows its form, and does one thing to one account."""

from collections.abc import Callable

from django.conf import settings
from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.http import require_http_methods

from users import masking
from users.models import User
from users.verbs.form_submission import bind_form, submit_form
from users.verbs.impact import account_impact
from users.web.account_lookup import get_account
from users.web.forms import VerbForm, form_status
from users.web.time_html import date_text

form_page = require_http_methods(["GET", "HEAD", "POST"])
ViewFunction = Callable[..., HttpResponse]


def verb_page(
    action: str,
    verb: Callable[..., User],
    form_class: type[VerbForm],
    template: str,
    *,
    done: str,
    blast: bool = False,
) -> ViewFunction:
    """The view. `action`: of users.access. `verb` takes the form's values by name. `done`: what is
    true then, with {name}, {email}, {state} and {until} of the account as it is then, and the
    chosen {roles}. `blast`: shows the impact.
    """

    @form_page
    def view(request, pk: int) -> HttpResponse:
        account = get_account(request, action, pk)
        form = bind_form(
            request, form_class, action, account, initial=form_class.start(account, request.GET)
        )
        form.fit(account, request.user)
        if form.is_valid() and (
            now := submit_form(form, lambda: verb(account, by=request.user, **form.values()))
        ):
            now = masking.mask_account(now) if masking.hides_personal_data(request.user) else now
            messages.success(request, confirmation(done, now, form))
            return redirect("account", pk)
        context = {"form": form, "account": account, "grace": settings.DELETION_GRACE_DAYS}
        if blast:
            context["radius"] = account_impact(account)
        return render(request, f"users/account/{template}.html", context, status=form_status(form))

    return view


def confirmation(done: str, account: User, form: VerbForm) -> str:
    """The message about a change that was made, from the template `done`."""
    until = account.valid_until
    return done.format(
        name=account.display_name,
        email=account.email,
        state=account.state.label.lower(),
        until=date_text(timezone.localtime(until)) if until else "",
        roles=", ".join([role.name for role in form.cleaned_data.get("groups", ())]),
    )
