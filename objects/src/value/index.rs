//! `value["key"]`, `value[0]`, and what pointers are made of.

use std::borrow::Cow;
use std::ops;

use super::{Map, Text, Value};

static NULL: Value = Value::Null;

/// What leads one level down: a key, or a place in a list.
pub trait Index {
    /// What it leads to.
    fn of<'v>(&self, value: &'v Value) -> Option<&'v Value>;
    /// What it leads to, to be changed.
    fn of_mut<'v>(&self, value: &'v mut Value) -> Option<&'v mut Value>;
    /// What it leads to, which is made if it is a key that is not there.
    fn made<'v>(&self, value: &'v mut Value) -> Option<&'v mut Value>;
}

impl Index for usize {
    fn of<'v>(&self, value: &'v Value) -> Option<&'v Value> {
        value.as_array()?.get(*self)
    }

    fn of_mut<'v>(&self, value: &'v mut Value) -> Option<&'v mut Value> {
        self.of(value)?;
        value.as_array_mut()?.get_mut(*self)
    }

    fn made<'v>(&self, value: &'v mut Value) -> Option<&'v mut Value> {
        self.of_mut(value)
    }
}

impl Index for str {
    fn of<'v>(&self, value: &'v Value) -> Option<&'v Value> {
        value.as_object()?.get(self)
    }

    fn of_mut<'v>(&self, value: &'v mut Value) -> Option<&'v mut Value> {
        value.as_object_mut()?.get_mut(self)
    }

    fn made<'v>(&self, value: &'v mut Value) -> Option<&'v mut Value> {
        if value.is_null() {
            *value = Value::Object(Map::new());
        }
        Some(value.as_object_mut()?.entry(self).or_insert(Value::Null))
    }
}

macro_rules! as_text {
    ($($text:ty)*) => {$(
        impl Index for $text {
            fn of<'v>(&self, value: &'v Value) -> Option<&'v Value> {
                self.as_str().of(value)
            }

            fn of_mut<'v>(&self, value: &'v mut Value) -> Option<&'v mut Value> {
                self.as_str().of_mut(value)
            }

            fn made<'v>(&self, value: &'v mut Value) -> Option<&'v mut Value> {
                self.as_str().made(value)
            }
        }
    )*};
}
as_text!(String Text);

impl<I: Index + ?Sized> Index for &I {
    fn of<'v>(&self, value: &'v Value) -> Option<&'v Value> {
        (**self).of(value)
    }

    fn of_mut<'v>(&self, value: &'v mut Value) -> Option<&'v mut Value> {
        (**self).of_mut(value)
    }

    fn made<'v>(&self, value: &'v mut Value) -> Option<&'v mut Value> {
        (**self).made(value)
    }
}

/// Null where there is nothing.
impl<I: Index> ops::Index<I> for Value {
    type Output = Value;

    fn index(&self, index: I) -> &Value {
        index.of(self).unwrap_or(&NULL)
    }
}

/// A key that is not there is made, in nothing too. A place that is not in the list is a bug of the caller, as for any list.
impl<I: Index> ops::IndexMut<I> for Value {
    #[allow(clippy::panic)]
    fn index_mut(&mut self, index: I) -> &mut Value {
        match index.made(self) {
            Some(value) => value,
            None => panic!("a key of what is no mapping, or a place that is not in the list"),
        }
    }
}

/// The steps of a JSON pointer, none for the empty one; `None` for what is no pointer.
pub(super) fn steps(pointer: &str) -> Option<impl Iterator<Item = Cow<'_, str>>> {
    let mut steps = pointer.split('/');
    if steps.next() != Some("") {
        return None;
    }
    Some(steps.map(unescaped))
}

/// The key that a step of a JSON pointer means, in which `~1` stands for a slash and `~0` for a tilde.
pub fn unescaped(step: &str) -> Cow<'_, str> {
    if step.contains('~') { step.replace("~1", "/").replace("~0", "~").into() } else { step.into() }
}

/// The place in a list that a step of a pointer means.
pub(super) fn place(step: &str) -> Option<usize> {
    let is_odd = step.starts_with('+') || step.starts_with('0') && step.len() > 1;
    if is_odd { None } else { step.parse().ok() }
}

impl ops::Index<&str> for Map {
    type Output = Value;

    /// Null where there is nothing.
    fn index(&self, key: &str) -> &Value {
        self.get(key).unwrap_or(&NULL)
    }
}
