"""What an answer must show to be counted: it must be the requested page, not another one.

A redirect, a sign-in page or a list without its filter is fast, and would make a peer look fast.
"""

from dataclasses import dataclass, replace
from html import escape

from benchmarks.client import Answer
from users.directory.filter import DEFAULT_SORT


@dataclass(frozen=True)
class Expected:
    """The status of an answer, texts that the page has or lacks, and the target of a redirect.

    Texts and target can contain {pk}, the id of the requested account.
    """

    texts: tuple[str, ...] = ()
    absent: tuple[str, ...] = ()
    status: int = 200
    target: str = ""

    def for_account(self, pk: int) -> "Expected":
        """Returns what is expected for one account."""
        texts = tuple(text.replace("{pk}", str(pk)) for text in self.texts)
        return replace(self, texts=texts, target=self.target.replace("{pk}", str(pk)))

    def find_fault(self, answer: Answer) -> str:
        """Returns what is wrong with an answer, or "" if it is the requested page."""
        target = answer.headers.get("location", "")
        if answer.status != self.status or not target.startswith(self.target):
            return f"{answer.status} to {target}" if target else str(answer.status)
        if not self.texts:
            return ""
        page = answer.page
        for text in self.texts:
            if text not in page:
                return f"no {text}"
        for text in self.absent:
            if text in page:
                return f"unexpected {text}"
        return ""


BARE = Expected(("Signed in as",))


def expect_list(
    query: dict[str, str], lookups: dict[str, str], *, rows: bool = False
) -> dict[str, Expected]:
    """Returns what the list must show, by site.

    `query`: Rollcall's parameters; `lookups`: the admin's; `rows`: whether there is an account.
    """
    admin = Expected(('id="changelist-form"', *admin_texts(lookups)))
    row = ('<td class="c-name">',) if rows else ()
    rollcall = Expected(('id="results"', *rollcall_texts(query), *row))
    return {"rollcall": rollcall, "admin": admin, "tuned": admin, "bare": BARE}


def rollcall_texts(query: dict[str, str]) -> list[str]:
    """Returns how Rollcall's list shows its parameters. The default order is not among them."""
    texts = []
    for name, value in query.items():
        if (name, value) == ("sort", DEFAULT_SORT):
            continue
        shown = escape(value)
        if name == "q":
            texts.append(f'value="{shown}"')
        elif name in ("status", "role"):
            texts.append(f'<option value="{shown}" selected>')
        elif name in ("after", "before"):
            texts.append('data-page="previous"')
        else:
            texts.append(f'name="{name}" value="{shown}"')
    return texts


def admin_texts(lookups: dict[str, str]) -> list[str]:
    """Returns how the admin's list shows its parameters."""
    texts = []
    for name, value in lookups.items():
        shown = escape(value)
        if name == "q":
            texts.append(f'value="{shown}" id="searchbar"')
        elif name == "p":
            texts.append(f'<span class="this-page">{shown}</span>')
        else:
            texts.append(f'name="{name}" value="{shown}"')
    return texts


def expect_last_page(expected: dict[str, Expected]) -> dict[str, Expected]:
    """Returns the same for a page without a next page."""
    rollcall = replace(expected["rollcall"], absent=('data-page="next"',))
    return expected | {"rollcall": rollcall}


def expect_account(path: str = "") -> dict[str, Expected]:
    """Returns what a page of the account {pk} must show, by site. `path`: that of its tab."""
    admin = Expected(('id="user_form"', "/users/user/{pk}/history/"))
    if path == "activity/":
        admin = Expected(('id="change-history"', "/users/user/{pk}/change/"))
    rollcall = Expected(('href="/users/{pk}/',))
    return {"rollcall": rollcall, "admin": admin, "tuned": admin, "bare": BARE}


def expect_saved_form() -> dict[str, Expected]:
    """Returns where a saved form of the account {pk} redirects to, by site."""
    return {
        "rollcall": Expected(status=302, target="/users/{pk}/"),
        "admin": Expected(status=302, target="/admin/users/user/"),
        "tuned": Expected(status=302, target="/tuned/users/user/"),
    }
