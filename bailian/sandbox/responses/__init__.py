"""The Responses route, in the shape of OpenAI (RESP; page qwen-api-via-openai-responses)."""
