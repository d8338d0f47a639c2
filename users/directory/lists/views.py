"""The pages of pasted lists: the form with the viewer's lists, one list, its files."""

from django.conf import settings
from django.contrib import messages
from django.core.exceptions import ValidationError
from django.http import Http404, HttpResponse, HttpResponseBase, StreamingHttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_POST, require_safe

from users import access
from users.directory.lists import pasted_lists
from users.directory.lists.forms import PastedListForm
from users.directory.lists.models import PastedList, PastedListLine
from users.directory.selection_bar import viewer_bar_actions
from users.web.error_page import error_page
from users.web.file_upload import UPLOAD_BYTES, is_upload_too_large
from users.web.form_size import limit_form
from users.web.forms import form_page, form_status, posted_data

# Lines without one account that the page of a list shows.
LINES_SHOWN = 20
Outcome = PastedListLine.Outcome


# A file may have so much; the lines of a text DATA_UPLOAD_MAX_MEMORY_SIZE.
@limit_form(UPLOAD_BYTES)
@form_page
def index(request) -> HttpResponse:
    """Shows the form of a new list and the viewer's lists; POST looks up the lines."""
    access.require(request.user, "view")
    form = PastedListForm(
        posted_data(request),
        request.FILES or None,
        upload_too_large=is_upload_too_large(request),
    )
    if form.is_valid() and (created := store_list(request, form)):
        return redirect("directory-list", created.pk)
    context = {
        "form": form,
        "lists": pasted_lists.own_lists(request.user),
        "days": settings.LIST_DAYS,
    }
    template = "users/directory/lists/index.html"
    return render(request, template, context, status=form_status(form))


def store_list(request, form: PastedListForm) -> PastedList | None:
    """Returns the new list; None if it is refused, with the error in the form."""
    try:
        return pasted_lists.create_list(
            form.typed,
            by=request.user,
            kind=form.cleaned_data["kind"],
            name=form.file_name,
        )
    except ValidationError as error:
        form.add_error(None, error)
    return None


@require_safe
def show(request, pk: int) -> HttpResponse:
    """Shows what was found, and what can be done with the accounts."""
    pasted = pasted_lists.get_own_list(request.user, pk)
    counts = pasted_lists.count_line_outcomes(pasted)
    context = {
        "list": pasted,
        "counts": counts,
        "found": counts[Outcome.FOUND] + counts[Outcome.REPEATED],
        "ambiguous": pasted_lists.first_lines(pasted, Outcome.AMBIGUOUS, LINES_SHOWN),
        "missing": pasted_lists.first_lines(pasted, Outcome.MISSING, LINES_SHOWN),
        "bar": viewer_bar_actions(request.user),
        "query": f"all=1&list={pasted.pk}",
    }
    return render(request, "users/directory/lists/show.html", context)


@require_safe
def list_file(request, pk: int, name: str) -> HttpResponseBase:
    """Streams the lines with one outcome as CSV."""
    pasted = pasted_lists.get_own_list(request.user, pk)
    if name not in pasted_lists.FILES:
        raise Http404
    lines = pasted_lists.file_lines(pasted, name)
    response = StreamingHttpResponse(lines, content_type="text/csv; charset=utf-8")
    response["Content-Disposition"] = f'attachment; filename="list-{pasted.pk}-{name}.csv"'
    return response


@require_POST
def list_deletion(request, pk: int) -> HttpResponse:
    pasted = pasted_lists.get_own_list(request.user, pk)
    if jobs := pasted_lists.jobs_with_list(pasted.pk):
        why = f"Job {jobs[0]} uses this list and has not finished. Cancel it or wait for it."
        return error_page(request, 409, why, back=f"/jobs/{jobs[0]}/")
    pasted_lists.delete_list(pasted)
    messages.success(request, f"List {pk} deleted.")
    return redirect("directory-lists")
