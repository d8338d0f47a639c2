"""Saved views as tests make them."""

from users.directory.models import SavedView

PATH = "/users/views/"


def make_view(
    owner, name: str = "Suspended", query: str = "status=suspended", **fields
) -> SavedView:
    return SavedView.objects.create(owner=owner, name=name, query=query, **fields)
