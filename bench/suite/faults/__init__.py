"""`bench/faults`: what happens to a viewer's picture of the robot when something between them breaks."""
