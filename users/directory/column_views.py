"""The pages where a person chooses columns and the number of accounts per page."""

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_POST
from django.views.decorators.vary import vary_on_headers

from users import access, masking
from users.directory import preferences
from users.directory.columns import DEFAULT_COLUMNS
from users.directory.filter import PAGE_SIZES, Filter, require_choice
from users.directory.forms import ColumnsForm
from users.web.forms import form_page, form_status, posted_data
from users.web.partials import is_partial
from users.web.query_string import refuse_bad_parameters


@form_page
@vary_on_headers("HX-Request")
def column_settings(request):
    """Shows and saves the chosen columns.

    With HTMX each change is saved at once and the form returns in its new order. Without it there
    is a button.
    """
    access.require(request.user, "view")
    chosen = preferences.preferred_columns(request.user)
    form = ColumnsForm(posted_data(request), chosen=chosen)
    if form.is_valid():
        preferences.choose_columns(request.user, form.names())
        if not is_partial(request):
            messages.success(request, "Columns saved.")
            return redirect("directory-columns" if form.moves else "directory")
        form = ColumnsForm(None, chosen=preferences.preferred_columns(request.user))
    part = "#form" if is_partial(request) else ""
    context = {"form": form, "saved": request.method == "POST" and not form.is_bound}
    return render(request, "users/directory/columns.html" + part, context, status=form_status(form))


@require_POST
def reset_columns(request):
    """Restores the default columns."""
    access.require(request.user, "view")
    preferences.choose_columns(request.user, DEFAULT_COLUMNS)
    messages.success(request, "Columns reset to default.")
    return redirect("directory-columns")


@require_POST
def set_page_size(request) -> HttpResponse:
    """Stores the number of accounts per page and redirects to the list in the query string."""
    access.require(request.user, "view")
    sizes = [str(size) for size in PAGE_SIZES]
    masked = masking.hides_personal_data(request.user)
    with refuse_bad_parameters(back="/users/"):
        chosen = int(require_choice("size", request.POST.get("size", ""), sizes))
        wanted = Filter.parse(
            request.GET,
            size=chosen,
            masked=masked,
            viewer_id=request.user.pk,
        )
    preferences.choose_size(request.user, chosen)
    return redirect(wanted.with_size(chosen).url())
