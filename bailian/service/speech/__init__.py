"""The speech socket."""
