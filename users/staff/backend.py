"""Who is signed in, with all that they may do, in one query: every request asks for both."""

from allauth.account.auth_backends import AuthenticationBackend
from django.db import connection
from django.db.models.expressions import RawSQL

from users.models import User

# The permissions of an account's groups and its own, as "app.codename" joined by commas.
HELD = """(
    SELECT {join}(label.app_label || '.' || permission.codename, ',')
    FROM auth_permission AS permission
    JOIN django_content_type AS label ON label.id = permission.content_type_id
    WHERE permission.id IN (
        SELECT own.permission_id FROM users_user_user_permissions AS own WHERE own.user_id = users_user.id
        UNION
        SELECT of_group.permission_id FROM auth_group_permissions AS of_group
        JOIN users_user_groups AS member ON member.group_id = of_group.group_id WHERE member.user_id = users_user.id
    )
)"""
JOIN = {"postgresql": "string_agg", "sqlite": "group_concat"}


class Backend(AuthenticationBackend):
    def get_user(self, user_id):
        """The account if it may act, its permissions filled in. A superuser's are asked for where they are listed."""
        held = RawSQL(HELD.format(join=JOIN[connection.vendor]), ())  # noqa: S611  a constant
        user = User.objects.annotate(held=held).filter(pk=user_id).first()
        if user is None or not self.user_can_authenticate(user):
            return None
        if not user.is_superuser:
            user._perm_cache = set(filter(None, (user.held or "").split(",")))
        return user
