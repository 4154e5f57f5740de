"""What a model that sees gets to see: pictures and films fetched, checked, counted and put into words."""
