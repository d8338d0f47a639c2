"""What a person would get, as a letter to them stands so far."""

from django.shortcuts import render
from django.views.decorators.http import require_POST
from django.views.decorators.vary import vary_on_headers

from users.verbs.form_submission import bind
from users.verbs.forms import LetterForm
from users.web.account_lookup import get_account
from users.web.forms import status_of
from users.web.partials import is_partial


@require_POST
@vary_on_headers("HX-Request")
def sample(request, pk: int):
    """Nothing is written to anybody. HTMX asks as somebody types, so an unfinished text is nothing
    to complain of.
    """
    account = get_account(request, "write", pk)
    form = bind(request, LetterForm, "write", account)
    form.fit(account, request.user)
    context = {"form": form, "account": account}
    if is_partial(request):
        form.is_valid()
        return render(request, "users/account/letter.html#sample", context)
    return render(
        request,
        "users/account/letter.html",
        context,
        status=200 if form.is_valid() else status_of(form),
    )
