"""The authentication backend: sign-in by username or email, and the viewer of a request."""

from typing import Any

from allauth.account.auth_backends import AuthenticationBackend
from django.contrib.auth.models import Permission
from django.db.models import QuerySet

from users.email_addresses import email_key
from users.identifiers import password_forms
from users.models import User, UserQuerySet
from users.role_grants import groups_in_effect
from users.sessions import viewer_query
from users.sessions.local_sign_in import must_use_provider


class Backend(AuthenticationBackend):
    def _authenticate(self, request: Any, **credentials: Any) -> User | None:
        """Replaces the lookups of allauth, which try an address twice, as a username and as an
        address: a wrong password was then hashed twice for an account and once for nobody, so the
        time of the answer told who has an account. Here an account is tried once.
        """
        typed = credentials.get("username") or credentials.get("email") or ""
        for account in accounts_of_login(typed):
            if self._check_password(account, credentials["password"]):
                return account
        return None

    def _check_password(self, user: Any, password: str) -> User | None:
        """Accepts no password of staff who must use the provider, and takes as long as usual."""
        if user is None or not must_use_provider(user):
            return super()._check_password(user, password)
        self._did_check_password = True
        user.check_password(password)
        return None

    def _mitigate_timing_attack(self, password: str) -> None:
        """Hashes a password for nobody, as often as the account of somebody would check it."""
        for form in password_forms(password):
            super()._mitigate_timing_attack(form)

    def user_can_authenticate(self, user) -> bool:
        """Returns whether somebody may sign in to the account. Programs use tokens instead."""
        return not user.is_service and super().user_can_authenticate(user)

    def get_user(self, user_id) -> User | None:
        """Returns the account with its permissions loaded; None if it may not sign in.

        The permissions of superusers are not loaded, because they have all.
        """
        account = viewer_query.load_viewer(user_id)
        return account if account is not None and self.user_can_authenticate(account) else None

    def _get_group_permissions(self, user_obj: User) -> QuerySet[Permission]:
        """Leaves out roles that have ended. Jobs and commands load their actor without a session,
        so `get_user` is not asked.
        """
        return Permission.objects.filter(group__in=groups_in_effect(user_obj.pk))


def accounts_of_login(typed: str) -> list[User]:
    """Returns the account that has this address, then another one that has this username."""
    found = UserQuerySet(User)
    by_address = found.filter(email__lower=email_key(typed)).first() if typed else None
    by_username = found.filter(username=typed).first()
    accounts = [account for account in (by_address, by_username) if account]
    return list(dict.fromkeys(accounts))
