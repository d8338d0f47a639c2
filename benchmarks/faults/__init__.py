"""bin/bench --faults MINUTES: a team at work while servers are killed, and what it notices."""
