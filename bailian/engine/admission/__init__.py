"""Who may enter: a queue a model, and how many calls are under way."""
