"""A page for each verb that asks for something first: what it takes, and what is true afterwards."""

from users import verbs
from users.verbs.forms import (
    AddToGroupsForm,
    DeletionForm,
    EndDateForm,
    ErasureForm,
    KnownAddressForm,
    LetterForm,
    NothingForm,
    OptionalReasonForm,
    ReasonForm,
    ReinstatementForm,
    RemoveFromGroupsForm,
    SuspensionForm,
)
from users.verbs.verb_page import asks

suspension = asks(
    "suspend",
    verbs.suspend,
    SuspensionForm,
    "suspension",
    done="{name} is suspended. All sessions have ended.",
    blast=True,
)
suspension_end = asks(
    "reinstate",
    verbs.reinstate,
    ReinstatementForm,
    "reinstatement",
    done="{name} is {state} again.",
)
end_date = asks(
    "set_end_date", verbs.set_end_date, EndDateForm, "end_date", done="{name} has an end date."
)
end_date_end = asks(
    "set_end_date",
    verbs.clear_end_date,
    OptionalReasonForm,
    "end_date_end",
    done="{name} has no end date any more.",
)
deletion = asks(
    "delete",
    verbs.delete,
    DeletionForm,
    "deletion",
    done="{name} is in the recycle bin. All sessions have ended.",
    blast=True,
)
deletion_end = asks(
    "restore",
    verbs.restore,
    OptionalReasonForm,
    "restoration",
    done="{name} is back, and is {state}.",
)
erasure = asks(
    "erase",
    verbs.erase,
    ErasureForm,
    "erasure",
    done="The account is erased. Its number and its trail are left.",
    blast=True,
)
password_reset = asks(
    "reset_password",
    verbs.send_password_reset,
    NothingForm,
    "password_reset",
    done="A mail to {email} is on its way.",
)
password_change = asks(
    "require_password_change",
    verbs.require_password_change,
    OptionalReasonForm,
    "password_change",
    done="{name} has to choose a new password before anything else.",
)
verification = asks(
    "verify_email",
    verbs.verify_email,
    KnownAddressForm,
    "verification",
    done="The address of {name} is verified.",
)
verification_mail = asks(
    "verify_email",
    verbs.send_verification,
    NothingForm,
    "verification_mail",
    done="A mail to {email} is on its way.",
)
letter = asks("write", verbs.write, LetterForm, "letter", done="A mail to {email} is on its way.")
second_factor_reset = asks(
    "reset_second_factor",
    verbs.reset_second_factor,
    ReasonForm,
    "second_factor_reset",
    done="{name} signs in with the password alone. All sessions have ended.",
)
groups = asks(
    "change_groups",
    verbs.add_to_groups,
    AddToGroupsForm,
    "groups",
    done="{name} is in these groups too.",
)
groups_end = asks(
    "change_groups",
    verbs.remove_from_groups,
    RemoveFromGroupsForm,
    "groups_end",
    done="{name} is out of these groups.",
)
