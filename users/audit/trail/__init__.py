"""The pages of the audit trail: the list of events with its filters, and the page of one event.

A page of the list has a bounded cost, whatever the filter and the number of events. finder.py reads
it in two steps:

scan    The newest events after the cursor: those of one actor, target, job or action by its index,
        else all. Each is compared with the other filters. If the index alone decides, this is the
        page. Otherwise the scan ends after SCAN_LIMIT events.

blocks  Where the scan has not filled the page, on PostgreSQL: blocks of BLOCK_SIZE ids whose tokens
        contain those of all filters, newest first (blocks.py). Only the events of these blocks are
        compared. After BLOCK_LIMIT blocks the page is returned as it is, and its link leads on from
        there.

The order is that of ids, which follow time: a period becomes a range of ids. The tokens are written
by a worker once the events are sealed, so that a write of an event has no other cost than before.
SQLite has no tokens; there the scan goes on to the end.

specs.py       declares the filters         accounts.py   finds the account that somebody typed
filter.py      reads and formats them       finder.py     finds the events of a page
conditions.py  conditions on an event       blocks.py     indexes blocks of events by tokens.py
links.py       chips and links              folding.py    folds events of a job into one line
"""
