//! The list of a value: one pointer, shared until it is changed.

use std::ops::{Deref, DerefMut};
use std::sync::Arc;
use std::{fmt, slice, vec};

use super::Value;

/// A list of values. It is read and changed as the vector that it is; a list that is shared is copied before it is changed.
#[derive(Clone, Default)]
pub struct List(Option<Arc<Vec<Value>>>);

static NOTHING: Vec<Value> = Vec::new();

impl List {
    /// A number that tells shared lists from others.
    pub(super) fn address(&self) -> usize {
        self.0.as_ref().map_or(0, |items| Arc::as_ptr(items).addr())
    }
}

impl Deref for List {
    type Target = Vec<Value>;

    fn deref(&self) -> &Vec<Value> {
        self.0.as_deref().unwrap_or(&NOTHING)
    }
}

impl DerefMut for List {
    fn deref_mut(&mut self) -> &mut Vec<Value> {
        Arc::make_mut(self.0.get_or_insert_default())
    }
}

impl PartialEq for List {
    fn eq(&self, other: &List) -> bool {
        self.address() == other.address() || **self == **other
    }
}

impl Eq for List {}

impl fmt::Debug for List {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        (**self).fmt(f)
    }
}

impl From<Vec<Value>> for List {
    fn from(items: Vec<Value>) -> List {
        List((!items.is_empty()).then(|| Arc::new(items)))
    }
}

impl FromIterator<Value> for List {
    fn from_iter<I: IntoIterator<Item = Value>>(items: I) -> List {
        items.into_iter().collect::<Vec<_>>().into()
    }
}

impl IntoIterator for List {
    type Item = Value;
    type IntoIter = vec::IntoIter<Value>;

    fn into_iter(self) -> vec::IntoIter<Value> {
        self.0.map(Arc::unwrap_or_clone).unwrap_or_default().into_iter()
    }
}

impl<'a> IntoIterator for &'a List {
    type Item = &'a Value;
    type IntoIter = slice::Iter<'a, Value>;

    fn into_iter(self) -> slice::Iter<'a, Value> {
        self.iter()
    }
}

impl<'a> IntoIterator for &'a mut List {
    type Item = &'a mut Value;
    type IntoIter = slice::IterMut<'a, Value>;

    fn into_iter(self) -> slice::IterMut<'a, Value> {
        self.iter_mut()
    }
}
