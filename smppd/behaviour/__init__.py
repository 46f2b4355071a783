"""How this SMSC deviates, as data: dialects, rules and faults, changeable while it runs."""
