"""Link an account to an identity at the OpenID Connect provider."""

from users.account_state import NOT_DELETED_STATES
from users.oidc.exchanges import is_enabled
from users.verbs.declaration import Verb
from users.verbs.oidc_link.page import OIDC_LINK_TEXTS, OidcLinkForm
from users.verbs.oidc_link.verb import OIDC_LINK_OBSTACLES, add_oidc_link

LINK_OIDC = Verb(
    name="link_oidc",
    path="oidc-link/",
    action="manage_links",
    sudo=True,
    obstacles=OIDC_LINK_OBSTACLES,
    event="account.oidc_linked",
    event_label="Linked single sign-on",
    label="Link single sign-on",
    icon="key",
    offered_in=NOT_DELETED_STATES,
    condition=lambda account: is_enabled() and account.is_staff,
    menu="Sign-in",
    change=add_oidc_link,
    form=OidcLinkForm,
    done="{name} linked to single sign-on.",
    texts=OIDC_LINK_TEXTS,
)
