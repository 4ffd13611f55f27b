"""A broker for one machine that keeps its log: the part of Kafka's protocol that this program needs, over SQLite.

::

    server.py    connections: frames in, answers out in their order
    wire.py      which requests in which versions, and how they are read and written
    answers.py   topics, producing, fetching
    group_answers.py, groups.py   consumer groups
    journal.py   one SQLite file: topics, batches as they came, producers' sequences, committed offsets
    batch.py     the header of a record batch

A confirmation means that the record is on the disk: a commit of SQLite with ``synchronous=FULL``. It is one node,
without replicas, transactions, access control or retention; it listens on the loopback interface.
"""
