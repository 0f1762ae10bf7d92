//! How work is cut: by amount, at places that do not depend on the number of threads.

/// Numbers a task should touch at least: below this, handing it to another thread costs more than it saves.
const WORTHWHILE: usize = 16 * 1024;

/// Rows of `width` numbers that make a worthwhile task.
pub(crate) fn rows(width: usize) -> usize {
    (WORTHWHILE / width.max(1)).max(1)
}

/// Numbers that make a worthwhile task, where they need not stay in rows.
pub(crate) const NUMBERS: usize = WORTHWHILE;
