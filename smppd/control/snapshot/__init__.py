"""Snapshots: the whole simulated state of a server in one file, and back; see docs/snapshots.md."""
