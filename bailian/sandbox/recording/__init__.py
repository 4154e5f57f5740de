"""Records what one's own account answers, without its key, and answers from that later."""
