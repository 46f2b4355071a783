"""``smppd load``: the ESME side under load, and the honest account of what an SMSC did with it."""
