"""A page for each verb that asks for something first: what it takes, and what is true afterwards."""

from users.verbs.deletion.page import DeletionForm
from users.verbs.deletion.verb import delete_account
from users.verbs.end_date.page import EndDateForm
from users.verbs.end_date.verb import set_end_date
from users.verbs.end_date_removal.verb import clear_end_date
from users.verbs.erasure.page import ErasureForm
from users.verbs.erasure.verb import erase_account
from users.verbs.forms import ConfirmForm
from users.verbs.letter.page import LetterForm
from users.verbs.letter.verb import send_letter
from users.verbs.password_change.verb import require_password_change
from users.verbs.password_reset.verb import send_password_reset
from users.verbs.reinstatement.page import ReinstatementForm
from users.verbs.reinstatement.verb import reinstate_account
from users.verbs.restoration.verb import restore_account
from users.verbs.role_addition.page import AddToGroupsForm
from users.verbs.role_addition.verb import add_to_groups
from users.verbs.role_removal.page import RemoveFromGroupsForm
from users.verbs.role_removal.verb import remove_from_groups
from users.verbs.second_factor_reset.verb import reset_second_factor
from users.verbs.suspension.page import SuspensionForm
from users.verbs.suspension.verb import suspend_account
from users.verbs.verb_page import asks
from users.verbs.verification.page import VerificationForm
from users.verbs.verification.verb import verify_email
from users.verbs.verification_email.verb import send_verification
from users.web.forms import OptionalReasonForm, ReasonForm

suspension = asks(
    "suspend",
    suspend_account,
    SuspensionForm,
    "suspension",
    done="{name} is suspended. All sessions have ended.",
    blast=True,
)
suspension_end = asks(
    "reinstate",
    reinstate_account,
    ReinstatementForm,
    "reinstatement",
    done="{name} is {state} again.",
)
end_date = asks(
    "set_end_date", set_end_date, EndDateForm, "end_date", done="{name} has an end date."
)
end_date_end = asks(
    "set_end_date",
    clear_end_date,
    OptionalReasonForm,
    "end_date_end",
    done="{name} has no end date any more.",
)
deletion = asks(
    "delete",
    delete_account,
    DeletionForm,
    "deletion",
    done="{name} is in the recycle bin. All sessions have ended.",
    blast=True,
)
deletion_end = asks(
    "restore",
    restore_account,
    OptionalReasonForm,
    "restoration",
    done="{name} is back, and is {state}.",
)
erasure = asks(
    "erase",
    erase_account,
    ErasureForm,
    "erasure",
    done="The account is erased. Its number and its trail are left.",
    blast=True,
)
password_reset = asks(
    "reset_password",
    send_password_reset,
    ConfirmForm,
    "password_reset",
    done="A mail to {email} is on its way.",
)
password_change = asks(
    "require_password_change",
    require_password_change,
    OptionalReasonForm,
    "password_change",
    done="{name} has to choose a new password before anything else.",
)
verification = asks(
    "verify_email",
    verify_email,
    VerificationForm,
    "verification",
    done="The address of {name} is verified.",
)
verification_mail = asks(
    "verify_email",
    send_verification,
    ConfirmForm,
    "verification_mail",
    done="A mail to {email} is on its way.",
)
letter = asks("write", send_letter, LetterForm, "letter", done="A mail to {email} is on its way.")
second_factor_reset = asks(
    "reset_second_factor",
    reset_second_factor,
    ReasonForm,
    "second_factor_reset",
    done="{name} signs in with the password alone. All sessions have ended.",
)
groups = asks(
    "change_groups",
    add_to_groups,
    AddToGroupsForm,
    "groups",
    done="{name} is in these groups too.",
)
groups_end = asks(
    "change_groups",
    remove_from_groups,
    RemoveFromGroupsForm,
    "groups_end",
    done="{name} is out of these groups.",
)
