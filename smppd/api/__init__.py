"""The HTTP door. Import its modules late: aiohttp costs more start-up time than the rest of the server together."""
