"""The texts of the page that removes the link to an identity at the provider."""

from users.verbs.declaration import PageTexts

OIDC_LINK_REMOVAL_TEXTS = PageTexts(
    title="Unlink {name} from single sign-on",
    question="Unlink single sign-on?",
    explanation=(
        "The account can no longer be signed in to with single sign-on until it is linked again."
        " All sessions end immediately."
    ),
    button="Unlink single sign-on",
)
