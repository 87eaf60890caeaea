"""Two tables that need each other, as the Health API's do."""

from sqlalchemy import Column, ForeignKey, Integer, String

from app.db.session import Base


class User(Base):
    """Somebody who uploads."""

    __tablename__ = "users"
    id = Column(Integer, primary_key=True)
    email = Column(String(320), unique=True)


class Upload(Base):
    """One file."""

    __tablename__ = "uploads"
    id = Column(Integer, primary_key=True)
    user_id = Column(Integer, ForeignKey("users.id"))
