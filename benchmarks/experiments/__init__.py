"""What each choice of a training is worth: small trainings that differ in one thing."""
