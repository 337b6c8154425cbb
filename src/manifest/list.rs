//! Objects in an object: what kubectl opens into its items.

use crate::value::Value;

/// The items of what kubectl reads as a list of objects; `None` for anything else, which is left as it is. The items of a typed
/// list, such as a `ServiceList`, may leave out kind and apiVersion, and have those of the list.
pub(super) fn open(value: &mut Value) -> Option<Vec<Value>> {
    let text = |value: &Value, key: &str| value.get(key).and_then(Value::as_str).unwrap_or_default().to_owned();
    let (api_version, kind) = (text(value, "apiVersion"), text(value, "kind"));
    let of = kind.strip_suffix("List")?.to_owned();
    let Some(Value::Array(items)) = value.get_mut("items") else { return None };
    let mut items = std::mem::take(items);
    for item in &mut items {
        if let Value::Object(map) = item
            && !of.is_empty()
            && ["apiVersion", "kind"].iter().all(|key| matches!(map.get(key), None | Some(Value::Null)))
        {
            for (at, (key, text)) in [("apiVersion", &api_version), ("kind", &of)].into_iter().enumerate() {
                map.shift_remove(key);
                map.shift_insert(at, key, text.as_str().into());
            }
        }
    }
    Some(items.into_iter().collect())
}

#[cfg(test)]
mod tests {
    use crate::value::json;

    use super::*;

    #[test]
    fn items_of_a_typed_list_have_its_kind() {
        let mut list = json!({"apiVersion": "v1", "kind": "ServiceList", "items": [{"metadata": {"name": "a"}}]});
        let item = json!({"apiVersion": "v1", "kind": "Service", "metadata": {"name": "a"}});
        assert_eq!(open(&mut list), Some(vec![item]));
    }

    #[test]
    fn items_of_any_other_list_say_what_they_are() {
        let mut list = json!({"apiVersion": "v1", "kind": "List", "items": [{"metadata": {"name": "a"}}]});
        assert_eq!(open(&mut list), Some(vec![json!({"metadata": {"name": "a"}})]));
        let item = json!({"kind": "Secret", "metadata": {"name": "a"}});
        let mut list = json!({"apiVersion": "v1", "kind": "ServiceList", "items": [item]});
        assert_eq!(open(&mut list), Some(vec![item]));
        assert_eq!(open(&mut json!({"apiVersion": "v1", "kind": "Secret", "items": []})), None);
    }
}
