"""python -m app account COMMAND: who may sign in, from the command line."""

from __future__ import annotations

import argparse
import getpass
import sys
from collections.abc import Sequence
from datetime import timedelta

from app.guard.hosts import own_address
from app.people.accounts import AccountFacts, Accounts, Purpose
from app.people.identity import Role
from app.people.messages import LONGEST_DAYS
from app.people.passwords import PasswordError
from app.settings import UsageError, add_database_flag, read_settings
from app.store import migrate, open_database

NOTICE = "Research use only, not for clinical use"


def main(arguments: Sequence[str]) -> int:
    """Runs one command; returns the exit status.

    Raises:
        PatchClipError: it cannot be done, in one sentence.
    """
    options = make_parser().parse_args(arguments)
    database = open_database(options.database)
    try:
        migrate(database)
        options.run(Accounts(database), options)
    finally:
        database.dispose()
    return 0


def make_parser() -> argparse.ArgumentParser:
    """All commands with their flags."""
    parser = argparse.ArgumentParser(prog="python -m app account", description=f"Accounts. {NOTICE}.")
    commands = parser.add_subparsers(dest="command", required=True)
    create = commands.add_parser("create", help="make one; its password is asked here, or chosen by a link")
    create.add_argument("name", metavar="NAME", help="of the reader, under which readings are stored")
    create.add_argument(
        "--role", choices=[role.value for role in Role], default=Role.READER, help="what they may do (reader)"
    )
    create.add_argument("--link", action="store_true", help="print a link to choose the password by instead")
    _add_link_flags(create)
    create.set_defaults(run=_create)
    _add(commands, "list", "name, role, and how each can sign in", _list, named=False)
    _add(commands, "disable", "end every sign-in and link of one, and refuse new ones", _disable)
    _add(commands, "enable", "let one sign in again that was disabled", _enable)
    link = _add(commands, "link", "print a personal link, by which its owner is signed in", _link)
    link.add_argument("--reusable", action="store_true", help="as often as wanted until it expires, not once")
    _add_link_flags(link)
    password = _add(commands, "password", "give another, asked here, or chosen by a link", _password)
    password.add_argument(
        "--link", action="store_true", help="print a link to choose the password by instead"
    )
    _add_link_flags(password)
    role = _add(commands, "role", "give another role", _role)
    role.add_argument("--role", choices=[role.value for role in Role], required=True, help="what they may do")
    for command in commands.choices.values():
        add_database_flag(command)
    return parser


def _add(
    commands: argparse._SubParsersAction[argparse.ArgumentParser],
    name: str,
    words: str,
    run: object,
    *,
    named: bool = True,
) -> argparse.ArgumentParser:
    parser = commands.add_parser(name, help=words)
    if named:
        parser.add_argument("name", metavar="NAME", help="of the account")
    parser.set_defaults(run=run)
    return parser


def _add_link_flags(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--days", type=_days, default=7, metavar="N", help="how long a link is valid (7 days)"
    )
    parser.add_argument(
        "--address",
        default=_own_address(),
        metavar="URL",
        help="by which its owner reaches the server, if not by the one it listens on",
    )


def _days(text: str) -> int:
    days = int(text)
    if not 1 <= days <= LONGEST_DAYS:
        raise argparse.ArgumentTypeError(f"a link is valid for 1 to {LONGEST_DAYS} days")
    return days


def _own_address() -> str:
    settings = read_settings([])
    return own_address(settings.host, settings.port)


def _create(accounts: Accounts, options: argparse.Namespace) -> None:
    first = accounts.count() == 0
    password = None if options.link else _asked(options.name)
    person = accounts.create(options.name, Role(options.role), password)
    print(f"{person.name} may sign in as {person.role}.")
    if options.link:
        _print_link(accounts, options, Purpose.PASSWORD)
    if first:
        print("This is the first account: a server that runs already asks for sign-in once it is restarted.")


def _list(accounts: Accounts, options: argparse.Namespace) -> None:
    facts = accounts.facts()
    if not facts:
        print("There is no account; python -m app account create NAME --role admin makes the first.")
    for item in facts:
        print(f"{item.name}\t{item.role}\t{_state(item)}")


def _state(item: AccountFacts) -> str:
    if item.disabled:
        return "disabled"
    password = "password" if item.has_password else "no password yet"
    return f"{password}, {item.links} valid links, signed in at {item.signed_in} browsers"


def _disable(accounts: Accounts, options: argparse.Namespace) -> None:
    accounts.disable(options.name)
    print(f"{options.name} can no longer sign in, and is signed out everywhere; readings stay.")


def _enable(accounts: Accounts, options: argparse.Namespace) -> None:
    accounts.enable(options.name)
    print(f"{options.name} can sign in again.")


def _link(accounts: Accounts, options: argparse.Namespace) -> None:
    _print_link(accounts, options, Purpose.SIGN_IN, reusable=options.reusable)


def _password(accounts: Accounts, options: argparse.Namespace) -> None:
    if options.link:
        _print_link(accounts, options, Purpose.PASSWORD)
        return
    accounts.set_password(options.name, _asked(options.name))
    print(f"{options.name} has another password, and is signed out everywhere.")


def _role(accounts: Accounts, options: argparse.Namespace) -> None:
    accounts.set_role(options.name, Role(options.role))
    print(f"{options.name} is {options.role} now.")


def _print_link(
    accounts: Accounts, options: argparse.Namespace, purpose: Purpose, *, reusable: bool = False
) -> None:
    token = accounts.link(options.name, purpose, valid=timedelta(days=options.days), reusable=reusable)
    how = "until then" if reusable else "once"
    print(f"Valid for {options.days} days, {how}; whoever has it is {options.name}:")
    # Behind the "#", which no browser sends: it stands in no log of a proxy.
    print(f"{options.address.rstrip('/')}/sign-in#link={token}")


def _asked(name: str) -> str:
    """Typed twice, on the terminal alone: a flag stands in lists of processes and in the shell's memory."""
    if not sys.stdin.isatty():
        raise UsageError("A password is asked for on a terminal alone; use --link where there is none.")
    password = getpass.getpass(f"Password of {name}: ")
    if getpass.getpass("Once more: ") != password:
        raise PasswordError("The two passwords differ; try again.")
    return password
