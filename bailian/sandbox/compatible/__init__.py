"""The routes in the shape of OpenAI: chat, models, vectors, files (DEF, BATCH; page compatibility-of-openai-with-dashscope)."""
