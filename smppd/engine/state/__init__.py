"""The state of an engine as rows: handed out in slices by a `Capture`, taken back by a `Restoration`.

A row is a short tuple of numbers, octets and texts. What belongs to a session is left out; see docs/snapshots.md.
"""
