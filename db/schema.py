"""The catalogue's tables (SQLAlchemy declarative).

`Image.id` is what the vector index is keyed by: a 64-bit integer that is never used twice.
Every change of a model's vectors advances `Model.generation`; `Embedding.generation` and `Removal`
say what changed when, so that an index at generation g catches up by reading what came after g.

Every filter has an index. Those of `ONE_DIALECT` differ between the databases and are made by the
migrations; see 0002 for which database has which, and why.
"""

from __future__ import annotations

import datetime as dt
from typing import Any, ClassVar

from sqlalchemy import (
    JSON,
    BigInteger,
    Date,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Text,
    UniqueConstraint,
)
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column, relationship

from likemark.db.stored import StoredDate, StoredText

# SQLite numbers rows by itself only for INTEGER; there it holds 64 bits too.
BigId = BigInteger().with_variant(Integer, "sqlite")
# By bytes, as SQLite compares: what begins alike is a range of an index.
Code = String(20).with_variant(String(20, collation="C"), "postgresql")
Line = Text().with_variant(StoredText(), "sqlite")
Day = Date().with_variant(StoredDate(), "sqlite")
Json = JSON().with_variant(JSONB(), "postgresql")

NAMING = {
    "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "fk": "fk_%(table_name)s_%(column_0_name)s",
    "pk": "pk_%(table_name)s",
}


# Indices that only one of the databases has.
ONE_DIALECT = (
    "ix_marks_office", "ix_marks_status", "ix_marks_owner",
    "ix_marks_office_lower", "ix_marks_status_lower", "ix_marks_owner_trigrams",
)  # fmt: skip


class Base(DeclarativeBase):
    metadata = MetaData(naming_convention=NAMING)
    type_annotation_map: ClassVar[dict[Any, Any]] = {dt.date: Day}


class CatalogueInfo(Base):
    """One row: which catalogue this is, and the model that its searches use."""

    __tablename__ = "catalogue_info"
    id: Mapped[int] = mapped_column(Integer, primary_key=True, autoincrement=False)
    identity: Mapped[str] = mapped_column(String(32))
    active_model_id: Mapped[int | None] = mapped_column(ForeignKey("models.id"))


class Collection(Base):
    __tablename__ = "collections"
    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    name: Mapped[str] = mapped_column(Line, unique=True)


class Mark(Base):
    """One filed or used mark with what its register says; unknown fields are NULL."""

    __tablename__ = "marks"
    __table_args__ = (
        UniqueConstraint("collection_id", "key"),
        Index(None, "filing_date"),
        Index(None, "application_number", postgresql_using="hash"),
        Index(None, "registration_number", postgresql_using="hash"),
        {"sqlite_autoincrement": True},
    )
    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    collection_id: Mapped[int] = mapped_column(ForeignKey("collections.id", ondelete="CASCADE"))
    key: Mapped[str] = mapped_column(Line)  # what makes it the same mark on the next run
    source: Mapped[str] = mapped_column(Line)  # the manifest or the picture it was read from
    office: Mapped[str | None] = mapped_column(Line)
    application_number: Mapped[str | None] = mapped_column(Line)
    registration_number: Mapped[str | None] = mapped_column(Line)
    text: Mapped[str | None] = mapped_column(Line)
    kind: Mapped[str | None] = mapped_column(Line)
    status: Mapped[str | None] = mapped_column(Line)
    filing_date: Mapped[dt.date | None]
    registration_date: Mapped[dt.date | None]
    expiry_date: Mapped[dt.date | None]
    owner: Mapped[str | None] = mapped_column(Line)
    goods: Mapped[str | None] = mapped_column(Line)
    extra: Mapped[dict[str, Any]] = mapped_column(Json)

    collection: Mapped[Collection] = relationship()
    nice: Mapped[list[MarkNice]] = relationship(
        cascade="all, delete-orphan", order_by="MarkNice.nice_class", passive_deletes=True
    )
    vienna: Mapped[list[MarkVienna]] = relationship(
        cascade="all, delete-orphan", order_by="MarkVienna.code", passive_deletes=True
    )
    images: Mapped[list[MarkImage]] = relationship(
        cascade="all, delete-orphan", order_by="MarkImage.id", passive_deletes=True
    )


class MarkNice(Base):
    __tablename__ = "mark_nice"
    __table_args__ = (Index(None, "nice_class", "mark_id"),)
    mark_id: Mapped[int] = mapped_column(
        ForeignKey("marks.id", ondelete="CASCADE"), primary_key=True
    )
    nice_class: Mapped[int] = mapped_column(Integer, primary_key=True, autoincrement=False)


class MarkVienna(Base):
    __tablename__ = "mark_vienna"
    __table_args__ = (Index(None, "code", "mark_id"),)
    mark_id: Mapped[int] = mapped_column(
        ForeignKey("marks.id", ondelete="CASCADE"), primary_key=True
    )
    code: Mapped[str] = mapped_column(Code, primary_key=True)  # "03.07.17"


class Image(Base):
    """One picture by its bytes, however many marks and collections show it."""

    __tablename__ = "images"
    __table_args__ = ({"sqlite_autoincrement": True},)
    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    content: Mapped[bytes] = mapped_column(LargeBinary(32), unique=True)  # sha256 of the file
    artwork: Mapped[bytes] = mapped_column(LargeBinary(32))  # sha256 of the trimmed pixels
    width: Mapped[int]  # px
    height: Mapped[int]  # px
    format: Mapped[str] = mapped_column(String(20))


class MarkImage(Base):
    __tablename__ = "mark_images"
    __table_args__ = (
        UniqueConstraint("mark_id", "path"),
        Index(None, "path", postgresql_using="hash"),
    )
    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    mark_id: Mapped[int] = mapped_column(ForeignKey("marks.id", ondelete="CASCADE"))
    image_id: Mapped[int] = mapped_column(ForeignKey("images.id"), index=True)
    path: Mapped[str] = mapped_column(Line)  # where the picture was read

    image: Mapped[Image] = relationship()


class Model(Base):
    """An embedding model whose vectors the catalogue holds."""

    __tablename__ = "models"
    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    fingerprint: Mapped[str] = mapped_column(String(64), unique=True)
    name: Mapped[str] = mapped_column(Line)
    dimension: Mapped[int]
    generation: Mapped[int] = mapped_column(BigInteger)


class Embedding(Base):
    __tablename__ = "embeddings"
    # The second for the removal of images, which would else look through all embeddings for each.
    __table_args__ = (Index(None, "model_id", "generation"), Index(None, "image_id"))
    model_id: Mapped[int] = mapped_column(
        ForeignKey("models.id", ondelete="CASCADE"), primary_key=True
    )
    image_id: Mapped[int] = mapped_column(
        ForeignKey("images.id", ondelete="CASCADE"), primary_key=True
    )
    generation: Mapped[int] = mapped_column(BigInteger)
    vector: Mapped[bytes] = mapped_column(LargeBinary)  # (D,) little-endian float16, unit length


class Removal(Base):
    """A vector that went; kept so that an index behind this generation can drop it."""

    __tablename__ = "removals"
    model_id: Mapped[int] = mapped_column(
        ForeignKey("models.id", ondelete="CASCADE"), primary_key=True
    )
    generation: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    image_id: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)


class Generation(Base):
    """The random token of each generation: an index that holds another token at the same number
    belongs to another history (a restored backup, say) and is rebuilt."""

    __tablename__ = "generations"
    model_id: Mapped[int] = mapped_column(
        ForeignKey("models.id", ondelete="CASCADE"), primary_key=True
    )
    number: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    token: Mapped[str] = mapped_column(String(32))


class Revision(Base):
    """The random token of each change of links, as `Generation` has them of vectors."""

    __tablename__ = "revisions"
    number: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    token: Mapped[str] = mapped_column(String(32))


class LinkChange(Base):
    """A link that came, went or whose mark changed, under the newest revision that did so."""

    __tablename__ = "link_changes"
    link_id: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    revision: Mapped[int] = mapped_column(BigInteger, index=True)


class Reject(Base):
    """A picture of a collection that could not be read, with the reason code."""

    __tablename__ = "rejects"
    collection_id: Mapped[int] = mapped_column(
        ForeignKey("collections.id", ondelete="CASCADE"), primary_key=True
    )
    path: Mapped[str] = mapped_column(Line, primary_key=True)
    source: Mapped[str] = mapped_column(Line)  # the manifest that names it, or the path itself
    reason: Mapped[str] = mapped_column(String(40))
    detail: Mapped[str] = mapped_column(Line)
