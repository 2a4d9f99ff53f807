"""What `likemark bench run scale` measures: likemark's own index and its rivals, one face each."""
