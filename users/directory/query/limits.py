"""The caps that bound the cost of a page, whatever the filter and the size of the table."""

# Accounts that a scan reads along the index of the sort order.
SCAN_LIMIT = 2_500
# Accounts that a scan reads when sorted by one of TIME_SORTS and filtered by the other. The columns
# correlate, so matches are either near or very far away.
SHORT_SCAN_LIMIT = 800
TIME_SORTS = {"joined", "seen"}
# Index entries that a scan reads if the index alone decides whether an account matches.
INDEX_SCAN_LIMIT = 20_000
# Matches of the filters that are collected.
COLLECT_LIMIT = 2_000
# Accounts on a pasted list that are collected, so that lists of the usual size are complete.
LIST_LIMIT = 20_000
# Candidates from the search index that are collected; and those from the index of one account in
# 31, if there are more. More than SAMPLE_CANDIDATES in that index show it. If a probe suggests more
# than MANY_CANDIDATES, the page is read from that index at once.
CANDIDATE_LIMIT = 3_000
CANDIDATE_SAMPLE = 1_000
MANY_CANDIDATES = 20_000
SAMPLE_CANDIDATES = 150
# Matches that are sampled if there are more than are collected.
SAMPLE_LIMIT = 300
# Accounts that contain the words of a search. PostgreSQL reads all their entries of the sample's
# trigram index before it returns the first account. Beyond this number, to read SAMPLE_BYTES of
# random pages of the table takes less time.
COMMON_WORD_LIMIT = 300_000
SAMPLE_BYTES = 5_000_000
# What an account that the trigram index finds costs, in entries of the index: 10 to note it and 150
# to read it. Measured: 7 ns for an entry, 0.08 µs and 1.2 µs for an account.
FOUND_COST = 10
READ_COST = 150
# Pages, or up to twice as many, whose search keys show how many accounts contain a word.
PROBE_PAGES = 100
# How long a process uses the search keys that it has read.
SAMPLE_SECONDS = 60
# Accounts that match each of several filters. Reading as many index entries takes 50 ms.
# PROBE_BYTES of random pages show whether there are more.
BROAD_FILTER_LIMIT = 400_000
PROBE_BYTES = 1_300_000
# Long words of a search that former values are looked up by; former values that contain a word,
# which the trigram index finds; and the newest former values that SQLite reads.
FORMER_WORDS = 3
FORMER_WORD_LIMIT = 35_000
FORMER_SQLITE_SCAN = 50_000
# Statements that a process caches.
CACHED_STATEMENTS = 1_000


def current_limits() -> tuple[int, ...]:
    """Returns the limits that the text of a statement depends on."""
    return (
        SCAN_LIMIT,
        SHORT_SCAN_LIMIT,
        INDEX_SCAN_LIMIT,
        COLLECT_LIMIT,
        LIST_LIMIT,
        CANDIDATE_LIMIT,
        CANDIDATE_SAMPLE,
        MANY_CANDIDATES,
        SAMPLE_CANDIDATES,
        SAMPLE_LIMIT,
        COMMON_WORD_LIMIT,
        SAMPLE_BYTES,
        BROAD_FILTER_LIMIT,
        PROBE_BYTES,
    )
