"""The one pipeline, for one job and for ten thousand: admit → record intent → send → record reply → poll → store answer → save."""
