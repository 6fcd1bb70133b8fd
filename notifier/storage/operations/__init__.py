"""What can be done to the store and asked of it, by subject: one place for each."""
