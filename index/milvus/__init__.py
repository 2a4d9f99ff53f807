"""Milvus behind the index protocol: a cluster for what outgrows one machine."""
