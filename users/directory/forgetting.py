"""Removes saved searches of a person and for a person, and the counts of all searches."""

from django.db.models import Q

from users.audit.record import record_event
from users.directory.counts import forget_counts
from users.directory.models import SavedView
from users.forgetting import Erasure, forgets


@forgets(order=40)
def delete_saved_searches(erasure: Erasure) -> None:
    """Deletes the account's own searches, and other people's that name the person: those would find
    nobody any more.
    """
    others = SavedView.objects.exclude(owner=erasure.account).order_by("pk")
    about = [view.pk for view in others.iterator() if names_person(view, erasure)]
    gone = SavedView.objects.filter(Q(owner=erasure.account) | Q(pk__in=about))
    for view in gone.filter(shared=True):
        before = {"view": view.pk, "shared": True}
        record_event("view.deleted", actor=erasure.by, before=before)
    gone.delete()


def names_person(view: SavedView, erasure: Erasure) -> bool:
    return erasure.names.within(view.name, view.query)


@forgets(order=90)
def drop_counts(erasure: Erasure) -> None:
    """Drops all cached counts, whose keys and values hold what people searched for."""
    forget_counts()
