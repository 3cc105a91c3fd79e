"""`bench/endurance`: what grows in a process when the same thing happens to it very often."""
