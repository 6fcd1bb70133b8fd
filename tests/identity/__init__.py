"""Who someone is: the application's own users."""
