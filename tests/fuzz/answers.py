"""Good answers of every kind, in the shapes that docs/wire.md has from captures and references."""

from __future__ import annotations

import json
import struct
import zlib
from typing import Any

LINK = "https://dashscope-result.oss-cn-beijing.aliyuncs.com/1d/a.png?Expires=1790000000&Signature=x%2By"
TIMES = {
    "submit_time": "2026-03-01 17:38:24.123",
    "scheduled_time": "2026-03-01 17:38:24.831",
    "end_time": "2026-03-01 17:38:36.112",
}
TASK = {"task_id": "0385dc79-5ff8-4d82-bcb6-123456789abc", "task_status": "SUCCEEDED", **TIMES}
WORD = {"begin_time": 100, "end_time": 596, "text": "Hello ", "punctuation": ","}


def dumped(*values: Any) -> list[bytes]:
    return [json.dumps(value, ensure_ascii=False).encode() for value in values]


PICTURES = dumped(
    {
        "request_id": "r-1",
        "output": {
            **TASK,
            "results": [
                {"orig_prompt": "猫", "actual_prompt": "一只猫", "url": LINK, "seed": 7},
                {"code": "InternalError.Timeout", "message": "too slow"},
            ],
            "task_metrics": {"TOTAL": 2, "SUCCEEDED": 1, "FAILED": 1},
        },
        "usage": {"image_count": 1},
    },
    {
        "request_id": "r-1",
        "output": {
            "choices": [{"finish_reason": "stop", "message": {"role": "assistant", "content": [{"image": LINK}]}}],
            "task_metric": {"TOTAL": 1, "SUCCEEDED": 1, "FAILED": 0},
        },
        "usage": {"width": 1328, "height": 1328, "image_count": 1},
    },
    {"request_id": "r-1", "output": {**TASK, "task_status": "FAILED", "code": "DataInspectionFailed", "message": "no"}},
)
VIDEOS = dumped(
    {
        "request_id": "r-1",
        "output": {**TASK, "video_url": LINK, "orig_prompt": "日出", "actual_prompt": "日出延时"},
        "usage": {"video_duration": 5, "video_ratio": "1280*720", "video_count": 1},
    },
    {
        "request_id": "r-1",
        "output": {**TASK, "video_url": LINK, "orig_prompt": "日出"},
        "usage": {"duration": 10.0, "output_video_duration": 10, "input_video_duration": 0, "SR": 720},
    },
)
TEXTS = dumped(
    {
        "request_id": "r-1",
        "output": {
            "choices": [
                {
                    "finish_reason": "stop",
                    "message": {"role": "assistant", "content": "床前明月光", "reasoning_content": "嗯"},
                }
            ]
        },
        "usage": {
            "total_tokens": 47,
            "output_tokens": 39,
            "input_tokens": 8,
            "output_tokens_details": {"text_tokens": 9},
        },
    },
    {
        "request_id": "r-1",
        "output": {"finish_reason": "length", "text": "床前"},
        "usage": {"total_tokens": 30, "output_tokens": 14, "input_tokens": 16},
    },
)
DOCUMENTS = dumped(
    {
        "file_url": "https://a/b.mp3",
        "properties": {"channels": [0, 1], "original_duration_in_milliseconds": 3834},
        "transcripts": [
            {
                "channel_id": number,
                "content_duration_in_milliseconds": 3720,
                "text": "Hello world",
                "sentences": [
                    {
                        "begin_time": 100,
                        "end_time": 3820,
                        "text": "Hello world",
                        "sentence_id": 1,
                        "speaker_id": 0,
                        "words": [WORD, {**WORD, "begin_time": 600, "end_time": 900, "text": "world"}],
                    }
                ],
            }
            for number in (0, 1)
        ],
    }
)
TRANSCRIPTIONS = dumped(
    {
        "request_id": "r-1",
        "output": {
            **TASK,
            "results": [
                {"file_url": "https://a/b.mp3", "transcription_url": LINK, "subtask_status": "SUCCEEDED"},
            ],
            "task_metrics": {"TOTAL": 1, "SUCCEEDED": 1, "FAILED": 0},
        },
        "usage": {"duration": 9},
    },
    {
        "request_id": "r-1",
        "output": {
            **TASK,
            "task_status": "FAILED",
            "code": "SUCCESS_WITH_NO_VALID_FRAGMENT",
            "results": [{"file_url": "https://a/b.mp3", "code": "ASR_RESPONSE_HAVE_NO_WORDS", "message": "silence"}],
        },
    },
    {
        "request_id": "r-1",
        "output": {
            **TASK,
            "results": [
                {"file_url": "https://a/b.mp3", "transcription_url": LINK, "transcript": json.loads(DOCUMENTS[0])}
            ],
        },
        "usage": {"duration": 9},
    },
)
SENTENCE = {
    "begin_time": 0,
    "end_time": 1162,
    "words": [
        {"text": "床", "begin_time": 0, "end_time": 263, "phonemes": [{"begin_time": 0, "end_time": 90, "text": "ch"}]},
        {"text": "前", "begin_time": 263, "end_time": 500},
    ],
}
SOUNDS = dumped(
    {
        "request_id": "r-1",
        "output": {"sentences": [SENTENCE, SENTENCE], "audio_bytes": 99840},
        "usage": {"characters": 6},
    },
    {
        "request_id": "r-1",
        "output": {
            "audios": [{"data": "", "url": "http://a.example/a.wav", "id": "audio_1", "expires_at": 1772697707}]
        },
        "usage": {"input_tokens": 0, "output_tokens": 0, "characters": 195},
    },
)
SPEECH_FRAMES = dumped(
    [
        {"header": {"task_id": "a" * 32, "event": "task-started", "attributes": {}}, "payload": {}},
        {
            "header": {"task_id": "a" * 32, "event": "result-generated", "attributes": {"request_uuid": "u"}},
            "payload": {"output": {"sentence": SENTENCE}, "usage": {"characters": 6}},
        },
        {
            "header": {"task_id": "a" * 32, "event": "task-finished", "attributes": {}},
            "payload": {"output": {"sentence": {"words": []}}, "usage": {"characters": 13}},
        },
    ],
    [
        {
            "header": {
                "task_id": "a" * 32,
                "event": "task-failed",
                "error_code": "InvalidParameter",
                "error_message": "[tts:]Engine return error code: 418",
                "attributes": {},
            },
            "payload": {},
        }
    ],
    [
        {
            "header": {"task_id": "a" * 32, "event": "result-generated", "attributes": {}},
            "payload": {
                "output": {"type": kind, "original_text": "床前", "sentence": {"index": index, "words": words}}
            },
        }
        for index in (0, 1)
        for kind, words in (("sentence-begin", []), ("sentence-end", SENTENCE["words"]))
    ],
)
STREAM_FRAMES = dumped(
    [
        {
            "output": {"choices": [{"message": {"content": text, "reasoning_content": ""}, "finish_reason": reason}]},
            "usage": {"total_tokens": 9, "input_tokens": 8, "output_tokens": 1},
            "request_id": "r-1",
        }
        for text, reason in (("床前", "null"), ("明月", "null"), ("光", "stop"))
    ],
    [{"output": {"text": "床", "finish_reason": "stop"}, "usage": {"input_tokens": 8, "output_tokens": 1}}],
)
ERRORS = dumped(
    {"code": "InvalidParameter", "message": "num_images_per_prompt must be 1", "request_id": "r-1"},
    {"error": {"code": "invalid_api_key", "message": "Incorrect API key", "type": "x", "param": None}, "id": "c-1"},
    {"request_id": "r-1", "output": {"task_id": "t", "task_status": "PENDING"}},
)
LISTS = dumped(
    {
        "request_id": "r-1",
        "total": 2,
        "total_page": 1,
        "page_no": 1,
        "page_size": 10,
        "data": [
            {
                "task_id": f"t-{number}",
                "model_name": "wan2.2-t2i-flash",
                "status": "RUNNING",
                "request_id": "r-0",
                "gmt_create": 1_790_000_000_000,
                "start_time": 1_790_000_000_000,
                "end_time": None,
            }
            for number in (1, 2)
        ],
    }
)
GRANTS = dumped(
    {
        "request_id": "r-1",
        "data": {
            "policy": "eyJleHBpcmF0aW9uIjoi",
            "signature": "x+y=",
            "upload_dir": "dashscope-instant/52afe077/2026-03-01/a",
            "upload_host": "http://127.0.0.1:1",
            "oss_access_key_id": "LTAI",
            "x_oss_object_acl": "private",
            "x_oss_forbid_overwrite": "true",
            "expire_in_seconds": 300,
            "max_file_size_mb": 1024,
        },
    }
)
BATCHES = dumped(
    {
        "object": "list",
        "data": [
            {
                "id": "batch_1",
                "status": "completed",
                "output_file_id": "file-1",
                "error_file_id": None,
                "errors": {"data": [{"code": "duplicate_custom_id", "line": 1, "message": "m", "param": None}]},
                "request_counts": {"total": 2, "completed": 1, "failed": 1},
                "metadata": {"ds_name": "bailian-1"},
            }
        ],
        "first_id": "batch_1",
        "last_id": "batch_1",
        "has_more": False,
    }
)
ONE_BATCH = dumped(json.loads(BATCHES[0])["data"][0])
RESULT_LINES = dumped(
    {
        "id": "l-1",
        "custom_id": "job-1",
        "response": {
            "status_code": 200,
            "request_id": "r-1",
            "body": {
                "choices": [{"finish_reason": "stop", "index": 0, "message": {"role": "assistant", "content": "光"}}],
                "usage": {
                    "prompt_tokens": 8,
                    "completion_tokens": 39,
                    "total_tokens": 47,
                    "completion_tokens_details": {"reasoning_tokens": 1},
                },
            },
        },
        "error": None,
    },
    {"id": "l-2", "custom_id": "job-1", "response": None, "error": {"code": "DataInspectionFailed", "message": "no"}},
)
HEADERS = [
    b"Sun, 01 Mar 2026 09:38:24 GMT",
    b"Sunday, 01-Mar-26 09:38:24 GMT",
    b"Sun Mar  1 09:38:24 2026",
    b"01 Mar 2026 09:38:24 +0800",
    b"Sun, 01 Mar 99999999999999999999 09:38:24 GMT",
    b"Sun, 99 Mar 2026 09:38:24 +9999999999999",
    b"7",
    b"1.5",
]


def _chunk(kind: bytes, content: bytes) -> bytes:
    return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))


def wav(*, more: bytes = b"", sizes: tuple[int, int] = (0x7FFFFFBF, 0x7FFFFF9B)) -> bytes:
    form = struct.pack("<HHIIHH", 1, 1, 16000, 32000, 2, 16)
    head = b"RIFF" + struct.pack("<I", sizes[0]) + b"WAVE" + b"fmt " + struct.pack("<I", len(form)) + form
    return head + more + b"data" + struct.pack("<I", sizes[1]) + bytes(range(64))


SOUND_FILES = [
    wav(),
    wav(sizes=(100, 64), more=b"LIST" + struct.pack("<I", 5) + b"INFOx\0"),
    b"ID3\x04\0\0\0\0\0\x05title" + b"\xff\xf3\x18\xc4" + bytes(32),
    bytes(range(200)),
]
PICTURE_FILES = [
    b"\x89PNG\r\n\x1a\n"
    + _chunk(b"IHDR", struct.pack(">IIBBBBB", 4, 4, 8, 2, 0, 0, 0))
    + _chunk(b"tEXt", b"Title\0a cat")
    + _chunk(b"iTXt", b'bailian\0\0\0\0\0{"kind": "image", "model": "m", "prompt": "p"}')
    + _chunk(b"IDAT", zlib.compress(bytes(52)))
    + _chunk(b"IEND", b""),
    b"\xff\xd8\xff\xe0" + bytes(80) + b"\xff\xd9",
    b"RIFF" + struct.pack("<I", 20) + b"WEBPVP8 " + bytes(12),
    b"\0\0\0\x18ftypmp42" + bytes(40),
    b"GIF89a" + bytes(20),
]
