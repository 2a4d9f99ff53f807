"""likemark-open's protocol: every drawing of a mark asks for the others, among all distractors."""
