//! How large what a client asks may be.

/// How deep conditions may stand in one another, and how many names a path may have.
pub const MAX_DEPTH: usize = 32;
/// How many comparisons, and operands in lists, a condition may have.
pub const MAX_TERMS: usize = 2_000;
/// How many patterns, of `like` and its relatives or `regexp`, a condition may have.
pub const MAX_PATTERNS: usize = 64;
/// How many bytes of memory the patterns of a condition may take, compiled.
pub const MAX_PATTERN_BYTES: usize = 256 * 1024;
/// Most code points in a pattern of `like` or in a regular expression.
pub const MAX_PATTERN_CHARS: usize = 1_000;
/// How many properties may be ordered by, selected, or included.
pub const MAX_NAMES: usize = 100;
