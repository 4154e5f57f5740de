"""Commands that run until they are ended: the sandbox, the tools of agents."""
