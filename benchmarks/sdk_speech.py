"""The same sound over the official SDK: each piece goes to stdout as it comes."""

import os
import sys
import threading

from dashscope.audio.tts_v2 import AudioFormat, ResultCallback, SpeechSynthesizer

ended = threading.Event()


class ToStdout(ResultCallback):
    def on_data(self, data: bytes) -> None:
        sys.stdout.buffer.write(data)
        sys.stdout.buffer.flush()

    def on_complete(self) -> None:
        ended.set()

    def on_error(self, message: str) -> None:
        raise SystemExit(message)


speaker = SpeechSynthesizer(
    model="cosyvoice-v3-flash",
    voice="longanyang",
    format=AudioFormat.MP3_22050HZ_MONO_256KBPS,
    callback=ToStdout(),
    url=os.environ["DASHSCOPE_WEBSOCKET_BASE_URL"],
)
speaker.streaming_call(sys.argv[1])
speaker.streaming_complete()
ended.wait()
