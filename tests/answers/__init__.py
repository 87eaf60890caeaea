"""What the answers room promises: questions, sources, files, sentences."""
