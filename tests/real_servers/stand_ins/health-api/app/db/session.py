"""The engine and the base of all tables, under the names the Health API has for them."""

import os

from sqlalchemy.ext.asyncio import create_async_engine
from sqlalchemy.orm import DeclarativeBase

engine = create_async_engine(os.environ["DATABASE_URL"])


class Base(DeclarativeBase):
    """What all tables have in common."""
