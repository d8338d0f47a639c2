"""The columns of an account that searches, sorts and checks read, derived from its names."""

from functools import lru_cache

from users.contact_data import mask_text
from users.email_addresses import xn_address
from users.identifiers import ascii_skeleton, normalise_search_text


@lru_cache(maxsize=4096)
def normalise_part(name: str) -> str:
    """Returns a first or last name as searches compare it. Many people have it too."""
    return normalise_search_text(name)


def build_search_key(
    username: str = "",
    email: str = "",
    first_name: str = "",
    last_name: str = "",
    phone: str = "",
) -> str:
    """Returns the text that searches look into. It has a line for each value, so that a search term
    cannot match across two of them.
    """
    normalise = normalise_search_text
    first = normalise_part(first_name)
    last = normalise_part(last_name)
    names = [f"{first} {last}".strip(), f"{last} {first}".strip()]
    lines = [normalise(username), normalise(email), normalise(xn_address(email)), *names]
    return "\n".join(dict.fromkeys(filter(None, [*lines, normalise(phone)])))


def derived_columns(
    username: str, email: str, first_name: str, last_name: str, phone: str
) -> dict[str, str]:
    """Returns the derived columns of an account, by name.

    name_key holds no address and no number: names sort by it, and cursors contain it.
    """
    looks_like = ascii_skeleton(username)
    return {
        "search_key": build_search_key(username, email, first_name, last_name, phone),
        "name_key": build_name_key(first_name, last_name),
        "email_domain": email.rpartition("@")[2],
        "lookalike": "" if looks_like == username else looks_like,
    }


def build_name_key(first_name: str, last_name: str) -> str:
    """Returns the text that names are sorted by."""
    name = f"{last_name} {first_name}"
    shown = mask_text(name)
    if shown == name:
        key = f"{normalise_part(last_name)} {normalise_part(first_name)}".strip()
    else:
        key = normalise_search_text(shown)
    return key[:620]
