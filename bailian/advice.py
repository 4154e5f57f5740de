"""The seed's nine categories of errors, and what is advised where an error says nothing of its own."""

from __future__ import annotations

from bailian.i18n import tr
from bailian.instructions import how_to

CATEGORIES = (
    "InvalidParameter",
    "DataInspectionFailed",
    "TaskFailed",
    "Unauthorized",
    "RateLimitExceeded",
    "ResourceNotFound",
    "InternalError",
    "ModelNotFound",
    "QuotaExceeded",
)


def advice_for(code: str) -> str:
    """Return what the user can do about an error of this category."""
    models, doctor = how_to().command("models"), how_to().command("doctor")
    advice = {
        "InvalidParameter": how_to().change_the_value(),
        "DataInspectionFailed": tr(
            "the content check refused it: change the prompt or the input picture",
            "内容审核未通过：请修改提示词或输入图片",
        ),
        "TaskFailed": tr(
            "run the command again; if it fails again, give the request id to the service's support",
            "请重新运行；若仍然失败，请把 request id 提供给技术支持",
        ),
        "Unauthorized": tr(
            f"check DASHSCOPE_API_KEY, and that the key is of the region in use (`{doctor}`)",
            f"请检查 DASHSCOPE_API_KEY，以及密钥所属地域是否与当前地域一致（`{doctor}`）",
        ),
        "RateLimitExceeded": tr("wait a minute and run the command again", "请求频率超限，请等待一分钟后重新运行"),
        "ResourceNotFound": tr(
            "the service keeps tasks for 24 hours and only for the account that made them; check id, key and region",
            "任务只保留 24 小时，且只有创建它的账号可以查询；请检查 task_id、密钥与地域",
        ),
        "InternalError": tr("the service has a problem: run the command again later", "服务内部错误，请稍后重新运行"),
        "ModelNotFound": tr(
            f"check the name with `{models}`, and that the model is activated for this account and region",
            f"请用 `{models}` 核对模型名称，并确认该账号和地域已开通此模型",
        ),
        "QuotaExceeded": tr(
            "top up the account, or switch off “stop when the free quota is used up” in the console",
            "请充值，或在控制台关闭“免费额度用完即停”",
        ),
        "ConnectionFailed": tr(
            f"check the network, HTTPS_PROXY and the base URL (`{doctor}`), then run the command again",
            f"请检查网络、HTTPS_PROXY 与服务地址（`{doctor}`），然后重新运行",
        ),
    }
    return advice.get(code, "")
