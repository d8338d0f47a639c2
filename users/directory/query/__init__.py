"""The page query: `find` returns one page of the directory at a bounded cost, whatever the filter
and the size of the table. Other packages import only the names below.

There are three ways to read a page. page_finder.py chooses one, because the planner cannot: at ten
million accounts the wrong choice between the last two takes 19 s instead of 0.3 ms.

keyset range   An index holds exactly the matches in the wanted order (Filter.has_index_order): no
               filter, a filter with an index in this order, a range of the sort's key. The page is
               one range of that index after the cursor. It takes one query and is never capped.

scan-first     All other filters and searches. The scan reads the next 2,500 accounts in the wanted
               order, checks each and stops at a full page. If an index in this order holds the
               matches of one of the filters, or a superset of them, only these are read: 20,000 if
               the index alone decides what matches. The limit is 800 for a range of last seen in
               joined order, or the reverse. A full page, or one at the end of the order, is
               complete. Otherwise matches are collected.

collect-first  A filter with a rare value, without an index condition for a scan. Collecting reads
               the matches through the filter's own index, or accounts through the search index,
               checks the remaining conditions, sorts, and takes the page. It is complete up to
               2,000 matches of filters or 3,000 candidates of a search; beyond that it scans too.

Before a search is collected on PostgreSQL, the search keys of some 2,500 accounts, which each
process reads once a minute, give an estimate of how many accounts contain its words: the trigram
index has to read all their entries before it returns the first account. From 3,000 accounts on,
the index of the sample shows whether there are that many; from 20,000 on, the page is read from it
at once, and again from the index of all accounts if the estimate was wrong. All matches are looked
up by the rarest trigrams of the words, each of which excludes accounts that take longer to read
than its entries do.

If neither is complete, the page is built from the scanned and the collected rows and marked as
FoundPage.capped. The sample of one filter is 300 matches, the newest if an index has their order.
On PostgreSQL, a trigram index of one account in 31 has the sample for words that too many accounts
contain: 300 accounts, or 1,000 if other conditions are checked. For words that some 300,000
accounts contain, and for several filters that each match 400,000 accounts, the sample is random
pages of the table (TABLESAMPLE). SQLite has neither; there the first candidates of the full-text
index (FTS5) are collected. All caps are in limits.py.

A page takes at most two queries, and one more if the estimate of a search needs new keys, if it was
wrong, and if the search may be a username and the first page has to be read again. PageQuery caches
the statements, with the cursor and the time as parameters.

account_reader.py  reads accounts by SQL            scan_sql.py     SQL of a range and of a scan
cursors.py         encodes positions                collect_sql.py  SQL that collects matches
keyset.py          conditions after a cursor        samples.py      SQL of samples
page_query.py      the query and cached SQL         key_sample.py   how to use the trigram index
strategies.py      scan-first, collect-first        limits.py       all caps
former_search.py   finds former values              short_words.py  one or two characters
"""

from users.directory.query.cursors import LAST_PAGE, BadCursor, account_cursor, cursor_at
from users.directory.query.former_search import FoundValues, find_former_values
from users.directory.query.keyset import AccountPage
from users.directory.query.page_finder import FoundPage, find

__all__ = [
    "LAST_PAGE",
    "AccountPage",
    "BadCursor",
    "FoundPage",
    "FoundValues",
    "account_cursor",
    "cursor_at",
    "find",
    "find_former_values",
]
