"""Makes the tables of a journal on a server, once, whoever comes first; refuses those of another version."""

from __future__ import annotations

from typing import Any

from psycopg import Connection, errors

from bailian.errors import SetupError
from bailian.i18n import tr
from bailian.store.backends.server_rows import ServerRow
from bailian.store.backends.server_schema import SCHEMA, server_schema
from bailian.store.backends.tables import Tables

# Two that begin at once make them one after the other.
_LOCK = 7_420_417_001


def made_or_checked(connection: Connection[ServerRow], tables: Tables, title: str) -> None:
    """See that the tables are there, and are of this version.

    Raises:
        SetupError: they are of another version, or may not be made here.
    """
    connection.execute(f"SET search_path TO {SCHEMA}")
    found = _version(connection, tables.name)
    if found is None:
        try:
            _make(connection, tables)
        except errors.InsufficientPrivilege as error:
            raise _not_allowed(title, str(error).partition("\n")[0]) from None
        found = _version(connection, tables.name)
    if found != tables.version:
        raise _other_version(title, found, tables.version)


def _version(connection: Connection[ServerRow], name: str) -> int | None:
    (known,) = _row(connection.execute(f"SELECT to_regclass('{SCHEMA}.versions')"))
    if known is None:
        return None
    row: Any = connection.execute("SELECT version FROM versions WHERE name = %s", [name]).fetchone()
    return None if row is None else int(row[0])


def _row(cursor: Any) -> Any:
    return cursor.fetchone()


def _make(connection: Connection[ServerRow], tables: Tables) -> None:
    with connection.transaction():
        connection.execute(f"SELECT pg_advisory_xact_lock({_LOCK})")
        connection.execute(f"CREATE SCHEMA IF NOT EXISTS {SCHEMA}")
        connection.execute(
            'CREATE TABLE IF NOT EXISTS versions (name TEXT COLLATE "C" PRIMARY KEY, version BIGINT NOT NULL)'
        )
        if _version(connection, tables.name) is None:
            connection.execute(server_schema(tables).encode())
            connection.execute("INSERT INTO versions (name, version) VALUES (%s, %s)", [tables.name, tables.version])


def _not_allowed(title: str, why: str) -> SetupError:
    return SetupError(
        tr(f"{title}: no tables can be made there ({why})", f"{title}：无法在其中建表（{why}）"),
        advice=tr(
            f"let its owner run once: CREATE SCHEMA {SCHEMA} AUTHORIZATION the_user_of_the_url",
            f"请数据库管理员执行一次：CREATE SCHEMA {SCHEMA} AUTHORIZATION 连接所用的用户",
        ),
    )


def _other_version(title: str, found: int | None, version: int) -> SetupError:
    return SetupError(
        tr(
            f"{title} has the tables of another version of this toolkit (its version {found}, ours {version})",
            f"{title} 中的表属于本工具的另一版本（表版本 {found}，本工具 {version}）",
        ),
        advice=tr("use the same version of the toolkit on all machines", "请在所有机器上使用相同版本的本工具"),
    )
