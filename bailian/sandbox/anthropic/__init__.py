"""The Messages route, in the shape of Anthropic (page anthropic-api-messages)."""
