"""Signs in as one of the demo's staff, without a password. users/urls.py has these pages only with
the setting DEMO_SIGN_IN, which bin/run sets on a laptop, and they serve only this machine.
"""

from django.contrib.auth import login
from django.http import Http404, HttpResponse
from django.shortcuts import redirect
from django.views.decorators.http import require_POST

from users import access
from users.demo.staff import NAMED_STAFF
from users.metrics.loopback import is_from_loopback
from users.models import User
from users.signin.kept_forms import returned_form
from users.sudo.confirmation import confirm_sudo
from users.web.error_page import error_page


def demo_staff() -> dict[str, User]:
    """Returns the accounts named after roles by role, without those that may not enter now."""
    found = {account.username: account for account in User.objects.filter(username__in=NAMED_STAFF)}
    return {
        role: found[username]
        for username, (role, *_) in NAMED_STAFF.items()
        if username in found and access.may_enter(found[username])
    }


@require_POST
def sign_in_by_role(request) -> HttpResponse:
    if not is_from_loopback(request):
        raise Http404
    account = demo_staff().get(request.POST.get("role", ""))
    if account is None:
        text = "There is no demo account with this role. Choose another one, or use your password."
        return error_page(request, 422, text)
    login(request, account)
    kept_form = returned_form(request, request.POST.get("kept", ""))
    return kept_form or redirect("/users/")


@require_POST
def confirm_in_demo(request) -> HttpResponse:
    """Confirms who the viewer is without a password, which the demo's staff don't have."""
    if not is_from_loopback(request) or not access.may_enter(request.user):
        raise Http404
    return confirm_sudo(request, "demo")
