"""smppd: an SMPP 3.4 protocol server and SMSC simulator."""

__version__ = "0.1.0"
