"""Jobs that belong together: the turns of a conversation."""
