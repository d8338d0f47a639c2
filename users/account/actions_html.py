"""The links to the verbs that fit an account: buttons, and a menu.

By hand, since each of its pages has a dozen. This has a price tag: `buttons-html` in
docs/benchmarks.md.
"""

from collections.abc import Iterable, Mapping

from django.utils.safestring import SafeString

from users.account.actions import AccountAction, available_actions
from users.models import User
from users.web.icons import icon_svg


def render_actions(account: User, may: Mapping[str, bool]) -> SafeString:
    """`may`: by action of users.access, whether the viewer may take it on this account."""
    offered = available_actions(account, may)
    sections = [
        f"<section><h2>{heading}</h2>{render_link_list(account, some)}</section>"
        for heading, some in offered.menu.items()
    ]
    if offered.dangerous:
        sections.append(
            f"<section>{render_link_list(account, offered.dangerous, 'dangerous')}</section>"
        )
    menu = (
        f'<details class="menu"><summary class="button">More {icon_svg("more")}</summary>\n'
        f'<div class="menu-sheet">\n{"".join(sections)}</div></details>'
    )
    buttons = "".join(
        [
            render_link(account, offer, f"button {offer.link.button_style}")
            for offer in offered.buttons
        ]
    )
    return SafeString(f'<div class="actions">\n{buttons}{menu if sections else ""}\n</div>\n')


def render_link_list(account: User, some: Iterable[AccountAction], css: str = "") -> str:
    return f"<ul>{''.join([f'<li>{render_link(account, offer, css)}</li>' for offer in some])}</ul>"


def render_link(account: User, offer: AccountAction, css: str) -> str:
    """Nothing in it comes from people."""
    style = f' class="{css.strip()}"' if css else ""
    key = f' data-key="{offer.link.key}"' if offer.link.key else ""
    return f'<a{style} href="/users/{account.pk}/{offer.path}"{key}>{icon_svg(offer.icon)} {offer.label}</a>'
