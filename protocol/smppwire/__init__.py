"""SMPP 3.4 (and the broadcast family of 5.0) on the wire: octets to PDUs and back.

Standard library only, no input or output, no clock: feed octets, get values. Import what you need from its module
(``smppwire.codec``, ``smppwire.pdus``, ``smppwire.constants`` ...); this package imports none of them by itself.
"""
