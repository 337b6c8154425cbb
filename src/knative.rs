//! What several parts of knrender know of Knative.

/// The checksum of a `ConfigMap`'s `_example`, which Knative's webhook compares with the annotation: CRC-32 of the text, trimmed,
/// with each run of line ends as `\n` in two characters.
pub fn example_checksum(example: &str) -> String {
    let mut text = String::with_capacity(example.len());
    let mut in_run = false;
    let mut rest = example.trim().chars().peekable();
    while let Some(c) = rest.next() {
        let ends_line = c == '\n' || c == '\r' && rest.peek() == Some(&'\n');
        if !ends_line {
            text.push(c);
        } else if !in_run {
            text.push_str("\\n");
        }
        in_run = ends_line;
    }
    let crc = text.bytes().fold(u32::MAX, |crc, byte| {
        (0..8).fold(crc ^ u32::from(byte), |crc, _| if crc & 1 == 1 { crc >> 1 ^ 0xEDB8_8320 } else { crc >> 1 })
    });
    format!("{:08x}", !crc)
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
