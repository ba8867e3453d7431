"""`rally-bridge up`: run everything on one machine, and keep it running."""
