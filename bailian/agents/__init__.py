"""The toolkit as tools of an agent, over the Model Context Protocol (the extra `[mcp]`)."""
