//! A part of an object together with where it stands.

use crate::value::Value;

use crate::pointer;

/// A value and its JSON pointer. What is null is as good as not there.
#[derive(Clone, Debug)]
pub(super) struct At<'v> {
    pub(super) value: &'v Value,
    pub(super) path: String,
}

impl<'v> At<'v> {
    pub(super) fn root(value: &'v Value) -> At<'v> {
        At { value, path: String::new() }
    }

    pub(super) fn get(&self, key: &str) -> Option<At<'v>> {
        let value = self.value.get(key).filter(|value| !value.is_null())?;
        Some(At { value, path: pointer::below(&self.path, key) })
    }

    /// What stands below one key after the other.
    pub(super) fn down(&self, keys: &[&str]) -> Option<At<'v>> {
        keys.iter().try_fold(self.clone(), |at, key| at.get(key))
    }

    pub(super) fn has(&self, key: &str) -> bool {
        self.value.get(key).is_some_and(|value| !value.is_null())
    }

    /// The items of a list.
    pub(super) fn list(&self, key: &str) -> Vec<At<'v>> {
        let Some(list) = self.get(key) else { return Vec::new() };
        let items = list.value.as_array().into_iter().flatten().enumerate();
        items.map(|(i, value)| At { value, path: format!("{}/{i}", list.path) }).collect()
    }

    /// The texts of a list; an item that is no text is an empty one.
    pub(super) fn texts(&self, key: &str) -> Vec<&'v str> {
        let items = self.value.get(key).and_then(Value::as_array).into_iter().flatten();
        items.map(|item| item.as_str().unwrap_or_default()).collect()
    }

    /// How many items a list, or entries a mapping, has.
    pub(super) fn len(&self, key: &str) -> usize {
        match self.value.get(key) {
            Some(Value::Array(items)) => items.len(),
            Some(Value::Object(map)) => map.len(),
            _ => 0,
        }
    }

    /// Its own text; empty where it is none.
    pub(super) fn own(&self) -> &'v str {
        self.value.as_str().unwrap_or_default()
    }

    /// The entries of a mapping.
    pub(super) fn map(&self, key: &str) -> Vec<(&'v str, At<'v>)> {
        let Some(map) = self.get(key) else { return Vec::new() };
        let entries = map.value.as_object().into_iter().flatten();
        entries.map(|(k, value)| (k.as_str(), At { value, path: pointer::below(&map.path, k) })).collect()
    }

    /// A string; empty where there is none.
    pub(super) fn text(&self, key: &str) -> &'v str {
        self.value.get(key).and_then(Value::as_str).unwrap_or_default()
    }

    pub(super) fn int(&self, key: &str) -> Option<i64> {
        self.value.get(key).and_then(integer)
    }

    pub(super) fn is_true(&self, key: &str) -> bool {
        self.value.get(key) == Some(&Value::Bool(true))
    }

    /// Where a key of it stands, or would stand.
    pub(super) fn field(&self, key: &str) -> String {
        pointer::below(&self.path, key)
    }
}

/// An integer, also where YAML wrote it as `1.0`.
pub(super) fn integer(value: &Value) -> Option<i64> {
    value.as_i64().or_else(|| {
        let number = value.as_f64()?;
        #[allow(clippy::cast_possible_truncation)] // no fraction, and far from the limits
        (number.fract() == 0.0 && number.abs() < 9e15).then_some(number as i64)
    })
}
