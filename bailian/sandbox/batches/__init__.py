"""The OpenAI-compatible batch inference: files in, files out."""
