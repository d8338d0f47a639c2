"""bin/bench: measures Rollcall and its peers on the same accounts in the same run."""
