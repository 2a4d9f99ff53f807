"""Pictures: a file of any kind becomes one square RGB array, or one clear reason why not."""
