""""""

from users.web.forms import VerbForm, reason_field


class VerificationForm(VerbForm):
    reason = reason_field(label="How do you know?", help_text="Visible in the audit trail.")
