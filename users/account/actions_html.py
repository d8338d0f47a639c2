"""The links to the verbs that fit an account: buttons, and a menu. By hand, since there are a dozen
on each of its pages.
"""

from collections.abc import Iterable, Mapping

from django.utils.safestring import SafeString

from users.account.actions import Offer, offers
from users.models import User
from users.web.icons import icon


def actions(account: User, may: Mapping[str, bool]) -> SafeString:
    """`may`: by action of users.access, whether the viewer may take it on this account."""
    offered = offers(account, may)
    sections = [
        f"<section><h2>{heading}</h2>{items(account, some)}</section>"
        for heading, some in offered.menu.items()
    ]
    if offered.dangerous:
        sections.append(f"<section>{items(account, offered.dangerous, 'dangerous')}</section>")
    menu = (
        f'<details class="menu"><summary class="button">More {icon("more")}</summary>\n'
        f'<div class="menu-sheet">\n{"".join(sections)}</div></details>'
    )
    buttons = "".join([link(account, offer, f"button {offer.style}") for offer in offered.buttons])
    return SafeString(f'<div class="actions">\n{buttons}{menu if sections else ""}\n</div>\n')


def items(account: User, some: Iterable[Offer], css: str = "") -> str:
    return f"<ul>{''.join([f'<li>{link(account, offer, css)}</li>' for offer in some])}</ul>"


def link(account: User, offer: Offer, css: str) -> str:
    """Nothing in it comes from people."""
    style = f' class="{css.strip()}"' if css else ""
    key = f' data-key="{offer.key}"' if offer.key else ""
    return f'<a{style} href="/users/{account.pk}/{offer.path}"{key}>{icon(offer.icon)} {offer.label}</a>'
