"""The ESME side: traffic, pace, measurement and reports of `smppd load`."""
