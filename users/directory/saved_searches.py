"""Saved views of the directory and of the audit trail: created, changed and deleted by their owner.

A change of a shared view writes an audit event.
"""

from typing import Any

from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction
from django.db.models import Max, Q, QuerySet
from django.http import Http404, QueryDict
from django.shortcuts import get_object_or_404

from users import access, masking
from users.audit.record import record_event
from users.directory.filter import BadFilter
from users.directory.models import SavedView, ViewPage
from users.directory.saved_view_pages import SAVED_VIEW_PAGES, SavedViewPage, permitted_pages
from users.exceptions import BadParameter
from users.models import User

SEARCHES_PER_OWNER = 100
# A text in a query string that may be a phone number: five digits, also in groups.
NUMBER_PATTERN = "(q|text|value)=[^&]*[0-9](([-+.]|%2F|%28|%29|%2B){0,3}[0-9]){4}"
# An at sign in each form that users/contact_data.py knows, as it is in a query string.
AT_PATTERN = "%40|%EF%BC%A0|%EF%B9%AB|%26%2364%3B|(%28|%5B|%7B)[+]?(at|AT)[+]?(%29|%5D|%7D)"


class StaleSavedView(Exception):
    """The view has changed since the version that the user saw. `current` is its new state."""

    def __init__(self, current: SavedView):
        super().__init__(f"{current} is at version {current.version}.")
        self.current = current


def visible_searches(
    viewer: User, page: ViewPage | None = ViewPage.DIRECTORY
) -> QuerySet[SavedView]:
    """Returns the viewer's own views by position, then the shared ones of others by name.

    `page`: None for the views of all pages that the viewer may open.
    """
    others = ~Q(owner=viewer)
    views = SavedView.objects.select_related("owner").filter(Q(owner=viewer) | Q(shared=True))
    views = views.filter(page__in=[page] if page else permitted_pages(viewer))
    if masking.hides_personal_data(viewer):
        # Opening such a view would reveal the email address or phone number that it searches for.
        revealing = Q(query__regex=AT_PATTERN) | Q(query__regex=NUMBER_PATTERN)
        revealing |= Q(name__regex="[@＠﹫]")
        views = views.exclude(others & revealing)
    return views.alias(others=others).order_by("others", "position", "name", "pk")


def get_saved_search(viewer: User, pk: int) -> SavedView:
    """Returns a view that the viewer may see. Raises Http404 for any other."""
    return get_object_or_404(visible_searches(viewer, None), pk=pk)


def page_of_view(view: SavedView) -> SavedViewPage:
    return SAVED_VIEW_PAGES[ViewPage(view.page)]


def saved_filter(view: SavedView, viewer: User) -> Any:
    """Returns the stored filter, of the kind of its page. Raises BadParameter if it is not valid
    for this viewer, or no longer.
    """
    return page_of_view(view).read_stored(view.query, viewer)


def shown_filter_query(view: SavedView, viewer: User) -> str:
    """Returns the query string of the list that the view opens for this viewer, or ""."""
    try:
        return saved_filter(view, viewer).query
    except BadParameter:
        return ""


def describe_saved_filter(view: SavedView, viewer: User) -> str:
    """Returns the stored filter in words, or "" if it is not valid for this viewer."""
    try:
        return str(saved_filter(view, viewer))
    except BadParameter:
        return ""


def saved_search_url(viewer: User, query: QueryDict) -> str:
    """Returns the URL that `?view=<id>` redirects to: the list with the stored filter.

    If the filter is no longer valid, that is the page of the view. Raises BadFilter for an invalid
    id or other parameters, and Http404 for a view that the viewer may not open.
    """
    view_id = str(query["view"])
    if any(name != "view" or len(values) > 1 for name, values in query.lists()):
        message = "A view can’t be combined with filters. Open it first, then add filters."
        raise BadFilter("view", message)
    # An ID that no view can have gets the same 404 as that of a deleted view.
    if not (view_id.isascii() and view_id.isdigit() and len(view_id) < 20):
        raise BadFilter("view", "It takes the ID of a saved view.")
    view = get_saved_search(viewer, int(view_id))
    try:
        return saved_filter(view, viewer).url()
    except BadParameter:
        return f"/users/views/{view.pk}/"


def may_change_search(viewer: User, view: SavedView) -> bool:
    return viewer.pk == view.owner_id or viewer.is_superuser


def require_search_change(viewer: User, view: SavedView) -> None:
    if not may_change_search(viewer, view):
        message = "Only the owner or a superuser may change a shared view."
        raise access.Denied("change_view", message)


def create_saved_search(
    wanted: Any,
    *,
    by: User,
    name: str,
    shared: bool,
    page: ViewPage = ViewPage.DIRECTORY,
) -> SavedView:
    """Saves a filter of the page as a view of `by`."""
    access.require(by, SAVED_VIEW_PAGES[page].action)
    if shared:
        access.require(by, "share_view")
    with transaction.atomic():
        own = SavedView.objects.filter(owner=by)
        if own.count() >= SEARCHES_PER_OWNER:
            message = f"You already have {SEARCHES_PER_OWNER} views. Delete one you don’t need."
            raise ValidationError(message)
        last = own.aggregate(last=Max("position"))["last"] or 0
        view = SavedView(
            owner=by,
            page=page,
            name=name,
            query=stored_query(wanted, by, page),
            shared=shared,
            position=min(last + 1, 999),
        )
        store_saved_search(view)
        if shared:
            record_event("view.created", actor=by, after=saved_search_values(view))
    return view


def change_saved_search(
    view: SavedView, *, by: User, version: int, name: str, shared: bool, position: int
) -> SavedView:
    with transaction.atomic():
        current = lock_saved_search(view, by)
        if current.version != version:
            raise StaleSavedView(current)
        before = saved_search_values(current)
        current.name = name
        current.shared = shared
        current.position = position
        if shared:
            access.require(by, "share_view")
        current.version += 1
        store_saved_search(current)
        after = saved_search_values(current)
        if before["shared"] or shared:
            record_search_change(before, after, by=by)
    return current


def replace_saved_filter(view: SavedView, *, by: User, version: int, wanted: Any) -> SavedView:
    with transaction.atomic():
        current = lock_saved_search(view, by)
        if current.version != version:
            raise StaleSavedView(current)
        if current.shared:
            access.require(by, "share_view")
        before = saved_search_values(current)
        current.query = stored_query(wanted, by, ViewPage(current.page))
        current.version += 1
        store_saved_search(current)
        if current.shared:
            record_search_change(before, saved_search_values(current), by=by)
    return current


def delete_saved_search(view: SavedView, *, by: User) -> None:
    with transaction.atomic():
        current = lock_saved_search(view, by)
        before = saved_search_values(current)
        current.delete()
        if before["shared"]:
            record_event("view.deleted", actor=by, before=before)


# --- helpers --------------------------------------------------------------------------------------


def stored_query(wanted: Any, by: User, page: ViewPage) -> str:
    """Returns the query string of a filter, which does not depend on the preferences of `by`."""
    return SAVED_VIEW_PAGES[page].read(QueryDict(wanted.query), by).query


def lock_saved_search(view: SavedView, by: User) -> SavedView:
    """Returns the current row, locked. Raises Http404 if it is gone, and Denied."""
    access.require(by, page_of_view(view).action)
    current = SavedView.objects.select_for_update(of=("self",)).filter(pk=view.pk).first()
    if current is None:
        raise Http404
    require_search_change(by, current)
    return current


def record_search_change(before: dict[str, Any], after: dict[str, Any], *, by: User) -> None:
    """Records the values that differ, with the id of the view. Writes nothing if none does."""
    if after == before:
        return
    names = [name for name in after if after[name] != before[name] or name == "view"]
    old = {name: before[name] for name in names}
    new = {name: after[name] for name in names}
    record_event(
        "view.changed",
        actor=by,
        before=old,
        after=new,
    )


def saved_search_values(view: SavedView) -> dict[str, Any]:
    """Returns the values that events record: those that other people can see."""
    return {
        "view": view.pk,
        "page": view.page,
        "name": view.name,
        "query": view.query,
        "shared": view.shared,
    }


def store_saved_search(view: SavedView) -> None:
    try:
        with transaction.atomic():
            view.save()
    except IntegrityError as error:
        if "view_name_present" in str(error):
            raise
        raise ValidationError({"name": "You already have a view with this name."}) from error
