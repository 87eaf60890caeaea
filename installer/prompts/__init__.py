"""The same questions on plain lines, for those who prefer them."""
