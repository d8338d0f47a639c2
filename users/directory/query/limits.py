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
# Candidates from the search index that are collected.
CANDIDATE_LIMIT = 3_000
# Matches of a filter that are sampled if there are more than COLLECT_LIMIT.
SAMPLE_LIMIT = 300
# Accounts that contain a word. PostgreSQL reads all entries of the trigram index for the word
# before it returns the first account, which takes too long beyond this number. Random pages of the
# table are read instead: PROBE_BYTES to estimate the number, SAMPLE_BYTES as the sample.
COMMON_WORD_LIMIT = 25_000
PROBE_BYTES = 1_300_000
SAMPLE_BYTES = 6_500_000
# Accounts that match each of several filters. Reading as many index entries takes 50 ms.
BROAD_FILTER_LIMIT = 400_000
# Statements that a process caches.
CACHED_STATEMENTS = 1_000


def current_limits() -> tuple[int, ...]:
    """Returns the limits that the text of a statement depends on."""
    return (
        SCAN_LIMIT,
        SHORT_SCAN_LIMIT,
        INDEX_SCAN_LIMIT,
        COLLECT_LIMIT,
        CANDIDATE_LIMIT,
        SAMPLE_LIMIT,
        COMMON_WORD_LIMIT,
        PROBE_BYTES,
        SAMPLE_BYTES,
        BROAD_FILTER_LIMIT,
    )
