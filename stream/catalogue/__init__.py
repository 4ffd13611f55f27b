"""What exists: event types and their names, channels, windows, features, outputs, topics, wording. Declarations only.

Everything else that speaks of these things is derived from here: codes of event kinds and what each counts for, loops
over windows, columns of feature vectors, JSON Schemas, AsyncAPI, entries of CSV files and of the ingest endpoint,
sentences, documentation. `docs/extending.md` shows each kind of addition. Nothing here imports more than the standard
library.

    declaring.py   the types of declarations
    windows.py     windows, in hops of their tiles
    events.py      event types, event names, kinds, channels
    features.py    features
    summing.py     features that sum a channel over a window
    wording.py     sentences of features
    outputs.py     what a customer document shows
    topics.py      topics
    personal.py    which fields of records identify or describe a person
    register.py    why data of customers is kept, and who may see it
    extension.py   declarations of installed packages
"""
