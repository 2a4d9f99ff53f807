"""Results written up: a self-contained page and a contact sheet."""
