"""What customers agree to and take back, and what may be done therefore. Pure."""
