//! Limits of patterns.

/// Most patterns of all rights of a viewer together.
pub const MAX_PATTERNS: usize = 64;
/// Longest pattern in bytes. Names in ROS have 255 at most.
pub const MAX_PATTERN: usize = 256;
