"""The pages that create and revoke a token, which several rooms serve at their own URLs."""

from typing import Any

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render

from users.models import User
from users.sudo.recent import require_sudo
from users.tokens.changes import (
    create_token,
    require_revocation,
    require_token_rights,
    revoke_token,
)
from users.tokens.forms import RevocationForm, TokenForm
from users.tokens.models import ApiToken
from users.tokens.token_list import describe_tokens
from users.verbs.form_submission import submit_form
from users.web.forms import form_status, posted_data


def creation_page(request: Any, holder: User, *, back: str, back_label: str) -> HttpResponse:
    """Returns the form for a new token, or after it was sent the only page that shows the token's
    text. Raises Denied or SudoRequired.
    """
    require_token_rights(request.user, holder)
    require_sudo(request)
    form = TokenForm(posted_data(request), holder=holder)
    made = submit_form(form, create_token, holder, by=request.user)
    context = {"back": back, "back_label": back_label, "holder": holder}
    if made:
        context |= {"token": made.token, "text": made.text}
        return render(request, "users/tokens/created.html", context)
    context["form"] = form
    return render(request, "users/tokens/new.html", context, status=form_status(form))


def revocation_page(request: Any, token: ApiToken, *, back: str, back_label: str) -> HttpResponse:
    """Asks for confirmation, and revokes the token on POST. Raises Denied."""
    holder = User.objects.get(pk=token.holder_id)
    require_revocation(request.user, holder)
    form = RevocationForm(posted_data(request))
    if submit_form(form, revoke_token, token, by=request.user):
        messages.success(request, f"Token {token.name} revoked.")
        return redirect(back)
    (shown,) = describe_tokens([token], request.user)
    context = {
        "form": form,
        "token": shown,
        "back": back,
        "back_label": back_label,
    }
    return render(request, "users/tokens/revoke.html", context, status=form_status(form))
