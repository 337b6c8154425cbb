//! What was probably meant.

/// The name that was probably meant by `name`, if one is near.
pub fn near<'n>(name: &str, all: impl Iterator<Item = &'n str>) -> Option<&'n str> {
    all.map(|other| (strsim::damerau_levenshtein(&name.to_ascii_lowercase(), &other.to_ascii_lowercase()), other))
        .filter(|(distance, _)| *distance <= 2 && *distance * 3 <= name.len())
        .min()
        .map(|(_, other)| other)
}
