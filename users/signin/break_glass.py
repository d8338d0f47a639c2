"""The break-glass account: the email when it is used, and the alarm if it could not be used."""

from django.conf import settings
from django.db import transaction

from users.account_state import State, in_state
from users.administrators import administrator_condition
from users.audit.record import record_event
from users.mail import outbox
from users.mail.models import Message
from users.models import User
from users.sessions.local_sign_in import is_break_glass


def report_break_glass_use(account: User) -> None:
    """Records the use of the break-glass account, and queues an email about it to every active
    administrator; nothing for other accounts.
    """
    if not is_break_glass(account):
        return
    with transaction.atomic():
        record_event("account.break_glass_used", actor=account, target=account)
        people = User.objects.filter(
            in_state(State.ACTIVE), administrator_condition(), is_staff=True
        )
        for person in people.order_by("pk"):
            outbox.post_message(Message.Kind.BREAK_GLASS, person, about=account)


def break_glass_problem() -> str:
    """Returns a problem if nobody can sign in with the account that BREAK_GLASS_USERNAME names;
    else "". Anyone may read it, so it does not say why.
    """
    name = settings.OIDC.break_glass
    if not name:
        return ""
    account = User.objects.filter(in_state(State.ACTIVE), username=name, is_superuser=True).first()
    if account and account.has_usable_password() and not account.is_service:
        return ""
    return "nobody can sign in with the break-glass account"
