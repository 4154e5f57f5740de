"""What was asked for and made on this machine, to be looked up: under every key, and in the sandbox."""
