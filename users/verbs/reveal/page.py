"""The page that shows the masked personal data of an account."""

from django.shortcuts import redirect, render
from django.views.decorators.vary import vary_on_headers

from users import masking
from users.meter.checks import require_allowance
from users.meter.models import UseKind
from users.verbs.form_submission import bind_form, submit_form
from users.verbs.obstacles import refuse_before_form
from users.verbs.reveal.verb import REVEAL_OBSTACLES, needs_reason, reveal_personal_data
from users.web.account_lookup import get_account
from users.web.forms import TicketForm, form_page, form_status, reason_field
from users.web.partials import is_partial

TEMPLATE = "users/verbs/reveal.html"


class RevealForm(TicketForm):
    """The reason for revealing the data. `with_reason`: whether the viewer must give one."""

    reason = reason_field()

    def __init__(self, *args, with_reason: bool, **kwargs):
        super().__init__(*args, **kwargs)
        if not with_reason:
            del self.fields["reason"]
            self.fields.pop("ticket", None)


@form_page
@vary_on_headers("HX-Request")
def reveal_page(request, pk: int):
    """Shows the values only in the response to the POST, which has no URL and is never cached."""
    account = get_account(request, "reveal_personal", pk)
    if not masking.hides_personal_data(request.user):
        return redirect("account", pk)
    refuse_before_form(request, account, REVEAL_OBSTACLES)
    # Asked before the form too, so that what is typed there is not lost.
    require_allowance(request, UseKind.REVEAL)
    with_reason = needs_reason(request.user)
    form = bind_form(request, RevealForm, "reveal_personal", account, with_reason=with_reason)
    revealed = submit_form(form, reveal_personal_data, account, by=request.user)
    request.revealed = revealed is not None
    if revealed is None:
        context = {
            "form": form,
            "account": account,
            "revealed": None,
        }
        return render(request, TEMPLATE, context, status=form_status(form))
    template = f"{TEMPLATE}#values" if is_partial(request) else TEMPLATE
    context = {
        "form": form,
        "account": revealed,
        "revealed": revealed,
    }
    return render(request, template, context)
