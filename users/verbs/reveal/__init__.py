"""Show masked personal data once."""

from users.verbs.declaration import Verb
from users.verbs.reveal.page import reveal_page
from users.verbs.reveal.verb import REVEAL_OBSTACLES, reveal_personal_data

REVEAL = Verb(
    name="reveal",
    path="reveal/",
    action="reveal_personal",
    permission="reveal_personal",
    permission_label="Can reveal masked addresses and phone numbers (logged)",
    roles=("Viewer", "Support", "Manager", "Auditor", "Administrator"),
    on_own_account=True,
    read_only=True,
    obstacles=REVEAL_OBSTACLES,
    event="account.revealed",
    event_label="Revealed personal data",
    label="Reveal personal data",
    icon="eye",
    change=reveal_personal_data,
    view=reveal_page,
)
