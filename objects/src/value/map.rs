//! The mapping of a value: one pointer, shared until it is changed; entries in their order.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::{fmt, slice, vec};

use super::{Text, Value};

/// A mapping with more keys than this finds them by an index.
pub const FEW: usize = 24;

/// A mapping whose keys keep the order in which they came. A mapping that is shared is copied before it is changed.
#[derive(Clone, Default)]
pub struct Map(Option<Arc<Body>>);

#[derive(Clone)]
enum Body {
    Few(Vec<(Text, Value)>),
    Many(Box<Many>),
}

/// Entries, and where each key stands among them.
#[derive(Clone)]
struct Many {
    entries: Vec<(Text, Value)>,
    places: BTreeMap<Text, usize>,
}

impl Default for Body {
    fn default() -> Body {
        Body::Few(Vec::new())
    }
}

impl Body {
    /// The entries, whose keys differ.
    fn new(entries: Vec<(Text, Value)>) -> Body {
        if entries.len() <= FEW {
            return Body::Few(entries);
        }
        let places = entries.iter().enumerate().map(|(i, (key, _))| (key.clone(), i)).collect();
        Body::Many(Box::new(Many { entries, places }))
    }

    fn entries(&self) -> &Vec<(Text, Value)> {
        match self {
            Body::Few(entries) => entries,
            Body::Many(many) => &many.entries,
        }
    }

    fn entries_mut(&mut self) -> &mut Vec<(Text, Value)> {
        match self {
            Body::Few(entries) => entries,
            Body::Many(many) => &mut many.entries,
        }
    }

    fn take(self) -> Vec<(Text, Value)> {
        match self {
            Body::Few(entries) => entries,
            Body::Many(many) => many.entries,
        }
    }

    fn place(&self, key: &str) -> Option<usize> {
        match self {
            Body::Few(entries) => entries.iter().position(|(own, _)| own == key),
            Body::Many(many) => many.places.get(key).copied(),
        }
    }

    /// Adds an entry whose key is not there.
    fn push(&mut self, key: Text, value: Value) {
        match self {
            Body::Few(entries) if entries.len() < FEW => entries.push((key, value)),
            Body::Few(entries) => {
                let mut entries = std::mem::take(entries);
                entries.push((key, value));
                *self = Body::new(entries);
            }
            Body::Many(many) => {
                many.places.insert(key.clone(), many.entries.len());
                many.entries.push((key, value));
            }
        }
    }

    fn remove(&mut self, place: usize) -> (Text, Value) {
        match self {
            Body::Few(entries) => entries.remove(place),
            Body::Many(many) => {
                let removed = many.entries.remove(place);
                many.places.remove(&removed.0);
                many.places.values_mut().filter(|other| **other > place).for_each(|other| *other -= 1);
                removed
            }
        }
    }
}

impl Map {
    /// A mapping with no entries.
    #[must_use]
    pub const fn new() -> Map {
        Map(None)
    }

    /// A mapping with no entries, and room for some.
    #[must_use]
    pub fn with_capacity(capacity: usize) -> Map {
        Map((capacity > 0).then(|| Arc::new(Body::Few(Vec::with_capacity(capacity)))))
    }

    /// A mapping of entries whose keys differ.
    pub(super) fn of(entries: Vec<(Text, Value)>) -> Map {
        Map((!entries.is_empty()).then(|| Arc::new(Body::new(entries))))
    }

    /// A number that tells shared mappings from others.
    pub(super) fn address(&self) -> usize {
        self.0.as_ref().map_or(0, |body| Arc::as_ptr(body).addr())
    }

    pub(super) fn entries(&self) -> &[(Text, Value)] {
        self.0.as_ref().map_or(&[], |body| body.entries())
    }

    fn body(&mut self) -> &mut Body {
        Arc::make_mut(self.0.get_or_insert_default())
    }

    fn place(&self, key: &str) -> Option<usize> {
        self.0.as_ref()?.place(key)
    }

    /// How many entries there are.
    pub fn len(&self) -> usize {
        self.entries().len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.entries().is_empty()
    }

    /// The value of a key.
    pub fn get(&self, key: &str) -> Option<&Value> {
        self.place(key).map(|place| &self.entries()[place].1)
    }

    /// The value of a key, to be changed.
    pub fn get_mut(&mut self, key: &str) -> Option<&mut Value> {
        let place = self.place(key)?;
        Some(&mut self.body().entries_mut()[place].1)
    }

    /// Whether there is such a key.
    pub fn contains_key(&self, key: &str) -> bool {
        self.place(key).is_some()
    }

    /// Puts a value below a key, which keeps its place if it is there; what was there before comes back.
    pub fn insert(&mut self, key: impl Into<Text>, value: Value) -> Option<Value> {
        let key = key.into();
        if let Some(old) = self.get_mut(&key) {
            return Some(std::mem::replace(old, value));
        }
        self.body().push(key, value);
        None
    }

    /// Takes out an entry; those that follow move up.
    pub fn shift_remove(&mut self, key: &str) -> Option<Value> {
        let place = self.place(key)?;
        Some(self.body().remove(place).1)
    }

    /// Puts an entry at a place; what has its key elsewhere must have been taken out before.
    pub fn shift_insert(&mut self, place: usize, key: impl Into<Text>, value: Value) {
        let mut entries = std::mem::take(self).into_entries();
        entries.insert(place, (key.into(), value));
        *self = Map::of(entries);
    }

    /// The entry of a key, which may not be there yet.
    pub fn entry(&mut self, key: impl Into<Text>) -> Entry<'_> {
        Entry { map: self, key: key.into() }
    }

    /// The keys, in their order.
    pub fn keys(&self) -> impl DoubleEndedIterator<Item = &Text> + ExactSizeIterator + Clone {
        self.entries().iter().map(|(key, _)| key)
    }

    /// The values, in the order of their keys.
    pub fn values(&self) -> impl DoubleEndedIterator<Item = &Value> + ExactSizeIterator + Clone {
        self.entries().iter().map(|(_, value)| value)
    }

    /// The values, to be changed.
    pub fn values_mut(&mut self) -> impl DoubleEndedIterator<Item = &mut Value> + ExactSizeIterator {
        self.iter_mut().map(|(_, value)| value)
    }

    /// The values themselves.
    pub fn into_values(self) -> impl DoubleEndedIterator<Item = Value> + ExactSizeIterator {
        self.into_iter().map(|(_, value)| value)
    }

    /// Keys and values, in their order.
    pub fn iter(&self) -> Iter<'_> {
        Iter(self.entries().iter())
    }

    /// Keys, and values to be changed.
    pub fn iter_mut(&mut self) -> IterMut<'_> {
        if self.is_empty() { IterMut(slice::IterMut::default()) } else { IterMut(self.body().entries_mut().iter_mut()) }
    }

    /// Keeps what `keep` says.
    pub fn retain(&mut self, mut keep: impl FnMut(&Text, &mut Value) -> bool) {
        let mut entries = std::mem::take(self).into_entries();
        entries.retain_mut(|(key, value)| keep(key, value));
        *self = Map::of(entries);
    }

    fn into_entries(self) -> Vec<(Text, Value)> {
        self.0.map(|body| Arc::unwrap_or_clone(body).take()).unwrap_or_default()
    }
}

/// The same entries, in any order.
impl PartialEq for Map {
    fn eq(&self, other: &Map) -> bool {
        let (own, others) = (self.entries(), other.entries());
        if self.address() == other.address() {
            return true;
        }
        own.len() == others.len()
            && own.iter().zip(others).all(|((key, value), (other_key, other_value))| {
                if key == other_key { value == other_value } else { other.get(key) == Some(value) }
            })
    }
}

impl Eq for Map {}

impl fmt::Debug for Map {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_map().entries(self).finish()
    }
}

impl<K: Into<Text>> Extend<(K, Value)> for Map {
    fn extend<I: IntoIterator<Item = (K, Value)>>(&mut self, entries: I) {
        for (key, value) in entries {
            self.insert(key, value);
        }
    }
}

impl<K: Into<Text>> FromIterator<(K, Value)> for Map {
    fn from_iter<I: IntoIterator<Item = (K, Value)>>(entries: I) -> Map {
        let entries = entries.into_iter();
        let mut map = Map::with_capacity(entries.size_hint().0);
        map.extend(entries);
        map
    }
}

/// Keys and values of a [`Map`].
#[derive(Clone, Debug)]
pub struct Iter<'a>(slice::Iter<'a, (Text, Value)>);

/// Keys of a [`Map`], and values to be changed.
#[derive(Debug)]
pub struct IterMut<'a>(slice::IterMut<'a, (Text, Value)>);

impl<'a> Iterator for Iter<'a> {
    type Item = (&'a Text, &'a Value);

    fn next(&mut self) -> Option<Self::Item> {
        self.0.next().map(|(key, value)| (key, value))
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        self.0.size_hint()
    }
}

impl DoubleEndedIterator for Iter<'_> {
    fn next_back(&mut self) -> Option<Self::Item> {
        self.0.next_back().map(|(key, value)| (key, value))
    }
}

impl ExactSizeIterator for Iter<'_> {}

impl<'a> Iterator for IterMut<'a> {
    type Item = (&'a Text, &'a mut Value);

    fn next(&mut self) -> Option<Self::Item> {
        self.0.next().map(|(key, value)| (&*key, value))
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        self.0.size_hint()
    }
}

impl DoubleEndedIterator for IterMut<'_> {
    fn next_back(&mut self) -> Option<Self::Item> {
        self.0.next_back().map(|(key, value)| (&*key, value))
    }
}

impl ExactSizeIterator for IterMut<'_> {}

impl IntoIterator for Map {
    type Item = (Text, Value);
    type IntoIter = vec::IntoIter<(Text, Value)>;

    fn into_iter(self) -> Self::IntoIter {
        self.into_entries().into_iter()
    }
}

impl<'a> IntoIterator for &'a Map {
    type Item = (&'a Text, &'a Value);
    type IntoIter = Iter<'a>;

    fn into_iter(self) -> Iter<'a> {
        self.iter()
    }
}

impl<'a> IntoIterator for &'a mut Map {
    type Item = (&'a Text, &'a mut Value);
    type IntoIter = IterMut<'a>;

    fn into_iter(self) -> IterMut<'a> {
        self.iter_mut()
    }
}

/// The entry of a key in a [`Map`], which may not be there yet.
#[derive(Debug)]
pub struct Entry<'a> {
    map: &'a mut Map,
    key: Text,
}

impl<'a> Entry<'a> {
    /// The value that is there, or this one, put there.
    pub fn or_insert(self, value: Value) -> &'a mut Value {
        self.or_insert_with(|| value)
    }

    /// The value that is there, or one that is made, put there.
    pub fn or_insert_with(self, value: impl FnOnce() -> Value) -> &'a mut Value {
        let body = self.map.body();
        let place = body.place(&self.key).unwrap_or_else(|| {
            body.push(self.key, value());
            body.entries().len() - 1
        });
        &mut body.entries_mut()[place].1
    }
}
