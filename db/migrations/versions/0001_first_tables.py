"""The catalogue's first tables."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

BigId = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
Json = sa.JSON().with_variant(postgresql.JSONB(), "postgresql")


def upgrade() -> None:
    op.create_table(
        "collections",
        sa.Column("id", BigId, nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_collections")),
        sa.UniqueConstraint("name", name=op.f("uq_collections_name")),
    )
    op.create_table(
        "images",
        sa.Column("id", BigId, nullable=False),
        sa.Column("content", sa.LargeBinary(length=32), nullable=False),
        sa.Column("artwork", sa.LargeBinary(length=32), nullable=False),
        sa.Column("width", sa.Integer(), nullable=False),
        sa.Column("height", sa.Integer(), nullable=False),
        sa.Column("format", sa.String(length=20), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_images")),
        sa.UniqueConstraint("content", name=op.f("uq_images_content")),
        sqlite_autoincrement=True,
    )
    op.create_table(
        "models",
        sa.Column("id", BigId, nullable=False),
        sa.Column("fingerprint", sa.String(length=64), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("dimension", sa.Integer(), nullable=False),
        sa.Column("generation", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_models")),
        sa.UniqueConstraint("fingerprint", name=op.f("uq_models_fingerprint")),
    )
    op.create_table(
        "catalogue_info",
        sa.Column("id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("identity", sa.String(length=32), nullable=False),
        sa.Column("active_model_id", BigId, nullable=True),
        sa.ForeignKeyConstraint(
            ["active_model_id"], ["models.id"], name=op.f("fk_catalogue_info_active_model_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_catalogue_info")),
    )
    op.create_table(
        "embeddings",
        sa.Column("model_id", BigId, nullable=False),
        sa.Column("image_id", BigId, nullable=False),
        sa.Column("generation", sa.BigInteger(), nullable=False),
        sa.Column("vector", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(
            ["image_id"], ["images.id"], name=op.f("fk_embeddings_image_id"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["model_id"], ["models.id"], name=op.f("fk_embeddings_model_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("model_id", "image_id", name=op.f("pk_embeddings")),
    )
    op.create_index(
        op.f("ix_embeddings_model_id_generation"), "embeddings", ["model_id", "generation"]
    )
    op.create_index(op.f("ix_embeddings_image_id"), "embeddings", ["image_id"])
    op.create_table(
        "generations",
        sa.Column("model_id", BigId, nullable=False),
        sa.Column("number", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("token", sa.String(length=32), nullable=False),
        sa.ForeignKeyConstraint(
            ["model_id"], ["models.id"], name=op.f("fk_generations_model_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("model_id", "number", name=op.f("pk_generations")),
    )
    op.create_table(
        "marks",
        sa.Column("id", BigId, nullable=False),
        sa.Column("collection_id", BigId, nullable=False),
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("office", sa.Text(), nullable=True),
        sa.Column("application_number", sa.Text(), nullable=True),
        sa.Column("registration_number", sa.Text(), nullable=True),
        sa.Column("text", sa.Text(), nullable=True),
        sa.Column("kind", sa.Text(), nullable=True),
        sa.Column("status", sa.Text(), nullable=True),
        sa.Column("filing_date", sa.Date(), nullable=True),
        sa.Column("registration_date", sa.Date(), nullable=True),
        sa.Column("expiry_date", sa.Date(), nullable=True),
        sa.Column("owner", sa.Text(), nullable=True),
        sa.Column("goods", sa.Text(), nullable=True),
        sa.Column("extra", Json, nullable=False),
        sa.ForeignKeyConstraint(
            ["collection_id"],
            ["collections.id"],
            name=op.f("fk_marks_collection_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_marks")),
        sa.UniqueConstraint("collection_id", "key", name=op.f("uq_marks_collection_id_key")),
        sqlite_autoincrement=True,
    )
    op.create_index(op.f("ix_marks_filing_date"), "marks", ["filing_date"])
    op.create_index(op.f("ix_marks_office"), "marks", ["office"])
    op.create_index(op.f("ix_marks_status"), "marks", ["status"])
    op.create_table(
        "rejects",
        sa.Column("collection_id", BigId, nullable=False),
        sa.Column("path", sa.Text(), nullable=False),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("reason", sa.String(length=40), nullable=False),
        sa.Column("detail", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(
            ["collection_id"],
            ["collections.id"],
            name=op.f("fk_rejects_collection_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("collection_id", "path", name=op.f("pk_rejects")),
    )
    op.create_table(
        "removals",
        sa.Column("model_id", BigId, nullable=False),
        sa.Column("generation", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("image_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.ForeignKeyConstraint(
            ["model_id"], ["models.id"], name=op.f("fk_removals_model_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("model_id", "generation", "image_id", name=op.f("pk_removals")),
    )
    op.create_table(
        "mark_images",
        sa.Column("id", BigId, nullable=False),
        sa.Column("mark_id", BigId, nullable=False),
        sa.Column("image_id", BigId, nullable=False),
        sa.Column("path", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["image_id"], ["images.id"], name=op.f("fk_mark_images_image_id")),
        sa.ForeignKeyConstraint(
            ["mark_id"], ["marks.id"], name=op.f("fk_mark_images_mark_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_mark_images")),
        sa.UniqueConstraint("mark_id", "path", name=op.f("uq_mark_images_mark_id_path")),
    )
    op.create_index(op.f("ix_mark_images_image_id"), "mark_images", ["image_id"])
    op.create_table(
        "mark_nice",
        sa.Column("mark_id", BigId, nullable=False),
        sa.Column("nice_class", sa.Integer(), autoincrement=False, nullable=False),
        sa.ForeignKeyConstraint(
            ["mark_id"], ["marks.id"], name=op.f("fk_mark_nice_mark_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("mark_id", "nice_class", name=op.f("pk_mark_nice")),
    )
    op.create_index(op.f("ix_mark_nice_nice_class"), "mark_nice", ["nice_class"])
    op.create_table(
        "mark_vienna",
        sa.Column("mark_id", BigId, nullable=False),
        sa.Column("code", sa.String(length=20), nullable=False),
        sa.ForeignKeyConstraint(
            ["mark_id"], ["marks.id"], name=op.f("fk_mark_vienna_mark_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("mark_id", "code", name=op.f("pk_mark_vienna")),
    )
    op.create_index(op.f("ix_mark_vienna_code"), "mark_vienna", ["code"])


def downgrade() -> None:
    op.drop_index(op.f("ix_mark_vienna_code"), table_name="mark_vienna")
    op.drop_table("mark_vienna")
    op.drop_index(op.f("ix_mark_nice_nice_class"), table_name="mark_nice")
    op.drop_table("mark_nice")
    op.drop_index(op.f("ix_mark_images_image_id"), table_name="mark_images")
    op.drop_table("mark_images")
    op.drop_table("removals")
    op.drop_table("rejects")
    op.drop_index(op.f("ix_marks_status"), table_name="marks")
    op.drop_index(op.f("ix_marks_office"), table_name="marks")
    op.drop_index(op.f("ix_marks_filing_date"), table_name="marks")
    op.drop_table("marks")
    op.drop_table("generations")
    op.drop_index(op.f("ix_embeddings_image_id"), table_name="embeddings")
    op.drop_index(op.f("ix_embeddings_model_id_generation"), table_name="embeddings")
    op.drop_table("embeddings")
    op.drop_table("catalogue_info")
    op.drop_table("models")
    op.drop_table("images")
    op.drop_table("collections")
