"""The pages of saved views: the list, a new one, one view."""

from collections.abc import Iterable
from typing import Any, cast

from django.contrib import messages
from django.core.exceptions import ValidationError
from django.forms import Form
from django.http import HttpResponse, QueryDict
from django.shortcuts import redirect, render
from django.views.decorators.http import require_POST, require_safe

from users import access
from users.directory import saved_searches
from users.directory.forms import ChangeSavedSearchForm, SavedFilterForm, SavedSearchForm
from users.directory.models import SavedView, ViewPage
from users.directory.saved_view_pages import SAVED_VIEW_PAGES, SavedViewPage
from users.exceptions import BadParameter
from users.web.forms import form_page, form_status, posted_data
from users.web.query_string import refuse_bad_parameters

LIST_LIMIT = 500


@form_page
def saved_search_list(request):
    """Shows the views that the viewer may open; POST saves a new one."""
    access.require(request.user, "view")
    if request.method == "POST":
        return save_new_search(request)
    found = list(saved_searches.visible_searches(request.user, None)[:LIST_LIMIT])
    for view in found:
        words = saved_searches.describe_saved_filter(view, request.user)
        view.words = words  # type: ignore[attr-defined]
    return render(request, "users/directory/views.html", {"views": found})


@require_safe
def new(request, page: ViewPage):
    """Shows the form that saves the filter in the URL, which is one of the page."""
    saved_page = SAVED_VIEW_PAGES[page]
    access.require(request.user, saved_page.action)
    wanted = savable_filter(request, request.GET, saved_page)
    form = SavedSearchForm(
        initial={"query": wanted.query, "page": page},
        may_share=access.may(request.user, "share_view"),
    )
    own = saved_searches.visible_searches(request.user, page).filter(owner=request.user)
    context = {
        "form": form,
        "filter": wanted,
        "page": saved_page,
        "replaceable": replace_links(wanted, own),
    }
    return render(request, "users/directory/view_new.html", context)


def replace_links(wanted: Any, views: Iterable[SavedView]) -> list[tuple[str, str]]:
    """Returns the name and the URL of each view that can take the filter."""
    return [(view.name, wanted.url(f"/users/views/{view.pk}/filter/")) for view in views]


def save_new_search(request) -> HttpResponse:
    """Saves the posted filter as a view, or shows the form again."""
    saved_page = posted_page(request)
    access.require(request.user, saved_page.action)
    query = QueryDict(request.POST.get("query", ""))
    wanted = savable_filter(request, query, saved_page)
    if request.POST.get("shared"):
        access.require(request.user, "share_view")
    form = SavedSearchForm(request.POST, may_share=access.may(request.user, "share_view"))
    if view := form.is_valid() and create_from_form(request, form, wanted, saved_page):
        messages.success(request, f"View “{view.name}” saved.")
        return redirect(f"/users/?view={view.pk}")
    context = {
        "form": form,
        "filter": wanted,
        "page": saved_page,
    }
    return render(request, "users/directory/view_new.html", context, status=form_status(form))


def create_from_form(
    request, form: SavedSearchForm, wanted: Any, page: SavedViewPage
) -> SavedView | None:
    """Saves the filter as a view and returns it, or adds the error to the form."""
    try:
        return saved_searches.create_saved_search(
            wanted,
            by=request.user,
            name=form.cleaned_data["name"],
            shared=form.cleaned_data["shared"],
            page=page.name,
        )
    except ValidationError as error:
        form.add_error(None, error)
        return None


def posted_page(request) -> SavedViewPage:
    """Returns the page whose filter is posted: the directory, if none is named."""
    name = request.POST.get("page") or ViewPage.DIRECTORY
    with refuse_bad_parameters(back="/users/"):
        if name not in ViewPage.values:
            raise BadParameter("page", "There is no such page.")
    return SAVED_VIEW_PAGES[ViewPage(name)]


def savable_filter(request, query: QueryDict, page: SavedViewPage) -> Any:
    """Returns the filter of the page in `query`. Raises BadRequest."""
    with refuse_bad_parameters(back=page.path):
        return page.read(query, request.user)


@form_page
def show(request, pk: int):
    access.require(request.user, "view")
    current = saved_searches.get_saved_search(request.user, pk)
    may_change = saved_searches.may_change_search(request.user, current)
    form = None
    if request.method == "POST":
        saved_searches.require_search_change(request.user, current)
    if may_change:
        form = ChangeSavedSearchForm(
            posted_data(request),
            initial=vars(current),
            may_share=access.may(request.user, "share_view") or current.shared,
        )
    if form and form.is_valid() and save_changes(request, form, current):
        messages.success(request, f"View “{form.cleaned_data['name']}” saved.")
        return redirect("directory-views")
    context = stored_filter_context(current, request.user)
    context |= {
        "form": form,
        "view": current,
        "page": saved_searches.page_of_view(current),
        "may_change": may_change,
    }
    status = form_status(form) if form else 200
    return render(request, "users/directory/view.html", context, status=status)


def save_changes(request, form: ChangeSavedSearchForm, current: SavedView) -> bool:
    """Saves the form and returns True, or adds the error to the form and returns False."""
    try:
        saved_searches.change_saved_search(current, by=request.user, **form.cleaned_data)
    except ValidationError as error:
        form.add_error(None, error)
        return False
    except saved_searches.StaleSavedView as error:
        add_stale_error(form, error.current)
        return False
    return True


def add_stale_error(form: Form, current: SavedView) -> None:
    """Adds the error that someone else changed the view, and the new version to the form.

    Submitting the form again overwrites the other change.
    """
    data = cast(QueryDict, form.data).copy()
    data["version"] = str(current.version)
    form.data = data
    message = (
        "Someone else changed this view while you had it open. "
        f"It is now “{current.name}”. Save again to overwrite it."
    )
    form.add_error(None, ValidationError(message, code="stale"))


def stored_filter_context(current: SavedView, viewer: Any) -> dict[str, object]:
    """Returns the stored filter, or the error if it is no longer valid."""
    try:
        return {"filter": saved_searches.saved_filter(current, viewer)}
    except BadParameter as error:
        return {"error": error}


@form_page
def saved_search_filter(request, pk: int):
    """Asks whether a view shall take the filter in the URL, and stores it on POST."""
    access.require(request.user, "view")
    current = saved_searches.get_saved_search(request.user, pk)
    saved_searches.require_search_change(request.user, current)
    page = saved_searches.page_of_view(current)
    wanted = savable_filter(request, request.GET, page)
    form = SavedFilterForm(posted_data(request), initial={"version": current.version})
    if form.is_valid() and replace_from_form(request, form, current, wanted):
        messages.success(request, f"View “{current.name}” updated.")
        return redirect(f"/users/?view={pk}")
    context = {
        "form": form,
        "view": current,
        "page": page,
        "filter": wanted,
    }
    context["before"] = saved_searches.describe_saved_filter(current, request.user)
    template = "users/directory/view_filter.html"
    return render(request, template, context, status=form_status(form))


def replace_from_form(request, form: SavedFilterForm, current: SavedView, wanted: Any) -> bool:
    """Stores the filter and returns True, or adds the error to the form and returns False."""
    try:
        saved_searches.replace_saved_filter(
            current, by=request.user, version=form.cleaned_data["version"], wanted=wanted
        )
    except saved_searches.StaleSavedView as error:
        add_stale_error(form, error.current)
        return False
    return True


@require_POST
def saved_search_deletion(request, pk: int):
    access.require(request.user, "view")
    current = saved_searches.get_saved_search(request.user, pk)
    saved_searches.delete_saved_search(current, by=request.user)
    messages.success(request, f"View “{current.name}” deleted.")
    return redirect("directory-views")
