"""What the studio talks about: frozen values and the ports the rooms meet through. Standard library only."""
