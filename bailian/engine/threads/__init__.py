"""The threads of a run: one that writes, and those that wait for the network."""
