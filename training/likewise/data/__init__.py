"""Training data: free photographs, procedural images, transformation families, quadruples."""
