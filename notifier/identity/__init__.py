"""Who someone is: accounts, tokens, passwords, and the secret that signs."""
