"""Where files go in a request, by the service's names. Pure."""

from __future__ import annotations

from typing import Any

# The service's names for what goes in, and ours. Only there is an address one: a prompt may look like a file.
WIRE_FIELDS = {
    "image": "image",
    "images": "image",
    "base_image_url": "image",
    "mask_image_url": "mask",
    "file_urls": "file",
    "file_url": "file",
    # Inside the message of a recognition in one call.
    "audio": "file",
    "data": "file",
    "img_url": "image",
    "first_frame_url": "image",
    "last_frame_url": "last_frame",
    "audio_url": "audio",
    "video_url": "video",
    "video": "video",
    "mask_video_url": "mask",
    "first_clip_url": "continue",
    "last_clip_url": "last_clip",
    "reference_urls": "references",
    "ref_images_url": "references",
    "reference_voice": "references",
    # Inside `media`, where the type beside it tells which field it was.
    "url": "media",
}


def has_url(value: Any, scheme: str, name: str = "") -> bool:
    """Return whether a piece of the service's own JSON has an address of a scheme where a file goes in."""
    if isinstance(value, str):
        return value.startswith(scheme) and name in WIRE_FIELDS
    if isinstance(value, dict):
        for key, inner in value.items():  # not `any`: each text of a batch is walked through twice
            if has_url(inner, scheme, key):
                return True
    elif isinstance(value, list):
        for inner in value:
            if has_url(inner, scheme, name):
                return True
    return False
