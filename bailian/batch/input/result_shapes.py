"""Which results a field can take: a text is no picture."""

from __future__ import annotations

from bailian.batch.input.batch_row import Source
from bailian.files import formats
from bailian.i18n import tr
from bailian.modalities import modality_of

PICTURE, FILM, SOUND, TEXT = "picture", "film", "sound", "text"
# What goes into a field, where that is not a picture.
TAKES: dict[str, tuple[str, ...]] = {
    "file": (SOUND, FILM),
    "video": (FILM,),
    "continue": (FILM,),
    "continue_": (FILM,),
    "last_clip": (FILM,),
    "audio": (SOUND,),
    "references": (PICTURE, FILM, SOUND),
    "reference_voices": (SOUND,),
    "document": (TEXT,),
}
# The mask of a film may be one itself.
TAKES_OF_KIND: dict[tuple[str, str], tuple[str, ...]] = {("video", "mask"): (PICTURE, FILM)}


def suffix_of(kind: str) -> str:
    """Return how the files of a kind usually end."""
    return next(iter(modality_of(kind).RESULT_SUFFIXES), "txt")


def shape_of(kind: str) -> str:
    """Return what the results of a kind are."""
    suffix = suffix_of(kind)
    if suffix == "txt":
        return TEXT
    return PICTURE if suffix in formats.PICTURES else FILM if suffix in formats.FILMS else SOUND


def shape_problem(kind: str, source: Source, source_kind: str) -> str:
    """Return why a field cannot take the result of a row of this kind; "" where it can."""
    taken = TAKES_OF_KIND.get((kind, source.field)) or TAKES.get(source.field, (PICTURE,))
    made = shape_of(source_kind)
    if made in taken:
        return ""
    names = {
        PICTURE: tr("a picture", "图片"),
        FILM: tr("a film", "视频"),
        SOUND: tr("a sound", "声音"),
        TEXT: tr("a text", "文本"),
    }
    wanted = tr(" or ", "或").join(names[one] for one in taken)
    label = source.result.label
    return tr(
        f"takes {wanted}; row {label} ({source_kind}) makes {names[made]}",
        f"需要{wanted}，而行 {label}（{source_kind}）生成的是{names[made]}",
    )
