"""The same without pytest's fixtures."""

import unittest

from textshop.shop import Shop

import protocol
import smppd


class CodesTest(unittest.TestCase):
    def test_a_code_reaches_the_customer(self):
        with smppd.Smsc() as smsc, Shop(*smsc.address) as shop:
            shop.send_code("33612345678", "493027")
            sent = smsc.expect_submit(to="336*", text=protocol.CODE)
            assert sent.groups["code"] == "493027"


if __name__ == "__main__":
    unittest.main()
