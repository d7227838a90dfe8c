"""What things cost, measured against each other in one run."""
