"""Renders the links to the verbs that fit an account as buttons and a menu.

Built without templates, because each page has a dozen links. The gain is measured as `buttons-html`
in docs/benchmarks.md.
"""

from collections.abc import Iterable, Mapping

from django.utils.safestring import SafeString

from users.account.actions import AccountAction, available_actions
from users.models import User
from users.web.icons import icon_svg


def render_actions(account: User, may: Mapping[str, bool]) -> SafeString:
    """Returns the buttons and the menu.

    `may`: for each action of users.access, whether the viewer may take it on this account.
    """
    available = available_actions(account, may)
    sections = [
        f"<section><h2>{heading}</h2>{render_link_list(account, actions)}</section>"
        for heading, actions in available.menu.items()
    ]
    if available.last_section:
        links = render_link_list(account, available.last_section, "dangerous")
        sections.append(f"<section>{links}</section>")
    menu = (
        f'<details class="menu"><summary class="button">More {icon_svg("more")}</summary>\n'
        f'<div class="menu-sheet">\n{"".join(sections)}</div></details>'
    )
    buttons = "".join(
        [
            render_link(account, action, f"button {action.link.button_style}")
            for action in available.buttons
        ]
    )
    return SafeString(f'<div class="actions">\n{buttons}{menu if sections else ""}\n</div>\n')


def render_link_list(account: User, actions: Iterable[AccountAction], css: str = "") -> str:
    items = [f"<li>{render_link(account, action, css)}</li>" for action in actions]
    return f"<ul>{''.join(items)}</ul>"


def render_link(account: User, action: AccountAction, css: str) -> str:
    """Returns one link, without an address if the verb is impossible: then it says why. All its
    texts are constants, so nothing is escaped.
    """
    style = f' class="{css.strip()}"' if css else ""
    inner = f"{icon_svg(action.verb.icon)} {action.label}"
    if reason := action.obstacle(account):
        return f'<a{style} role="link" aria-disabled="true">{inner}<small>{reason}</small></a>'
    key = f' data-key="{action.link.key}"' if action.link.key else ""
    href = f"/users/{account.pk}/{action.verb.path}"
    return f'<a{style} href="{href}"{key}>{inner}</a>'
