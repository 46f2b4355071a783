"""Sockets: one asyncio.Protocol per connection around a sans-IO session, and the listeners that accept them."""
