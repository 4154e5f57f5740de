"""The commands of `bailian`."""
