//! Helpers that the official crate offers on native platforms only.

pub mod frame_cryptor;
pub mod packet_trailer;

/// A random version 4 UUID in its usual text form.
pub fn create_random_uuid() -> String {
    let bytes = fastrand::u128(..).to_be_bytes();
    let mut uuid = String::with_capacity(36);
    for (i, byte) in bytes.iter().enumerate() {
        let byte = match i {
            6 => (byte & 0x0f) | 0x40,
            8 => (byte & 0x3f) | 0x80,
            _ => *byte,
        };
        if matches!(i, 4 | 6 | 8 | 10) {
            uuid.push('-');
        }
        uuid.push_str(&format!("{byte:02x}"));
    }
    uuid
}

#[cfg(test)]
mod tests {
    use super::create_random_uuid;

    #[test]
    fn uuid_has_version_and_variant() {
        let uuid = create_random_uuid();
        let groups: Vec<_> = uuid.split('-').map(str::len).collect();
        assert_eq!(groups, [8, 4, 4, 4, 12]);
        assert_eq!(uuid.as_bytes()[14], b'4');
        assert!(matches!(uuid.as_bytes()[19], b'8' | b'9' | b'a' | b'b'));
        assert_ne!(uuid, create_random_uuid());
    }
}
