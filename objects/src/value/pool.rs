//! One of each text, mapping and list that is read again and again.

use super::{List, Map, Text, Value};

/// Longer texts are hardly ever there twice.
const LONGEST: usize = 96;

/// What was last read, to be used again: the objects of a repository repeat each other.
///
/// A pool remembers so many things of each sort and no more: what is new takes the place of something old. So it never takes much
/// memory or time, and what it does not find twice is only there twice.
#[derive(Debug)]
pub struct Pool {
    places: usize,
    texts: Vec<Option<Text>>,
    maps: Vec<Map>,
    lists: Vec<List>,
}

impl Pool {
    /// A pool for one document.
    pub fn small() -> Pool {
        Pool::of(256)
    }

    /// A pool for the documents of many files.
    pub fn large() -> Pool {
        Pool::of(8192)
    }

    fn of(places: usize) -> Pool {
        Pool { places, texts: vec![None; places], maps: Vec::new(), lists: Vec::new() }
    }

    /// The text, shared with the last one that was the same.
    pub fn text(&mut self, text: &str) -> Text {
        if text.is_empty() || text.len() > LONGEST {
            return text.into();
        }
        let hash = text.bytes().fold(Hash::default(), |hash, byte| hash.with(byte.into()));
        let known = &mut self.texts[hash.place(self.places)];
        match known {
            Some(known) if known == text => known.clone(),
            _ => known.insert(text.into()).clone(),
        }
    }

    /// A mapping of the entries from a place on, whose keys differ; shared with the last one that was the same.
    pub fn map(&mut self, entries: &mut Vec<(Text, Value)>, from: usize) -> Map {
        let new = &entries[from..];
        if new.is_empty() {
            return Map::new();
        }
        if self.maps.is_empty() {
            self.maps.resize(self.places, Map::new());
        }
        let hash = new.iter().fold(Hash::default(), |hash, (key, value)| hash.with(address(key)).with(mark(value)));
        let known = &mut self.maps[hash.place(self.places)];
        let is_known = known.len() == new.len()
            && known
                .entries()
                .iter()
                .zip(new)
                .all(|(known, new)| address(&known.0) == address(&new.0) && is(&known.1, &new.1));
        if is_known {
            entries.truncate(from);
        } else {
            *known = Map::of(entries.drain(from..).collect());
        }
        known.clone()
    }

    /// A list of the items from a place on; shared with the last one that was the same.
    pub fn list(&mut self, items: &mut Vec<Value>, from: usize) -> List {
        let new = &items[from..];
        if new.is_empty() {
            return List::default();
        }
        if self.lists.is_empty() {
            self.lists.resize(self.places, List::default());
        }
        let hash = new.iter().fold(Hash::default(), |hash, value| hash.with(mark(value)));
        let known = &mut self.lists[hash.place(self.places)];
        if known.len() == new.len() && known.iter().zip(new).all(|(known, new)| is(known, new)) {
            items.truncate(from);
        } else {
            *known = items.drain(from..).collect::<Vec<_>>().into();
        }
        known.clone()
    }
}

fn address(text: &Text) -> usize {
    text.as_ptr().addr()
}

/// A number that is the same for what [`is`] the same.
fn mark(value: &Value) -> usize {
    match value {
        Value::Null => 1,
        Value::Bool(value) => 2 + usize::from(*value),
        Value::Number(number) => number.as_i64().and_then(|number| usize::try_from(number).ok()).unwrap_or(4),
        Value::String(text) => address(text),
        Value::Array(items) => items.address(),
        Value::Object(map) => map.address(),
    }
}

/// Whether two values are one, or whole numbers that are the same: floats are not, as `-0.0` is equal to `0.0`.
fn is(one: &Value, other: &Value) -> bool {
    match (one, other) {
        (Value::Null, Value::Null) => true,
        (Value::Bool(one), Value::Bool(other)) => one == other,
        (Value::Number(one), Value::Number(other)) => !one.is_f64() && one == other,
        (Value::String(one), Value::String(other)) => Text::ptr_eq(one, other),
        (Value::Array(one), Value::Array(other)) => one.address() == other.address(),
        (Value::Object(one), Value::Object(other)) => one.address() == other.address(),
        _ => false,
    }
}

/// FNV-1a, over words.
#[derive(Clone, Copy)]
struct Hash(u64);

impl Default for Hash {
    fn default() -> Hash {
        Hash(0xcbf2_9ce4_8422_2325)
    }
}

impl Hash {
    fn with(self, word: usize) -> Hash {
        Hash((self.0 ^ word as u64).wrapping_mul(0x0100_0000_01b3))
    }

    fn place(self, places: usize) -> usize {
        usize::try_from((self.0 ^ self.0 >> 32) % places as u64).unwrap_or_default()
    }
}
