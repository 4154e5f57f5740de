"""The models that are told a voice: CosyVoice, Qwen-Audio-TTS and Qwen-TTS; and the voices one makes for them."""
