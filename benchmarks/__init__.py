"""bin/bench: Rollcall and its peers, measured on the same accounts in the same run."""
