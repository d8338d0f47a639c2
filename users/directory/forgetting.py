"""Deletes saved searches by or about an erased person, and all cached counts."""

from django.db.models import Q

from users.audit.record import record_event
from users.directory.counts import forget_counts
from users.directory.models import SavedView
from users.forgetting import Erasure, forgets


@forgets(order=40)
def delete_saved_searches(erasure: Erasure) -> None:
    """Deletes the account's own searches and those of others that name the person."""
    others = SavedView.objects.exclude(owner=erasure.account).order_by("pk")
    about = [view.pk for view in others.iterator() if view_names_person(view, erasure)]
    gone = SavedView.objects.filter(Q(owner=erasure.account) | Q(pk__in=about))
    for view in gone.filter(shared=True):
        before = {"view": view.pk, "shared": True}
        record_event("view.deleted", actor=erasure.by, before=before)
    gone.delete()


def view_names_person(view: SavedView, erasure: Erasure) -> bool:
    return erasure.names.occur_in(view.name, view.query)


@forgets(order=90)
def drop_counts(erasure: Erasure) -> None:
    """Deletes all cached counts, which hold the text of searches."""
    forget_counts()
