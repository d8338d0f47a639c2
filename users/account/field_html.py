"""A field of an account on its page: name, value, and the pencil that makes a form of it.

By hand, since there are seven. This has a price tag: `facts-html` in docs/benchmarks.md.
"""

from collections.abc import Mapping
from html import escape

from django.utils.safestring import SafeString

from users.models import State, User
from users.web.icons import icon_svg

READ_ONLY_STATES = (State.DELETED, State.ERASED)


def render_field(
    account: User, may: Mapping[str, bool], name: str, label: str, said: str = ""
) -> SafeString:
    """`may`: by action, as `buttons.actions` takes it. `said`: what has just been done to it."""
    value = getattr(account, name)
    url = f"/users/{account.pk}/edit/{name}/"
    css = "" if value and name != "phone" else f' class="{"number" if value else "muted"}"'
    tag = f' <span class="tag">{"" if account.email_verified_at else "not "}verified</span>'
    pencil = (
        f' <a class="pencil" href="{url}" hx-get="{url}" hx-target="#fact-{name}" hx-swap="outerHTML"'
        f' aria-label="Edit {escape(label.lower())}" title="Edit">{icon_svg("edit")}</a>'
    )
    note = f'<small class="muted">{escape(said)}</small>'
    return SafeString(
        f'<div class="fact" id="fact-{name}"><dt>{escape(label)}</dt><dd><span{css}>{escape(value) or "–"}</span>'
        f"{tag if name == 'email' and value else ''}"
        f"{pencil if may.get('edit') and account.status not in READ_ONLY_STATES else ''}"
        f"{note if said else ''}</dd></div>\n"
    )
