"""What single commands do, without a world around them."""
