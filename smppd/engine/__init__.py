"""The engine: messages, their life, routes, throughput and receipts. It knows nothing of sockets.

It sees the world only through the protocols of `smppd.engine.ports`.
"""
