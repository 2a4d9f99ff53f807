"""likemark.db: the catalogue, the one source of truth: marks, register data, images, embeddings."""
