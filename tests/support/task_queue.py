"""The queue that the tests of tasks run on: our own, or DBOS on a real PostgreSQL with `TASK_QUEUE=dbos`."""

from __future__ import annotations

import os
import pwd
import shutil
import socket
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from assistant.core.tasks.queues import Queue, work_in_order
from memory_store import Store

_DATABASE: Final = "TASK_DATABASE"


def wants_dbos() -> bool:
    """Say whether the tests are to run on DBOS."""
    return os.environ.get("TASK_QUEUE") == "dbos"


def task_queue(store: Store) -> Queue:
    """Return the queue for the items of this store."""
    if not wants_dbos():
        return work_in_order
    from assistant.core.tasks.dbos_queue import DbosQueue

    return DbosQueue(os.environ[_DATABASE], store.tasks.queue_name).work_on


@contextmanager
def database_for_tasks() -> Iterator[None]:
    """Have `task_queue` find a PostgreSQL of its own."""
    with Postgres() as postgres:
        os.environ[_DATABASE] = postgres.url
        yield
        del os.environ[_DATABASE]


class Postgres:
    """A PostgreSQL with an empty database, on a port of its own, gone at the end."""

    def __init__(self) -> None:
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self._port = free.getsockname()[1]
        self._folder = Path(tempfile.mkdtemp(prefix="postgres-"))
        # It refuses to run as root.
        self._user = "postgres" if os.getuid() == 0 else pwd.getpwuid(os.getuid()).pw_name
        if os.getuid() == 0:
            shutil.chown(self._folder, self._user)

    def __enter__(self) -> Postgres:
        self._run("initdb", "--username=keepsake", "--auth=trust", "--no-sync", "--encoding=UTF8", "--locale=C")
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()
        shutil.rmtree(self._folder)

    @property
    def url(self) -> str:
        """Where it is."""
        return f"postgresql://keepsake@127.0.0.1:{self._port}/tasks"

    def start(self) -> None:
        """Start it, and wait until it answers."""
        options = f"-k {self._folder} -c listen_addresses=127.0.0.1 -p {self._port} -c fsync=off"
        self._run("pg_ctl", "--wait", f"--options={options}", f"--log={self._folder}/log", "start")

    def stop(self) -> None:
        """Stop it at once, as a machine that fails."""
        self._run("pg_ctl", "--wait", "--mode=immediate", "stop")

    def dump(self) -> str:
        """Return all that it holds, as text."""
        return self._run("pg_dump", f"--dbname={self.url}").stdout

    def execute(self, statement: str) -> None:
        """Execute an SQL statement in it."""
        self._run("psql", f"--dbname={self.url}", f"--command={statement}")

    def _run(self, program: str, *arguments: str) -> subprocess.CompletedProcess[str]:
        command = [str(find_postgres() / program), *arguments]
        environment = {**os.environ, "PGDATA": str(self._folder / "data")}
        user = self._user if os.getuid() == 0 else None
        # What it leaves running has no output of ours to hold open.
        with tempfile.TemporaryFile("w+") as output:
            ended = subprocess.run(
                command, check=False, env=environment, user=user, cwd="/", stdout=output, stderr=subprocess.STDOUT
            )
            output.seek(0)
            told = output.read()
        assert ended.returncode == 0, told
        return subprocess.CompletedProcess(command, 0, told)


def find_postgres() -> Path:
    """Return the folder of its programs; Debian keeps them out of PATH. Raises FileNotFoundError."""
    found = shutil.which("initdb")
    folders = [Path(found).resolve().parent] if found else sorted(Path("/usr/lib/postgresql").glob("*/bin"))
    if not folders:
        raise FileNotFoundError("There is no PostgreSQL here.")
    return folders[-1]
