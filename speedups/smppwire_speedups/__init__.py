"""What smppwire does in numbers, in C. Nobody imports this but ``smppwire.speedups``, which finds it by itself."""

from smppwire_speedups._codec import API, Codec

__all__ = ["API", "Codec"]
