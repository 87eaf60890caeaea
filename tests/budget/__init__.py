"""What a plan takes, holds and costs."""
