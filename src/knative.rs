//! What several parts of knrender know of Knative.

use flate2::Crc;

/// The checksum of a `ConfigMap`'s `_example`, which Knative's webhook compares with the annotation: CRC-32 of the text, trimmed,
/// with each run of line ends as `\n` in two characters.
pub fn example_checksum(example: &str) -> String {
    let mut crc = Crc::new();
    for (at, line) in example.trim().lines().filter(|line| !line.is_empty()).enumerate() {
        crc.update(if at == 0 { b"" } else { br"\n" });
        crc.update(line.as_bytes());
    }
    format!("{:08x}", crc.sum())
}

#[cfg(test)]
mod tests {
    use super::example_checksum;

    #[test]
    fn line_ends_and_space_around_do_not_change_a_checksum() {
        assert_eq!(example_checksum("123456789"), "cbf43926");
        assert_eq!(example_checksum("a\nb"), example_checksum("\n\na\r\n\r\nb\n\n"));
        assert_ne!(example_checksum("a\nb"), example_checksum("a b"));
    }
}
