"""Instruments that tests put into the product: fault injection, and a record of what was asked."""
