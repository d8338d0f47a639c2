"""The page that unlocks an account."""

from django.contrib import messages
from django.shortcuts import redirect, render

from users.sessions import throttle
from users.typed_text import isolate_text
from users.verbs.form_submission import bind_form, submit_form
from users.verbs.forms import UnversionedReasonForm
from users.verbs.lockout_end.verb import LOCKOUT_END_OBSTACLES, end_lockout
from users.verbs.obstacles import refuse_before_form
from users.web.account_lookup import get_account
from users.web.forms import form_page, form_status


@form_page
def end_lockout_page(request, pk: int):
    account = get_account(request, "end_lockout", pk)
    refuse_before_form(request, account, LOCKOUT_END_OBSTACLES)
    form = bind_form(request, UnversionedReasonForm, "end_lockout", account)
    if submit_form(form, end_lockout, account, by=request.user):
        messages.success(request, f"{isolate_text(account.display_name)} unlocked.")
        return redirect("account-signins", pk)
    context = {
        "form": form,
        "account": account,
        "until": throttle.locked_until(account),
    }
    return render(request, "users/verbs/lockout_end.html", context, status=form_status(form))
