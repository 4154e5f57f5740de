"""Text rows by the vendor's Batch API: half the price, an answer within hours."""
