"""What the server lets people see: counters and metrics, the log, the journal of raw PDUs.

Nothing is imported here: the hot path takes `counters` and `journal`, which need the standard library only, while
`metrics` (prometheus_client) waits until the HTTP door opens.
"""
