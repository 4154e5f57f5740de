"""`bailian batch`: a file of requests, shown as it goes."""
