//! Which item of the old list became which of the new.

use crate::value::Value;

/// A step from an old list to a new one: an item that is in both, one that went, or one that came.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Step {
    /// Old and new index of the same item, changed or not.
    Both(usize, usize),
    /// The old item is gone.
    Gone(usize),
    /// The new item came, after what the step before speaks of.
    Came(usize),
}

/// The largest table for a longest common subsequence; beyond it only the equal ends of two lists are matched.
const MAX_TABLE: usize = 1_000_000;

/// Matches equal items in order; what is left is gone or came.
pub(super) fn align(old: usize, new: usize, same: impl Fn(usize, usize) -> bool) -> Vec<Step> {
    let shorter = old.min(new);
    let head = (0..shorter).take_while(|&i| same(i, i)).count();
    let tail = (0..shorter - head).take_while(|&i| same(old - 1 - i, new - 1 - i)).count();
    let (rows, columns) = (old - head - tail, new - head - tail);
    let mut steps: Vec<Step> = (0..head).map(|i| Step::Both(i, i)).collect();
    if rows.saturating_mul(columns) > MAX_TABLE || rows == 0 || columns == 0 {
        steps.extend((head..head + rows).map(Step::Gone));
        steps.extend((head..head + columns).map(Step::Came));
    } else {
        let width = columns + 1;
        let equal: Vec<bool> = (0..rows * columns).map(|at| same(head + at / columns, head + at % columns)).collect();
        let mut longest = vec![0_u32; (rows + 1) * width];
        for row in (0..rows).rev() {
            for column in (0..columns).rev() {
                longest[row * width + column] = if equal[row * columns + column] {
                    longest[(row + 1) * width + column + 1] + 1
                } else {
                    longest[(row + 1) * width + column].max(longest[row * width + column + 1])
                };
            }
        }
        let (mut row, mut column) = (0, 0);
        while row < rows || column < columns {
            if row < rows && column < columns && equal[row * columns + column] {
                steps.push(Step::Both(head + row, head + column));
                row += 1;
                column += 1;
            } else if row < rows
                && (column == columns || longest[(row + 1) * width + column] >= longest[row * width + column + 1])
            {
                steps.push(Step::Gone(head + row));
                row += 1;
            } else {
                steps.push(Step::Came(head + column));
                column += 1;
            }
        }
    }
    steps.extend((0..tail).rev().map(|i| Step::Both(old - 1 - i, new - 1 - i)));
    steps
}

/// Matches the items of two lists: equal ones first, then those that are the same thing changed, then those that stand
/// in the place of one another.
pub(super) fn align_items(old: &[Value], new: &[Value]) -> Vec<Step> {
    let mut steps = Vec::new();
    for_each_gap(&align(old.len(), new.len(), |i, j| old[i] == new[j]), &mut steps, |gone, came, steps| {
        let similar = align(gone.len(), came.len(), |i, j| is_similar(&old[gone[i]], &new[came[j]]));
        let named: Vec<Step> = similar
            .into_iter()
            .map(|step| match step {
                Step::Both(i, j) => Step::Both(gone[i], came[j]),
                Step::Gone(i) => Step::Gone(gone[i]),
                Step::Came(j) => Step::Came(came[j]),
            })
            .collect();
        for_each_gap(&named, steps, |gone, came, steps| {
            if gone.len() == came.len() && gone.iter().zip(came).all(|(&i, &j)| !is_another(&old[i], &new[j])) {
                steps.extend(gone.iter().zip(came).map(|(&i, &j)| Step::Both(i, j)));
            } else {
                steps.extend(gone.iter().map(|&i| Step::Gone(i)));
                steps.extend(came.iter().map(|&j| Step::Came(j)));
            }
        });
    });
    steps
}

/// Copies matches, and hands each run of items without one to `gap`.
fn for_each_gap(from: &[Step], to: &mut Vec<Step>, mut gap: impl FnMut(&[usize], &[usize], &mut Vec<Step>)) {
    let (mut gone, mut came) = (Vec::new(), Vec::new());
    for step in from {
        match *step {
            Step::Gone(i) => gone.push(i),
            Step::Came(j) => came.push(j),
            Step::Both(..) => {
                gap(&gone, &came, to);
                gone.clear();
                came.clear();
                to.push(*step);
            }
        }
    }
    gap(&gone, &came, to);
}

/// Whether two objects look like one that was changed: the same name, or else at least half of the entries.
fn is_similar(old: &Value, new: &Value) -> bool {
    let (Value::Object(old), Value::Object(new)) = (old, new) else {
        return false;
    };
    if let (Some(old), Some(new)) = (old.get("name"), new.get("name")) {
        return old == new;
    }
    let equal = old.iter().filter(|(key, value)| new.get(key) == Some(*value)).count();
    equal * 2 >= old.len().max(new.len())
}

/// Whether two objects have names, not the same, and so little else in common that one went and another came. With half of their
/// other entries equal, the one was renamed.
fn is_another(old: &Value, new: &Value) -> bool {
    let (Value::Object(old), Value::Object(new)) = (old, new) else {
        return false;
    };
    let (Some(was), Some(is)) = (old.get("name"), new.get("name")) else {
        return false;
    };
    let equal = old.iter().filter(|(key, value)| *key != "name" && new.get(key) == Some(*value)).count();
    was != is && equal * 2 < old.len().max(new.len()) - 1
}
