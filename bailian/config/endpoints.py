"""Where the service is: the hosts of each region, and what may be named instead of them."""

from __future__ import annotations

import os
import re
from collections.abc import Collection
from urllib.parse import SplitResult, urlsplit

from bailian.errors import InvalidRequest, SetupError
from bailian.i18n import tr

# Shared hosts and workspace hosts: docs/wire.md "Regions" (vendor's region page, 2026-02 and 2026-06 texts).
SHARED_HOSTS = {
    "beijing": "dashscope.aliyuncs.com",
    "singapore": "dashscope-intl.aliyuncs.com",
    "virginia": "dashscope-us.aliyuncs.com",
    "hongkong": "cn-hongkong.dashscope.aliyuncs.com",
    "finance": "dashscope-finance.aliyuncs.com",
}
REGION_IDS = {
    "beijing": "cn-beijing",
    "singapore": "ap-southeast-1",
    "virginia": "us-east-1",
    "hongkong": "cn-hongkong",
    "frankfurt": "eu-central-1",
    "tokyo": "ap-northeast-1",
}
REGIONS = tuple(dict.fromkeys([*SHARED_HOSTS, *REGION_IDS]))
PLAN_KEY_PREFIX = "sk-sp-"
"""How the keys of a Token Plan begin; the public hosts do not know them (docs/wire.md "Regions and hosts")."""
PLAN_HOST = "token-plan.cn-beijing.maas.aliyuncs.com"
_WORKSPACE_HOSTS = ".maas.aliyuncs.com"
LOOPBACK_HOSTS = ("127.0.0.1", "localhost", "::1")


def chosen_region(option: str | None) -> str:
    """Return the region: the option, else `DASHSCOPE_API_REGION` (a name or the vendor's id), else beijing.

    Raises:
        InvalidRequest: there is no such region.
    """
    named = option or os.environ.get("DASHSCOPE_API_REGION") or "beijing"
    by_id = {region_id: region for region, region_id in REGION_IDS.items()}
    region = by_id.get(named, named)
    if region not in REGIONS:
        raise InvalidRequest.one(
            "region",
            tr(f"{named!r} is not one of {', '.join(REGIONS)}", f"{named!r} 只能是 {', '.join(REGIONS)} 之一"),
        )
    return region


def chosen_workspace(option: str | None) -> str | None:
    """Return the workspace id: the option, else `DASHSCOPE_WORKSPACE_ID`, else none.

    Raises:
        InvalidRequest: it is no id. It becomes a header and part of a host name, so it may hold nothing else.
    """
    workspace = option or os.environ.get("DASHSCOPE_WORKSPACE_ID") or None
    if workspace is not None and not re.fullmatch(r"[A-Za-z0-9_-]{1,63}", workspace):
        raise InvalidRequest.one(
            "workspace", tr(f"{workspace!r} is not a workspace id", f"{workspace!r} 不是业务空间 ID")
        )
    return workspace


def default_base_url(region: str, workspace: str | None, *, token_plan: bool = False) -> str:
    """Return the address of the workspace's own host, which the vendor recommends; without one the region's shared host.

    Raises:
        InvalidRequest: the region has workspace hosts only, and no workspace is named; or no host for such a key.
    """
    if token_plan:
        return _plan_url(region)
    if workspace is not None and region in REGION_IDS:
        return f"https://{workspace}.{REGION_IDS[region]}{_WORKSPACE_HOSTS}/api/v1"
    if region in SHARED_HOSTS:
        return f"https://{SHARED_HOSTS[region]}/api/v1"
    raise InvalidRequest.one(
        "region",
        tr(
            f"{region} has workspace hosts only: add --workspace ID",
            f"{region} 只有业务空间域名：请加 --workspace ID",
        ),
    )


def _plan_url(region: str) -> str:
    if region != "beijing":
        raise InvalidRequest.one(
            "region",
            tr(
                f"a Token Plan key ({PLAN_KEY_PREFIX}…) is known in beijing only, not in {region}",
                f"Token Plan 密钥（{PLAN_KEY_PREFIX}…）只用于 beijing，不能用于 {region}",
            ),
        )
    return f"https://{PLAN_HOST}/api/v1"


def is_workspace_host(host: str) -> bool:
    """Return whether this is a workspace's own host: it waits an hour for an answer, a shared one ten minutes."""
    return host.endswith(_WORKSPACE_HOSTS) and host != PLAN_HOST


def known_hosts(workspace: str | None) -> dict[str, str]:
    """Return the address of each host a key may belong to, by what to say so on the command line."""
    shared = {f"--region {region}": f"https://{host}/api/v1" for region, host in SHARED_HOSTS.items()}
    own = {
        f"--region {region} --workspace {workspace}": default_base_url(region, workspace)
        for region in (REGION_IDS if workspace else ())
    }
    return {**shared, **own}


def checked_base_url(base_url: str, http_hosts: Collection[str] = ()) -> str:
    """Return the address without a slash at its end. `http_hosts` may be asked without TLS, as this machine may.

    Raises:
        InvalidRequest: it is no address ending in `/api/v1`, or it would send the key unencrypted.
    """
    url = base_url.strip().rstrip("/")
    try:
        parts = urlsplit(url)
        good = parts.scheme in ("https", "http") and bool(parts.hostname) and "@" not in parts.netloc
    except ValueError:
        good = False
    if good and not parts.path.endswith("/api/v1"):
        raise InvalidRequest.one(
            "base-url",
            tr(
                f"{url} must end in /api/v1: {parts.scheme}://{parts.netloc}/api/v1",
                f"{url} 应以 /api/v1 结尾：{parts.scheme}://{parts.netloc}/api/v1",
            ),
        )
    if not good:
        raise InvalidRequest.one(
            "base-url",
            tr(
                f"{base_url!r} is not a base URL such as https://dashscope.aliyuncs.com/api/v1",
                f"{base_url!r} 不是服务地址，正确形式如 https://dashscope.aliyuncs.com/api/v1",
            ),
        )
    if parts.scheme == "http" and not _is_allowed(parts, http_hosts):
        raise InvalidRequest.one(
            "base-url",
            tr(
                f"{url} would send the key unencrypted: use https; for a sandbox elsewhere: "
                f"BAILIAN_ALLOW_HTTP={parts.hostname}",
                f"{url} 会以明文发送密钥：请使用 https；若是另一台机器上的沙箱：BAILIAN_ALLOW_HTTP={parts.hostname}",
            ),
        )
    return url


def _is_allowed(parts: SplitResult, http_hosts: Collection[str]) -> bool:
    """Return whether the key may go there without TLS: this machine, or a host that the user has named for it."""
    return parts.hostname in LOOPBACK_HOSTS or bool({parts.hostname, parts.netloc.lower()} & set(http_hosts))


def checked_socket_url(value: str | None, http_hosts: Collection[str] = ()) -> str | None:
    """Return the value of `DASHSCOPE_WEBSOCKET_BASE_URL`; an empty one is none.

    Raises:
        SetupError: it is no address, or it would send the key unencrypted.
    """
    url = (value or "").strip()
    if not url:
        return None
    try:
        parts = urlsplit(url)
        good = bool(parts.hostname) and "@" not in parts.netloc
        good = good and (parts.scheme == "wss" or (parts.scheme == "ws" and _is_allowed(parts, http_hosts)))
    except ValueError:
        good = False
    if not good:
        raise SetupError(
            tr(
                f"DASHSCOPE_WEBSOCKET_BASE_URL: {url!r} is no address such as wss://dashscope.aliyuncs.com/api-ws/v1/inference",
                f"DASHSCOPE_WEBSOCKET_BASE_URL：{url!r} 不是有效地址，正确形式如 wss://dashscope.aliyuncs.com/api-ws/v1/inference",
            )
        )
    return url
