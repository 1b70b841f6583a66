"""Parts that several screens are made of. They know the domain's values, but call no services."""
