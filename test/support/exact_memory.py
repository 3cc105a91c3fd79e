"""How memory is held in measurements of it."""

# Freed memory goes back to the system, so that what is held is what is kept.
EXACT_MEMORY = {"MALLOC_ARENA_MAX": "1", "MALLOC_TRIM_THRESHOLD_": "65536", "MALLOC_MMAP_THRESHOLD_": "65536"}
