"""`bailian sandbox serve`: the service on this machine, for any client that can be pointed at it."""

from __future__ import annotations

from pathlib import Path

import click

from bailian.language import say


@click.group(
    help=say("A local service to try everything without key and cost.", "本地沙箱服务：无需密钥、不产生费用。")
)
def sandbox() -> None:
    pass


@sandbox.command("serve", help=say("Run the sandbox until Ctrl-C.", "运行沙箱，按 Ctrl-C 结束。"))
@click.option(
    "--port",
    type=click.IntRange(0, 65535),
    default=8765,
    show_default=True,
    help=say("0 takes a free one.", "0 表示任意空闲端口。"),
)
@click.option(
    "--task-seconds",
    "task_s",
    type=click.FloatRange(min=0),
    default=5.0,
    show_default=True,
    help=say("How long a task runs.", "任务运行时间。"),
)
@click.option("--no-limits", is_flag=True, help=say("Do not enforce rate limits.", "不执行限流。"))
@click.option(
    "--state",
    "state_path",
    type=click.Path(path_type=Path),
    help=say("Keep tasks in this file.", "把任务保存在该文件中。"),
)
def serve(port: int, task_s: float, no_limits: bool, state_path: Path | None) -> None:
    from bailian.errors import InvalidRequest, SetupError
    from bailian.sandbox import SandboxUnavailable
    from bailian.sandbox import serve as run

    try:
        run(port=port, task_s=task_s, enforce_limits=not no_limits, state_path=state_path)
    except SandboxUnavailable as error:
        raise SetupError(str(error)) from None
    except OSError as error:
        raise InvalidRequest.one(
            "port",
            say(f"cannot listen on {port}: {error.strerror}", f"无法监听端口 {port}：{error.strerror}"),
            advice=say("--port 0 takes a free one", "--port 0 使用任意空闲端口"),
        ) from None
