"""Line mode: asking, printing, stopping."""
