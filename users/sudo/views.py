"""The page on which staff confirm who they are, and the end of the time for which it counts."""

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect
from django.views.decorators.http import require_http_methods

from users.sudo.confirmation import confirm_sudo, render_sudo, safe_path
from users.sudo.forms import SudoForm
from users.sudo.recent import forget_authentication
from users.web.forms import form_status, posted_data
from users.web.same_origin import form_page_path, is_same_origin

form_page = require_http_methods(["GET", "HEAD", "POST"])


@form_page
def sudo_page(request) -> HttpResponse:
    form = SudoForm(posted_data(request), request=request)
    if form.is_valid():
        return confirm_sudo(request, "password")
    given = request.POST if form.is_bound else request.GET
    context = {
        "form": form,
        "next": safe_path(given.get("next", "")),
        "kept": request.POST.get("kept", ""),
    }
    return render_sudo(request, context, status=form_status(form))


@form_page
def sudo_end(request) -> HttpResponse:
    """Ends the time in which nothing asks again."""
    if request.method == "POST":
        forget_authentication(request.session)
        messages.success(request, "Sudo ended. Sensitive actions ask again who you are.")
    back = form_page_path(request) if is_same_origin(request) else ""
    is_own_page = back.startswith("/sudo/")
    return redirect("/sudo/" if is_own_page or not back else back)
