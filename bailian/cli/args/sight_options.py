"""The options of texts that see. Help texts only: nothing heavy is imported here."""

from __future__ import annotations

from bailian.cli.args.options import WHOLE_NUMBER, option, under
from bailian.cli.help.groups import INPUTS

sight_options = under(
    INPUTS,
    option(
        "-i --image X",
        "Picture to look at: path, file://…, URL, data:… or - (repeatable).",
        "要看的图片：路径、file://…、链接、data:… 或 -（可重复）。",
        multiple=True,
    ),
    option(
        "--video X",
        "Film to look at: path, file://… or URL (repeatable).",
        "要看的视频：路径、file://… 或链接（可重复）。",
        multiple=True,
    ),
    option(
        "--image-max-tokens N",
        "A picture costs at most N tokens, and is seen smaller [default: 2562].",
        "每张图片最多 N 个 token，会缩小后再看 [默认: 2562]。",
        type=WHOLE_NUMBER,
    ),
    option(
        "--ocr WHAT",
        "Read what stands in a picture: text, table, formula, document or fields.",
        "识别图片内容：text、table、formula、document 或 fields。",
    ),
    option(
        "--schema ocr_schema FILE",
        'The fields of --ocr fields: {"invoice number": "", "total": ""}.',
        '--ocr fields 要提取的字段，如 {"发票号码": "", "金额": ""}。',
    ),
)
