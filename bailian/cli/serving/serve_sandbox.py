"""`bailian sandbox serve`: the service on this machine, for any client that can be pointed at it."""

from __future__ import annotations

from datetime import date, datetime
from pathlib import Path

import click

from bailian.cli.args.options import flag, not_nan, option
from bailian.cli.help.help_command import HelpGroup
from bailian.i18n import reason_of, tr


@click.group(
    cls=HelpGroup,
    examples=(
        ("serve", "serve"),
        ("serve --port 0", "serve --port 0"),
    ),
    help=tr("A local service to try everything without key and cost.", "本地沙箱服务：无需密钥、不产生费用。"),
)
def sandbox() -> None:
    pass


@sandbox.command(
    "serve",
    examples=(
        ("--port 0", "--port 0"),
        ("--state box.json --task-seconds 1", "--state box.json --task-seconds 1"),
    ),
    help=tr("Run the sandbox until Ctrl-C.", "运行沙箱，按 Ctrl-C 结束。"),
)
@option(
    "--port N",
    "0 takes a free one.",
    "0 表示任意空闲端口。",
    type=click.IntRange(0, 65535),
    default=8765,
    show_default=True,
)
@option("--host ADDRESS", "Listen on this address.", "监听该地址。", default="127.0.0.1", show_default=True)
@option(
    "--allow-host allow_hosts NAME",
    "Answer to this name, too (repeatable).",
    "也接受以该主机名发来的请求（可重复）。",
    multiple=True,
)
@option(
    "--task-seconds task_s SECONDS",
    "How long a task runs.",
    "任务运行时间。",
    type=click.FloatRange(min=0),
    callback=not_nan,
    default=5.0,
    show_default=True,
)
@flag("--no-limits", "Do not enforce rate limits.", "不执行限流。")
@option(
    "--state state_path FILE", "Keep tasks in this file.", "把任务保存在该文件中。", type=click.Path(path_type=Path)
)
@flag("--today", "Refuse names that are retired by now.", "拒绝当前已下线的模型名称。")
@option(
    "--date on_date YYYY-MM-DD",
    "Refuse names that are retired on that day [default: serve all].",
    "拒绝该日已下线的模型名称 [默认: 全部提供]。",
    type=click.DateTime(["%Y-%m-%d"]),
)
@option(
    "--script script_path FILE",
    "Answer as this YAML file says.",
    "按该 YAML 文件给出回答。",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
)
@option(
    "--record record_path FILE",
    "Pass requests on to the real service, with your key and at your cost, and keep them in this file without it.",
    "用您的密钥把请求转发给真实服务（会产生费用），并去除密钥后保存到该文件。",
    type=click.Path(dir_okay=False, path_type=Path),
)
@option(
    "--replay replay_path FILE",
    "Answer from such a file only.",
    "只按这样的文件回答。",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
)
@option("--upstream URL", "The service to record [default: Beijing's].", "要录制的服务 [默认: 北京]。")
@option(
    "--cert certificate_path FILE",
    "Speak TLS with this certificate (PEM).",
    "用该证书（PEM）启用 TLS。",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
)
@option(
    "--key key_path FILE",
    "The certificate's private key (PEM).",
    "证书的私钥（PEM）。",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
)
def serve(
    port: int,
    host: str,
    allow_hosts: tuple[str, ...],
    task_s: float,
    no_limits: bool,
    state_path: Path | None,
    today: bool,
    on_date: datetime | None,
    script_path: Path | None,
    record_path: Path | None,
    replay_path: Path | None,
    upstream: str | None,
    certificate_path: Path | None,
    key_path: Path | None,
) -> None:
    from bailian.errors import InvalidRequest, SetupError
    from bailian.sandbox import SandboxUnavailable, serve_recording
    from bailian.sandbox import serve as run
    from bailian.sandbox.scripted.fields import WrongEntry

    _check_together(record_path, replay_path, script_path, upstream)
    if (certificate_path is None) != (key_path is None):
        raise InvalidRequest.one(
            "cert",
            tr("--cert and --key go together", "--cert 与 --key 须同时给出"),
            advice=tr("give both files, or neither", "请同时给出两个文件，或都不给"),
        )
    certificate = (certificate_path, key_path) if certificate_path and key_path else None
    recording = record_path or replay_path
    day = _day(today=today, on_date=on_date)
    try:
        if recording is not None:
            serve_recording(
                recording,
                host,
                port,
                upstream=upstream or "",
                replays=replay_path is not None,
                allow_hosts=allow_hosts,
                certificate=certificate,
            )
            return
        run(
            host,
            port,
            task_s=task_s,
            enforce_limits=not no_limits,
            state_path=state_path,
            day=day,
            allow_hosts=allow_hosts,
            script=script_path,
            certificate=certificate,
        )
    except SandboxUnavailable as error:
        raise SetupError(str(error)) from None
    except WrongEntry as error:
        advice = tr("mend that line of the file", "请修正文件的这一行")
        raise InvalidRequest.one("script", str(error), advice=advice) from None
    except ValueError as error:
        raise InvalidRequest.one("replay" if replay_path else "upstream", str(error), advice="") from None
    except OSError as error:
        raise _not_started(error, host, port) from None


def _check_together(record: Path | None, replay: Path | None, script: Path | None, upstream: str | None) -> None:
    from bailian.errors import InvalidRequest

    given = {"--record": record, "--replay": replay, "--script": script}
    names = [name for name, value in given.items() if value is not None]
    if len(names) > 1:
        told = tr(f"{names[0]} and {names[1]} do not go together", f"{names[0]} 与 {names[1]} 不能同时使用")
        raise InvalidRequest.one("record", told, advice=tr("leave one of the two out", "请去掉其中之一"))
    if upstream and not record:
        told = tr("--upstream is what --record records", "--upstream 只与 --record 一起使用")
        raise InvalidRequest.one("upstream", told, advice=tr("add --record FILE", "请加上 --record FILE"))


def _day(*, today: bool, on_date: datetime | None) -> date | None:
    from bailian.clock import current_clock
    from bailian.errors import InvalidRequest

    if today and on_date is not None:
        raise InvalidRequest.one(
            "date",
            tr("--today and --date are two days: give one", "--today 与 --date 只能给出一个"),
            advice=tr("leave one of the two out", "请去掉其中之一"),
        )
    return current_clock().day() if today else on_date.date() if on_date is not None else None


def _not_started(error: OSError, host: str, port: int) -> Exception:
    import ssl

    from bailian.errors import InvalidRequest

    if isinstance(error, ssl.SSLError):
        return InvalidRequest.one(
            "cert",
            tr(f"the certificate cannot be used: {error}", f"证书无法使用：{error}"),
            advice=tr("both files are PEM and belong together", "两个文件均须为 PEM 格式且相互匹配"),
        )
    return InvalidRequest.one(
        "port",
        tr(
            f"cannot listen on {host}, port {port}: {reason_of(error)}",
            f"无法监听 {host} 的端口 {port}：{reason_of(error)}",
        ),
        advice=tr(
            "--port 0 takes a free one; --host is an address of this computer",
            "--port 0 使用任意空闲端口；--host 应为本机地址",
        ),
    )
