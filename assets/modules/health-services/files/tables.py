"""Makes the Health API's tables before it starts, one pod at a time.

The API makes them when it starts, but without a lock: of several that start at once on an empty
database all but one end with an error. Here the same is done under a lock of the database, with the
image's own description of the tables. Prints no address and no password, whatever goes wrong.
"""

import asyncio
import importlib
import os
import sys
import time

WAIT_SECONDS = 300
PAUSE_SECONDS = 3
LOCK_SECONDS = 120
# Any number does, as long as all pods take the same one and nothing else does.
LOCK = 7203495581


def say(words):
    """At once, since whoever looks at a waiting container should see why it waits."""
    sys.stdout.write(f"{words}\n")
    sys.stdout.flush()


def described():
    """The image's engine and tables; None when it keeps them elsewhere."""
    # As its own start command does: the programs are where the image begins.
    sys.path.insert(0, os.getcwd())
    try:
        session = importlib.import_module("app.db.session")
        importlib.import_module("app.db.models")
    except ModuleNotFoundError as error:
        if not str(error.name).startswith("app"):
            raise
        say(f"This image describes its tables elsewhere ({error.name}); it makes them itself.")
        return None
    return session.engine, session.Base.metadata


async def make(engine, metadata):
    text = importlib.import_module("sqlalchemy").text
    async with engine.begin() as connection:
        await connection.execute(text(f"SET LOCAL lock_timeout = '{LOCK_SECONDS}s'"))
        await connection.execute(text(f"SELECT pg_advisory_xact_lock({LOCK})"))
        await connection.run_sync(metadata.create_all)


async def patiently(engine, metadata):
    """Waits for a database that does not answer yet, as after the start of a machine."""
    deadline = time.monotonic() + WAIT_SECONDS
    told = False
    while True:
        try:
            return await make(engine, metadata)
        except Exception as error:
            if not is_away(error) or time.monotonic() > deadline:
                raise
            if not told:
                say(f"Waiting for the health database: {type(error).__name__}.")
                told = True
        await asyncio.sleep(PAUSE_SECONDS)


def is_away(error):
    """Whether waiting may help: nobody listens, or the server is starting or stopping."""
    return isinstance(error, OSError) or "CannotConnectNow" in repr(chain(error))


def chain(error):
    """The error and what it came from; the database's own words are at the end."""
    found = []
    while error is not None and error not in found:
        found.append(error)
        error = getattr(error, "orig", None) or error.__cause__
    return found


def words(error):
    """What went wrong. A wrong variable shows its value in its words, so its name must do."""
    wrong = getattr(error, "errors", None)
    if callable(wrong):
        names = ", ".join(".".join(map(str, one["loc"])) for one in wrong())
        return f"The Health API's variables are wrong or missing: {names}."
    if isinstance(error, ImportError):
        return f"The image of the Health API lacks {error.name or error}."
    kind = type(chain(error)[-1]).__name__
    if kind == "InvalidPasswordError":
        return (
            "The health database refuses the password. Run health-install again: it writes the "
            "database's password into the Secret that this program reads."
        )
    if kind == "InvalidCatalogNameError":
        return "The health database is not there yet; health-install makes it."
    return f"The health database does not take the Health API's tables: {kind}."


def main():
    try:
        found = described()
        if found is not None:
            asyncio.run(patiently(*found))
            say("The Health API's tables are there.")
    except Exception as error:  # noqa: BLE001 - a traceback may show an address with its password
        say(words(error))
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
