//! Time zones by name (`data/kubernetes/time-zones.txt`).

use crate::embedded;

/// Whether the API server knows a time zone of this name.
pub fn is_zone(name: &str) -> bool {
    let (area, place) = name.rsplit_once('/').unwrap_or(("-", name));
    let text = embedded::text("data/kubernetes/time-zones.txt").unwrap_or_default();
    let mut areas = text.lines().filter_map(|line| line.split_once(": ")).filter(|(of, _)| *of == area);
    areas.any(|(_, places)| places.split(' ').any(|known| known == place))
}

#[cfg(test)]
mod tests {
    use super::is_zone;

    #[test]
    fn zones_are_known_by_their_exact_names() {
        for good in ["UTC", "Etc/UTC", "Europe/Berlin", "America/Argentina/Buenos_Aires", "EST5EDT"] {
            assert!(is_zone(good), "{good}");
        }
        for odd in ["", "Local", "utc", "Europe/berlin", "Mars/Base", "Europe/", "/", "+02:00", "Europe"] {
            assert!(!is_zone(odd), "{odd}");
        }
    }
}
