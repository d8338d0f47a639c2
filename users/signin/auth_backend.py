"""Signing in by username or email; and who an id stands for."""

from allauth.account.auth_backends import AuthenticationBackend

from users.models import User
from users.sessions import viewer_query


class Backend(AuthenticationBackend):
    def get_user(self, user_id) -> User | None:
        """The account if it may act, its permissions filled in. A superuser's are asked for where
        they are listed.
        """
        account = viewer_query.load_viewer(user_id)
        return account if account is not None and self.user_can_authenticate(account) else None
