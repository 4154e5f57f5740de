"""Rules that several kinds of models share: fields, prompts, sizes, seeds. Pure functions, bilingual texts."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Mapping
from functools import cache
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError

from bailian.catalog import Model, did_you_mean
from bailian.errors import InvalidRequest, Problem
from bailian.i18n import tr
from bailian.modalities.rules.texts import text_notice
from bailian.modalities.rules.values import Wanted, all_read, wanted
from bailian.text import characters
from bailian.types import Notice

SEED_MAX = 2_147_483_647
RequestT = TypeVar("RequestT", bound=BaseModel)


def parse(request_type: type[RequestT], values: Mapping[str, Any]) -> RequestT:
    """Return the typed request; absent (None) fields get their defaults.

    Raises:
        InvalidRequest: unknown fields and wrong types, all at once.
    """
    known = wanted_by(request_type)
    problems = [
        Problem(name, tr("unknown field", "未知字段") + did_you_mean(name, known))
        for name in values
        if name not in known
    ]
    given = {name: value for name, value in values.items() if name in known and value is not None}
    given = all_read(given, known)
    try:
        request = request_type.model_validate(given, strict=True)
    except ValidationError as error:
        problems += [
            Problem(".".join(map(str, e["loc"])), _type_problem(e["type"], e["msg"], e["input"]))
            for e in error.errors()
        ]
        raise InvalidRequest(problems) from None
    if problems:
        raise InvalidRequest(problems, advice=tr("allowed: ", "允许的字段：") + ", ".join(known))
    return request


@cache
def wanted_by(request_type: type[BaseModel]) -> Mapping[str, Wanted]:
    """Return what each field of a request holds, by the name that a user writes."""
    return {field.alias or name: wanted(field.annotation) for name, field in request_type.model_fields.items()}


def _type_problem(kind: str, message: str, value: object) -> str:
    wanted = {
        "int_type": tr("a whole number", "整数"),
        "int_from_float": tr("a whole number", "整数"),
        "float_type": tr("a number", "数字"),
        "bool_type": tr("true or false", "true 或 false"),
        "string_type": tr("a text", "字符串"),
    }.get(kind)
    if kind == "missing":
        return tr("is required", "必填")
    return tr(f"{value!r} is not {wanted}", f"{value!r} 不是{wanted}") if wanted else message


def check_prompt(field: str, text: str, limit: int | None, *, required: bool = True) -> list[Problem]:
    """Check a text's length. Every character counts 1, a Han character and a combining mark alike: Unicode
    code points, as the service counts (text-to-image reference, winter 2025/26)."""
    refused = characters.refusal(text)
    if refused:
        return [Problem(field, refused)]
    if required and characters.is_blank(text):
        return [Problem(field, _empty(text))]
    if limit is not None and len(text) > limit:
        return [
            Problem(
                field,
                tr(
                    f"has {len(text)} characters, at most {limit} are allowed: remove {len(text) - limit}",
                    f"共 {len(text)} 个字符，最多 {limit} 个：请删去 {len(text) - limit} 个",
                ),
            )
        ]
    return []


def _empty(text: str) -> str:
    hidden = "".join(char for char in text if not char.isspace())
    if not hidden:
        return tr("is empty", "不能为空")
    return tr(f"is empty: U+{ord(hidden[0]):04X} cannot be seen", f"不能为空：U+{ord(hidden[0]):04X} 是不可见字符")


def clean_texts(request: RequestT, *names: str) -> tuple[RequestT, list[Notice]]:
    """Return the request with the texts in these fields as they are sent, and what was changed in them."""
    found = {
        name: characters.cleaned(value) for name in names if isinstance(value := getattr(request, name), str) and value
    }
    notices = [text_notice(name, one) for name, one in found.items() if one.remark]
    return request.model_copy(update={name: one.text for name, one in found.items()}), notices


def prompt_notices(model: Model, prompt: str) -> list[Notice]:
    limit = model.service_prompt_chars
    if limit is None or len(prompt) <= limit:
        return []
    return [
        Notice(
            "prompt_cut",
            tr(
                f"{model.name} reads the first {limit} characters of a prompt; the service cuts the last {len(prompt) - limit}",
                f"{model.name} 只读取提示词的前 {limit} 个字符，服务端会截去后 {len(prompt) - limit} 个",
            ),
        )
    ]


def check_range(field: str, value: int | None, low: int, high: int) -> list[Problem]:
    if value is None or low <= value <= high:
        return []
    return [Problem(field, tr(f"{value} is not in {low} to {high}", f"{value} 不在 {low} 到 {high} 之间"))]


def check_number(field: str, value: float | None, low: float, high: float) -> list[Problem]:
    """Check a number that need not be whole; NaN is in no range."""
    if value is None or low <= value <= high:
        return []
    return [Problem(field, tr(f"{value:g} is not in {low:g} to {high:g}", f"{value:g} 不在 {low:g} 到 {high:g} 之间"))]


def check_seed(model: Model, seed: int | None, n: int) -> list[Problem]:
    """Check a seed. With several pictures the service uses seed, seed+1, …: the last must be in range too."""
    if seed is None:
        return []
    if not model.seed:
        return [
            Problem("seed", tr(f"{model.name} takes no seed: leave it out", f"{model.name} 不支持 seed，请去掉该参数"))
        ]
    problems = check_range("seed", seed, 0, SEED_MAX)
    if not problems and seed + n - 1 > SEED_MAX:
        problems = [
            Problem(
                "seed",
                tr(
                    f"{n} pictures use the seeds {seed} to {seed + n - 1}, above {SEED_MAX}: at most {SEED_MAX - n + 1}",
                    f"{n} 张图片使用种子 {seed} 到 {seed + n - 1}，超过 {SEED_MAX}：最大为 {SEED_MAX - n + 1}",
                ),
            )
        ]
    return problems


def parse_size(text: str) -> tuple[int, int] | None:
    """Return (width, height) of "W*H", or None if it is not written so."""
    match = re.fullmatch(r"([1-9][0-9]{0,5})\*([1-9][0-9]{0,5})", text)
    return (int(match.group(1)), int(match.group(2))) if match else None


def check_size(model: Model, size: str) -> list[Problem]:
    """Check a size against the model's list, or against its sides, pixels and aspect."""
    if size in model.size_words:
        return []
    pixels = parse_size(size)
    if pixels is None:
        what = tr(f"{size!r} is not WIDTH*HEIGHT", f"{size!r} 的格式应为 宽*高") + _spelled(size) + _areas(model)
        return [Problem("size", f"{what}; {_listed(model)}" if model.sizes else what)]
    if model.sizes:
        if size in model.sizes:
            return []
        return [Problem("size", f"{_listed(model)} ({size})")]
    return _check_free_size(model, *pixels)


def _areas(model: Model) -> str:
    """Name the areas that a model takes, which depend on how it is called."""
    areas = ", ".join(model.size_words)
    return tr(f"; {model.name} takes {areas} here", f"；{model.name} 此处支持 {areas}") if areas else ""


def _listed(model: Model) -> str:
    listed = ", ".join(size for size in model.sizes if size not in model.size_aliases.values())
    return tr(f"{model.name} takes only {listed}", f"{model.name} 只支持 {listed}")


def _check_free_size(model: Model, width: int, height: int) -> list[Problem]:
    shown, total = f"{width}*{height}", width * height
    if model.side_px and not all(model.side_px[0] <= side <= model.side_px[1] for side in (width, height)):
        low, high = model.side_px
        return [
            Problem(
                "size",
                tr(f"{shown}: each side must be {low} to {high} px", f"{shown}：边长须在 {low} 到 {high} 像素之间")
                + _same_shape(model, width, height),
            )
        ]
    if model.max_pixels and total > model.max_pixels:
        return [
            Problem(
                "size",
                tr(
                    f"{shown} has {total:,} pixels, at most {model.max_pixels:,} are allowed",
                    f"{shown} 共 {total:,} 像素，最多 {model.max_pixels:,}",
                )
                + _same_shape(model, width, height),
            )
        ]
    if model.min_pixels and total < model.min_pixels:
        return [
            Problem(
                "size",
                tr(
                    f"{shown} has {total:,} pixels, at least {model.min_pixels:,} are needed",
                    f"{shown} 共 {total:,} 像素，至少需要 {model.min_pixels:,}",
                ),
            )
        ]
    if model.aspect and not model.aspect[0] <= width / height <= model.aspect[1]:
        low_ratio, high_ratio = model.aspect
        return [
            Problem(
                "size",
                tr(
                    f"{shown}: width / height must be {low_ratio:g} to {high_ratio:g}",
                    f"{shown}：宽高比须在 {low_ratio:g} 到 {high_ratio:g} 之间",
                ),
            )
        ]
    return []


def _spelled(size: str) -> str:
    """Suggest "1024*1024" for 1024x1024, 1024×1024, １０２４＊１０２４, "1024, 1024"."""
    numbers = [int(digits) for digits in re.findall(r"[0-9]{1,9}", unicodedata.normalize("NFKC", size))]
    right = "*".join(str(number) for number in numbers)
    if len(numbers) == 2 and parse_size(right):
        return tr(f": write {right}", f"：请写成 {right}")
    return tr(", a shape (16:9) or a tier (720P)", "，也可写比例（16:9）或档位（720P）")


def _same_shape(model: Model, width: int, height: int) -> str:
    """Suggest the largest size of the same shape, if the model takes it."""
    by_pixels = (model.max_pixels / (width * height)) ** 0.5 if model.max_pixels else 1.0
    by_side = model.side_px[1] / max(width, height) if model.side_px else 1.0
    scale = min(by_pixels, by_side)
    if scale >= 1:
        return ""
    smaller = (max(1, int(width * scale)), max(1, int(height * scale)))
    if _check_free_size(model, *smaller):
        return ""
    shown = f"{smaller[0]}*{smaller[1]}"
    return tr(f"; {shown} has the same shape", f"；同比例可用 {shown}")


def region_problems(model: Model, region: str) -> list[Problem]:
    if region in model.regions:
        return []
    where = ", ".join(model.regions)
    return [
        Problem(
            "model",
            tr(
                f"{model.name} is offered in {where}, not in {region}", f"{model.name} 只在 {where} 提供，{region} 没有"
            ),
        )
    ]


def price_cny(model: Model, region: str) -> float | None:
    """Return the flat price per unit in this region, or None if it is not flat or not known."""
    price = model.price_cny if region == "beijing" else model.region_price_cny.get(region)
    return float(price) if isinstance(price, int | float) else None


def tier_price_cny(model: Model, region: str, tier: str) -> float | None:
    """Return the price per unit of one tier ("720P") in this region, or None if it is not known."""
    price = model.price_cny if region == "beijing" else model.region_price_cny.get(region)
    found = price.get(tier) if isinstance(price, Mapping) else price
    return None if found is None else float(found)


def raise_if_any(problems: Iterable[Problem]) -> None:
    found = list(problems)
    if found:
        raise InvalidRequest(found)
