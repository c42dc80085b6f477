"""The command line: every command in its place, and how a run ends."""

from __future__ import annotations

import errno
import functools
import sys
from typing import Annotated, Any

import typer

from lockgate import __version__
from lockgate.cli import (
    accounts,
    admin,
    aliases,
    artifacts,
    audit,
    bundles,
    cache,
    checks,
    demo,
    deploy,
    events,
    exits,
    gates,
    gitops,
    importing,
    lifecycles,
    lineage,
    lookups,
    members,
    models,
    monitors,
    observations,
    outcomes,
    passages,
    policies,
    projects,
    protections,
    requests,
    splits,
    tokens,
    upkeep,
    versions,
    webhooks,
)
from lockgate.cli.options import add_everywhere
from lockgate.cli.output import EXIT_BROKEN_PIPE
from lockgate.cli.session import Session
from lockgate.errors import RegistryError, Unavailable

# Typer's help in Rich costs a quarter of a second at every start; its plain help does not.
app = typer.Typer(
    name="lockgate",
    rich_markup_mode=None,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["--help", "-h"], "max_content_width": 100},
)


def _version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"lockgate {__version__}")
        raise typer.Exit


@app.callback()
def lockgate(
    version: Annotated[
        bool,
        typer.Option("--version", is_eager=True, callback=_version, help="Print the version."),
    ] = False,
) -> None:
    """A model registry whose gates hold.

    Exit codes: 0 done, 1 refused by a rule, 2 bad usage, 3 not found, 4 unavailable, 5 not
    allowed, 6 corrupt, 70 a bug, 130 interrupted.
    """


app.add_typer(models.app, name="model")
app.add_typer(versions.app, name="version")
app.add_typer(aliases.app, name="alias")
app.add_typer(lifecycles.app, name="lifecycle")
app.add_typer(projects.app, name="project")
app.add_typer(audit.app, name="audit")
app.add_typer(policies.app, name="policy")
app.add_typer(checks.app, name="check")
app.add_typer(members.app, name="member")
app.add_typer(cache.app, name="cache")
app.add_typer(bundles.app, name="bundle")
app.add_typer(tokens.app, name="token")
app.add_typer(accounts.admin, name="admin")
app.add_typer(accounts.account, name="account")
app.add_typer(accounts.team, name="team")
app.add_typer(accounts.role, name="role")
app.add_typer(protections.app, name="protect")
app.add_typer(webhooks.app, name="webhook")
app.add_typer(deploy.app, name="deploy")
app.add_typer(gitops.app, name="gitops")
app.add_typer(importing.app, name="import")
app.add_typer(splits.app, name="split")
app.add_typer(outcomes.app, name="outcomes")
app.add_typer(monitors.app, name="monitor")
for verb in (
    passages.promote,
    passages.demote,
    passages.archive,
    passages.rollback,
    passages.transition,
    gates.gate,
    requests.request,
    requests.inbox,
    requests.approve,
    requests.reject,
    requests.withdraw,
    artifacts.push,
    artifacts.pull,
    artifacts.files,
    artifacts.diff,
    artifacts.card,
    artifacts.sign,
    artifacts.waive,
    upkeep.verify,
    upkeep.gc,
    lookups.resolve,
    lookups.latest,
    lookups.history,
    lineage.lineage,
    lookups.search,
    lookups.summary,
    tokens.login,
    tokens.logout,
    tokens.whoami,
    observations.observe,
    events.watch,
    admin.serve,
    admin.migrate,
    demo.demo,
):
    app.command()(verb)
app.command("compare")(lookups.compare_)

# Typer puts groups last; this is the order of a version's life.
ORDER = (
    *("model", "version", "promote", "demote", "archive", "rollback", "transition"),
    *("gate", "request", "inbox", "approve", "reject", "withdraw", "policy", "check"),
    *("push", "pull", "files", "diff", "card", "sign", "waive", "verify", "gc", "cache", "bundle"),
    *("import", "alias", "resolve", "latest", "history", "lineage", "compare", "search", "summary"),
    *("deploy", "gitops", "split", "outcomes", "observe", "monitor"),
    *("watch", "webhook"),
    *("audit", "lifecycle", "project", "member", "protect", "role", "team", "account"),
    *("login", "logout", "whoami", "token", "admin", "serve", "migrate", "demo"),
)


@functools.cache
def command() -> Any:
    """Return the whole command line, ready to run: a Click group as Typer builds it, once."""
    root: Any = typer.main.get_command(app)
    root.commands = {name: root.commands[name] for name in ORDER}
    add_everywhere(root)
    return root


def run(arguments: list[str] | None = None) -> None:
    """Run the command line and exit the process: what ``lockgate`` starts."""
    # A stream of another encoding shows a question mark rather than a traceback.
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="replace")
    session = Session()
    try:
        sys.exit(_outcome(session, arguments))
    finally:
        session.close()


def _outcome(session: Session, arguments: list[str] | None) -> int:
    """Run one command; return the exit code, with every error told."""
    output = session.output
    try:
        code = command().main(
            args=arguments, prog_name="lockgate", standalone_mode=False, obj=session
        )
        return code if isinstance(code, int) else 0
    except RegistryError as error:
        return exits.report(error, output)
    except typer.TyperException as error:
        return _usage_told(error, session)
    except (KeyboardInterrupt, typer.Abort):
        return exits.INTERRUPTED
    except SystemExit as leaving:
        # Typer leaves so when its own help meets a closed pipe.
        if isinstance(leaving.__context__, BrokenPipeError):
            return EXIT_BROKEN_PIPE
        raise
    except OSError as error:
        if error.errno not in (errno.ENOSPC, errno.EDQUOT, errno.EIO):
            return exits.report_bug(error, output, _debugging(session))
        return exits.report(Unavailable(detail=f"Nothing can be written: {error.strerror}"), output)
    except Exception as error:  # noqa: BLE001  # the last door: whatever is left is a bug
        return exits.report_bug(error, output, _debugging(session))


def _usage_told(error: typer.TyperException, session: Session) -> int:
    """Tell what was written wrongly. A group without a command shows its help, as a success."""
    context = getattr(error, "ctx", None)
    if type(error).__name__ == "NoArgsIsHelpError":
        session.output.write(error.format_message() + "\n")
        return 0
    usage = "" if context is None else f"{context.command_path} --help"
    return exits.report_usage(error.format_message(), usage, session.output)


def _debugging(session: Session) -> bool:
    try:
        return session.settings.debug
    except RegistryError:  # told already, if it is what went wrong
        return False
