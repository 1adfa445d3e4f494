"""What an account owns: applications, connections, profiles and numbers."""
