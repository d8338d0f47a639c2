"""Saved views: made, changed and deleted by their owner. What concerns a shared one leaves an
event.
"""

from typing import Any

from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction
from django.db.models import Max, Q, QuerySet
from django.http import Http404, QueryDict

from users import access, masking
from users.audit.record import record
from users.directory.filter import BadFilter, Filter
from users.directory.models import SavedView
from users.identifiers import LARGEST_ID
from users.models import User

EACH = 100  # views that one person may have
NUMBER = "q=[^&]*[0-9]{5}"


class StaleView(Exception):
    """The view has changed since the version that the person saw. `current` is the view as it is
    now.
    """

    def __init__(self, current: SavedView):
        super().__init__(f"{current} is at version {current.version}.")
        self.current = current


def seen_by(viewer: User) -> QuerySet[SavedView]:
    """The viewer's own, in their order, and then what others share, by name."""
    views = SavedView.objects.select_related("owner").filter(Q(owner=viewer) | Q(shared=True))
    if masking.hides(
        viewer
    ):  # opening it would tell the address or the number that it searches for
        views = views.exclude(
            ~Q(owner=viewer)
            & (Q(query__contains="%40") | Q(query__regex=NUMBER) | Q(name__contains="@"))
        )
    return views.alias(others=~Q(owner=viewer)).order_by("others", "position", "name", "pk")


def get(viewer: User, pk: int) -> SavedView:
    """Raises Http404, also for what is somebody else's own business."""
    view = seen_by(viewer).filter(pk=pk).first() if 0 < pk <= LARGEST_ID else None
    if view is None:
        raise Http404
    return view


def filter_of(view: SavedView, **defaults: Any) -> Filter:
    """Raises BadFilter where the stored text means nothing any more."""
    return Filter.parse(QueryDict(view.query), **defaults)


def words(view: SavedView, viewer: User) -> str:
    """What it shows, or "" where its filter means nothing any more, or nothing to this viewer."""
    try:
        return str(filter_of(view, masked=masking.hides(viewer)))
    except BadFilter:
        return ""


def address(viewer: User, query: QueryDict) -> str:
    """Where `?view=<id>` leads: to the list that it means today, or to its own page where it means
    nothing any more.

    Raises BadFilter where other parameters stand beside it, and Http404.
    """
    number = str(query["view"])
    if any(name != "view" or len(values) > 1 for name, values in query.lists()):
        raise BadFilter(
            "view", "A view can’t be combined with filters. Open it first, then add filters."
        )
    if not (number.isascii() and number.isdigit() and len(number) < 20):
        raise BadFilter("view", "It takes the ID of a saved view.")
    view = get(viewer, int(number))
    try:
        return filter_of(view, masked=masking.hides(viewer)).url()
    except BadFilter:
        return f"/users/views/{view.pk}/"


def may_change(viewer: User, view: SavedView) -> bool:
    return viewer.pk == view.owner_id or viewer.is_superuser


def require_change(viewer: User, view: SavedView) -> None:
    if not may_change(viewer, view):
        raise access.Denied(
            "change_view", "Only the owner or a superuser may change a shared view."
        )


def create(wanted: Filter, *, by: User, name: str, shared: bool) -> SavedView:
    access.require(by, "view")
    if shared:
        access.require(by, "share_view")
    with transaction.atomic():
        own = SavedView.objects.filter(owner=by)
        if own.count() >= EACH:
            raise ValidationError(f"You already have {EACH} views. Delete one you don’t need.")
        last = own.aggregate(last=Max("position"))["last"] or 0
        query = Filter.parse(QueryDict(wanted.query), masked=masking.hides(by)).query
        view = SavedView(
            owner=by, name=name, query=query, shared=shared, position=min(last + 1, 999)
        )
        store(view)
        if shared:
            record("view.created", actor=by, after=snapshot(view))
    return view


def change(
    view: SavedView, *, by: User, version: int, name: str, shared: bool, position: int
) -> SavedView:
    with transaction.atomic():
        current = lock(view, by)
        if current.version != version:
            raise StaleView(current)
        before = snapshot(current)
        current.name = name
        current.shared = shared
        current.position = position
        if shared:
            access.require(by, "share_view")
        current.version += 1
        store(current)
        after = snapshot(current)
        if (before["shared"] or shared) and after != before:
            told = [key for key in after if after[key] != before[key] or key == "view"]
            before, after = ({key: of[key] for key in told} for of in (before, after))
            record("view.changed", actor=by, before=before, after=after)
    return current


def delete(view: SavedView, *, by: User) -> None:
    with transaction.atomic():
        current = lock(view, by)
        before = snapshot(current)
        current.delete()
        if before["shared"]:
            record("view.deleted", actor=by, before=before)


# --- what these are made of -----------------------------------------------------------------------


def lock(view: SavedView, by: User) -> SavedView:
    """The row as it is now. Raises Http404 where it is gone, and Denied."""
    access.require(by, "view")
    current = SavedView.objects.select_for_update(of=("self",)).filter(pk=view.pk).first()
    if current is None:
        raise Http404
    require_change(by, current)
    return current


def snapshot(view: SavedView) -> dict[str, Any]:
    """What colleagues see of it; where it stands among the owner's views is no concern of theirs."""
    return {"view": view.pk, "name": view.name, "query": view.query, "shared": view.shared}


def store(view: SavedView) -> None:
    try:
        with transaction.atomic():
            view.save()
    except IntegrityError as error:
        if "view_name_present" in str(error):
            raise
        raise ValidationError({"name": "You already have a view with this name."}) from error
