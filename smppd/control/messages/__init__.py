"""Recorded messages: searched, shown with their lives and their PDUs, forced to an end, cancelled."""
