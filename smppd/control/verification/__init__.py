"""Verification: what has been recorded, asked by the same conditions as those of rules."""
