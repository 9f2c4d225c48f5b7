"""The log's SQLite file: append-only tables joined on reading, one writing connection, a reading connection per look.

An event's key is its run's number and its own number within the run, so that rows of a run lie together and need no index.
"""

from __future__ import annotations

import json
import os
import sqlite3
from collections import deque
from collections.abc import Collection, Iterable, Iterator
from contextlib import closing
from pathlib import Path
from threading import Condition, Lock, Thread
from typing import Any

from workbench.records import Event, Refused

_TABLES = """
CREATE TABLE IF NOT EXISTS runs (number INTEGER PRIMARY KEY AUTOINCREMENT, run TEXT NOT NULL UNIQUE);
CREATE TABLE IF NOT EXISTS events (
    key INTEGER PRIMARY KEY, id INTEGER NOT NULL, run TEXT NOT NULL, time REAL NOT NULL, mode TEXT, flow TEXT, leg TEXT,
    direction TEXT NOT NULL, event_type TEXT NOT NULL, call_id TEXT, from_ TEXT, "to" TEXT, cause TEXT, data TEXT NOT NULL, label TEXT,
    rule TEXT, seq INTEGER, duplicate_of INTEGER);
CREATE TABLE IF NOT EXISTS outcomes (
    key INTEGER PRIMARY KEY, run TEXT NOT NULL, status INTEGER, reply TEXT, verbs TEXT NOT NULL, handler_ms REAL, error TEXT,
    late INTEGER NOT NULL);
CREATE TABLE IF NOT EXISTS refusals (
    run TEXT NOT NULL, time REAL NOT NULL, reason TEXT NOT NULL, status INTEGER NOT NULL, method TEXT NOT NULL, path TEXT NOT NULL);
"""
_ADD = "INSERT INTO events VALUES (" + ", ".join("?" * 18) + ")"
_FINISH = "INSERT INTO outcomes VALUES (?, ?, ?, ?, ?, ?, ?, ?)"
_REFUSE = "INSERT INTO refusals VALUES (?, ?, ?, ?, ?, ?)"
_READ = """
SELECT id, events.run AS run, time, mode, flow, leg, direction, event_type, call_id, from_, "to", cause, data, label, rule, seq,
       duplicate_of, status, reply, verbs, handler_ms, error, late
FROM events LEFT JOIN outcomes USING (key)
WHERE events.run = ? AND key BETWEEN ? AND ? AND mode IS COALESCE(?, mode) AND flow IS COALESCE(?, flow)
"""
_RUNS = "SELECT run, MIN(time), MAX(time), COUNT(*) FROM runs JOIN events USING (run) GROUP BY number ORDER BY number DESC"
VERSION = 1
_PER_RUN = 1 << 32
# Copying the write-ahead log into the database waits for the disk, so it is done beside the answers, every so many commits.
_COMMITS_PER_CHECKPOINT = 1_000

Statement = tuple[str, tuple[Any, ...]]


class _Ticket:
    """Statements that wait for a commit."""

    __slots__ = ("done", "error", "statements")

    def __init__(self, statements: Iterable[Statement]) -> None:
        self.statements = statements
        self.done = False
        self.error: Exception | None = None


class Database:
    """The rows of one run, and a look at those of others. Each writing method returns once its rows are committed."""

    def __init__(self, path: Path, run: str) -> None:
        self._path = path
        self._run = run
        # readable by its owner only; SQLite gives its side files the same mode
        os.close(os.open(path, os.O_CREAT | os.O_RDWR, 0o600))
        self._writer = _connect(path)
        self._base = self._prepare()
        self._lock = Lock()
        self._waiting: deque[_Ticket] = deque()
        self._due = Condition()
        self._commits = 0
        self._closed = False
        self._checkpointer = Thread(target=self._checkpoints, name="log-checkpoints", daemon=True)
        self._checkpointer.start()

    def last_id(self) -> int:
        """The highest event id of this run: 0 unless the run is being continued."""
        highest = self._read("SELECT MAX(id) FROM events WHERE key BETWEEN ? AND ?", *self._range(self._base))
        return highest[0][0] or 0

    def add(self, event: Event) -> None:
        """Commit an event without its outcome."""
        self._commit([(_ADD, _event_row(event, self._base + event.id))])

    def finish(self, event: Event) -> None:
        """Commit an event's outcome."""
        self._commit([(_FINISH, _outcome_row(event, self._base + event.id))])

    def add_finished(self, event: Event) -> None:
        """Commit an event together with its outcome."""
        key = self._base + event.id
        self._commit([(_ADD, _event_row(event, key)), (_FINISH, _outcome_row(event, key))])

    def refuse(self, refused: Refused) -> None:
        """Commit a note of what was turned away."""
        row = (self._run, refused.time, refused.reason, refused.status, refused.method, refused.path)
        self._commit([(_REFUSE, row)])

    def events(self, run: str, mode: str | None, flow: str | None, types: Collection[str] = ()) -> Iterator[Event]:
        """The events of a run in order of their ids; of some types, or all."""
        found = self._read("SELECT number FROM runs WHERE run = ?", run)
        query = _READ + (f" AND event_type IN ({', '.join('?' * len(types))})" if types else "") + " ORDER BY key"
        rows = self._read(query, run, *self._range(found[0][0] * _PER_RUN), mode, flow, *types) if found else []
        return map(_event, rows)

    def event(self, run: str, number: int) -> Event | None:
        """One event of a run by its id."""
        found = self._read("SELECT number FROM runs WHERE run = ?", run)
        key = found[0][0] * _PER_RUN + number if found else -1
        return next(map(_event, self._read(_READ, run, key, key, None, None)), None) if 0 <= number < _PER_RUN else None

    def runs(self) -> list[sqlite3.Row]:
        """Rows of run, first time, last time, number of events; the newest first."""
        return self._read(_RUNS)

    def refusals(self, run: str) -> list[sqlite3.Row]:
        """Rows of time, reason, status, method, path."""
        return self._read("SELECT time, reason, status, method, path FROM refusals WHERE run = ? ORDER BY rowid", run)

    def close(self) -> None:
        """End the writing side; what is written afterwards raises."""
        with self._due:
            if self._closed:
                return
            self._closed = True
            self._due.notify()
        self._checkpointer.join()
        with self._lock:
            self._writer.close()

    # -- inside --------------------------------------------------------------------------------------------------------------------

    def _commit(self, statements: list[Statement]) -> None:
        """Group commit: whoever gets the lock commits what has gathered meanwhile, its own and the others'; nobody waits for company."""
        ticket = _Ticket(statements)
        self._waiting.append(ticket)
        with self._lock:
            if not ticket.done:
                tickets = [self._waiting.popleft() for _ in range(len(self._waiting))]
                try:
                    self._write(tickets)
                except BaseException:
                    # A kernel's interrupt may hit the thread that writes for all: the next one writes what it left.
                    self._waiting.extendleft(reversed([one for one in tickets if not one.done]))
                    raise
        if ticket.error is not None:
            raise ticket.error

    def _write(self, tickets: list[_Ticket]) -> None:
        try:
            _transact(self._writer, [statement for ticket in tickets for statement in ticket.statements])
        except Exception as error:
            # besides SQLite's own errors: a number it cannot hold, or text that is no UTF-8
            if len(tickets) > 1:
                # one of them is at fault: the others must not suffer for it
                for ticket in tickets:
                    self._write([ticket])
            else:
                tickets[0].error = error
        for ticket in tickets:
            ticket.done = True
        self._commits += 1
        if self._commits == _COMMITS_PER_CHECKPOINT:
            with self._due:
                self._due.notify()

    def _read(self, query: str, *values: Any) -> list[sqlite3.Row]:
        # a reader of its own never makes a callback wait: WAL lets it see the last commit while others write
        with closing(_connect(self._path)) as reader:
            reader.row_factory = sqlite3.Row
            return reader.execute(query, values).fetchall()

    def _prepare(self) -> int:
        self._writer.execute("PRAGMA journal_mode = WAL")
        version = self._writer.execute("PRAGMA user_version").fetchone()[0]
        if version not in (0, VERSION):
            self._writer.close()
            raise sqlite3.DatabaseError(f"{self._path} was written by another version of the workbench: move it away")
        self._writer.executescript(f"BEGIN IMMEDIATE; {_TABLES} PRAGMA user_version = {VERSION}; COMMIT;")
        self._writer.execute("INSERT OR IGNORE INTO runs (run) VALUES (?)", (self._run,))
        number = self._writer.execute("SELECT number FROM runs WHERE run = ?", (self._run,)).fetchone()[0]
        return int(number) * _PER_RUN

    def _checkpoints(self) -> None:
        with closing(_connect(self._path)) as connection:
            while True:
                with self._due:
                    self._due.wait_for(lambda: self._closed or self._commits >= _COMMITS_PER_CHECKPOINT)
                    if self._closed:
                        return
                    self._commits = 0
                connection.execute("PRAGMA wal_checkpoint(PASSIVE)").fetchall()

    @staticmethod
    def _range(base: int) -> tuple[int, int]:
        return base, base + _PER_RUN - 1


def _connect(path: Path) -> sqlite3.Connection:
    connection = sqlite3.connect(path, timeout=5.0, isolation_level=None, check_same_thread=False)
    connection.execute("PRAGMA synchronous = NORMAL")
    connection.execute("PRAGMA wal_autocheckpoint = 0")
    return connection


def _transact(connection: sqlite3.Connection, statements: list[Statement]) -> None:
    if len(statements) == 1:
        connection.execute(*statements[0])
        return
    connection.execute("BEGIN IMMEDIATE")
    try:
        for sql, row in statements:
            connection.execute(sql, row)
        connection.execute("COMMIT")
    except BaseException:
        if connection.in_transaction:
            connection.execute("ROLLBACK")
        raise


def _event_row(event: Event, key: int) -> tuple[Any, ...]:
    return (
        key,
        event.id,
        event.run,
        event.time,
        event.mode,
        event.flow,
        event.leg,
        event.direction,
        event.event_type,
        event.call_id,
        event.from_,
        event.to,
        event.cause,
        json.dumps(event.data, default=str),
        event.label,
        event.rule,
        event.seq,
        event.duplicate_of,
    )


def _outcome_row(event: Event, key: int) -> tuple[Any, ...]:
    return key, event.run, event.status, event.reply, ",".join(event.verbs), event.handler_ms, event.error, event.late


def _event(row: sqlite3.Row) -> Event:
    values = dict(row)
    values["data"] = json.loads(values["data"])
    values["verbs"] = tuple(values["verbs"].split(",")) if values["verbs"] else ()
    values["late"] = bool(values["late"])
    return Event(**values)
