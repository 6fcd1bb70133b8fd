"""What attackers do, as bounded tests. ``make attack`` runs all of it and prints the table."""
