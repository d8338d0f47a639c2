"""Remove the link of an account to an identity at the OpenID Connect provider."""

from users.account_state import NOT_DELETED_STATES
from users.oidc.exchanges import is_enabled
from users.verbs.declaration import Verb
from users.verbs.oidc_link_removal.page import OIDC_LINK_REMOVAL_TEXTS
from users.verbs.oidc_link_removal.verb import OIDC_LINK_REMOVAL_OBSTACLES, remove_oidc_link
from users.web.forms import ReasonForm

UNLINK_OIDC = Verb(
    name="unlink_oidc",
    path="oidc-link/end/",
    action="manage_links",
    sudo=True,
    obstacles=OIDC_LINK_REMOVAL_OBSTACLES,
    event="account.oidc_unlinked",
    event_label="Unlinked single sign-on",
    label="Unlink single sign-on",
    icon="close",
    offered_in=NOT_DELETED_STATES,
    condition=lambda account: is_enabled() and account.is_staff,
    menu="Sign-in",
    change=remove_oidc_link,
    form=ReasonForm,
    done="{name} unlinked from single sign-on. All sessions ended.",
    texts=OIDC_LINK_REMOVAL_TEXTS,
    dangerous=True,
)
