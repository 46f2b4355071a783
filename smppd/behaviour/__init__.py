"""How this message centre deviates, as data: dialects, rules, faults, and what they are made of.

Time and chance are handed in: a clock's readings with each PDU, and a seed from which every draw is keyed, so that what
happens depends neither on other accounts nor on how TCP cut the stream. Rules and dialects know nothing of sockets or
of asyncio; faults of octets and PDUs lie as a layer between asyncio's transport and a session, see
`smppd.behaviour.layer`.
"""
