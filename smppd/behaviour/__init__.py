"""How this message centre deviates, as data: dialects, rules, and what they are made of.

Nothing here knows of sockets or of asyncio. Time and chance are handed in: a clock's readings with each PDU, and a seed
from which every draw is keyed, so that what happens depends neither on other accounts nor on how TCP cut the stream.
"""
