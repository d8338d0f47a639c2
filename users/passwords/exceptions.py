"""The error of a password hash that can’t be stored or checked."""


class ForeignHashError(ValueError):
    """A password hash that can’t be stored or checked.

    `reason` consists of sentences for the report of an import. It never contains the hash.
    """

    def __init__(self, cause: str):
        self.reason = f"{cause} The password must be reset."
        super().__init__(self.reason)
