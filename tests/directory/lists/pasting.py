"""Pasted lists as tests make them."""

from users.directory.lists.models import LineKind, PastedList
from users.directory.lists.pasted_lists import create_list
from users.directory.lists.typed_lines import read_lines

PATH = "/users/lists/"


def paste_list(owner, *lines: object) -> PastedList:
    typed = read_lines("\n".join(map(str, lines)))
    return create_list(typed, by=owner, kind=LineKind.ANY)
