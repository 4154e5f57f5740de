"""Commands as help shows them: options in groups, then examples."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from click.shell_completion import CompletionItem

from bailian.cli.help.formatter import Formatter, wants_colour
from bailian.cli.help.groups import OPTIONS, ORDER, OTHER, OptionGroup
from bailian.i18n import tr

Rows = list[tuple[str, str]]
Example = tuple[str, str]
"""What stands behind the command, in English and in Chinese."""


class CompletedParameter(click.Parameter):
    """A parameter of which the shell is told what may stand there."""

    def shell_complete(self, ctx: click.Context, incomplete: str) -> list[CompletionItem]:
        from bailian.cli.completion.offers import offered

        found = offered(self, ctx, incomplete)
        return super().shell_complete(ctx, incomplete) if found is None else found


class CompletedArgument(CompletedParameter, click.Argument):
    """An argument of which the shell is told what may stand there."""


class GroupedOption(CompletedParameter, click.Option):
    """An option that knows the group in which help shows it."""

    def __init__(self, *args: Any, group: OptionGroup | None = None, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.group = group

    def get_help_extra(self, ctx: click.Context) -> Any:
        """Leave out the bounds: where they matter, the text says them."""
        extra = super().get_help_extra(ctx)
        extra.pop("range", None)
        return extra


class HelpContext(click.Context):
    """Writes help with our formatter."""

    def make_formatter(self) -> click.HelpFormatter:
        return Formatter(self.terminal_width, coloured=wants_colour(self.color))


HELP_WORDS = ["-h", "--help"]


class HelpCommand(click.Command):
    """A command whose help has groups and examples."""

    context_class = HelpContext

    def __init__(self, *args: Any, own: OptionGroup = OPTIONS, examples: Sequence[Example] = (), **kwargs: Any) -> None:
        kwargs.setdefault("options_metavar", tr("[OPTIONS]", "[选项]"))
        # click keeps the words of whoever asks first; a command that stands alone has the same ones.
        kwargs["context_settings"] = {"help_option_names": HELP_WORDS, **(kwargs.get("context_settings") or {})}
        super().__init__(*args, **kwargs)
        self.own, self.examples = own, examples

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Parse as click does; every complaint says which command it is about."""
        try:
            return super().parse_args(ctx, args)
        except click.UsageError as error:
            error.ctx = error.ctx or ctx
            raise

    def format_arguments(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write none: the usage names them, and the text says what they are."""

    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        for group, rows in self._groups(ctx, formatter):
            with formatter.section(tr(*group)):
                formatter.write_dl(rows)

    def format_epilog(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        if self.examples and isinstance(formatter, Formatter):
            with formatter.section(tr("Examples", "示例")):
                formatter.write_examples([f"{_typed(ctx)} {tr(*example)}" for example in self.examples])

    def _groups(self, ctx: click.Context, formatter: click.HelpFormatter) -> Iterator[tuple[OptionGroup, Rows]]:
        """Yield the groups that are not empty. `--help` comes last where there are others."""
        shown: dict[OptionGroup, Rows] = {group: [] for group in ORDER}
        for param in self.get_params(ctx):
            record = None if isinstance(param, click.Argument) else param.get_help_record(ctx)
            if record is not None:
                shown[self._group_of(param)].append((_names_of(param, record[0]), record[1]))
        if isinstance(formatter, Formatter):
            formatter.align([row for rows in shown.values() for row in rows])
        yield from ((group, rows) for group, rows in shown.items() if rows)

    def _group_of(self, param: click.Parameter) -> OptionGroup:
        if isinstance(param, GroupedOption):
            return param.group or self.own
        return OTHER if any(isinstance(one, GroupedOption) for one in self.params) else OPTIONS


class HelpGroup(HelpCommand, click.Group):
    """A group whose help, and that of its commands, has groups and examples."""

    command_class = HelpCommand
    group_class = type

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        kwargs.setdefault("subcommand_metavar", tr("COMMAND [ARGS]...", "命令 [参数]..."))
        super().__init__(*args, **kwargs)

    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        HelpCommand.format_options(self, ctx, formatter)
        self.format_commands(ctx, formatter)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write each command with its whole first sentence."""
        with formatter.section(tr("Commands", "命令")):
            formatter.write_dl([(name, self._summary(ctx, name)) for name in self.list_commands(ctx)])

    def _summary(self, ctx: click.Context, name: str) -> str:
        command = self.get_command(ctx, name)
        return "" if command is None else (command.help or "").split("\n\n")[0]


def _names_of(param: click.Parameter, names: str) -> str:
    """Return an option's names, long ones below each other; a switch as `--[no-]watermark`."""
    short = any(len(name) == len("-h") for name in param.opts)
    for yes, no in zip(param.opts, param.secondary_opts, strict=False):
        if no == yes.replace("--", "--no-", 1):
            names = names.replace(f"{yes} / {no}", yes.replace("--", "--[no-]", 1))
    return names if short else f"    {names}"


def _typed(ctx: click.Context) -> str:
    """Return the command as it is typed: a file is given to Python."""
    path = ctx.command_path
    return f"python {path}" if path.split()[0].endswith(".py") else path
