//! The name and password by which a peer's connectivity checks are known.

use base64::prelude::{Engine, BASE64_STANDARD_NO_PAD};
use is::IceCreds;

/// Credentials that nobody can guess: 48 bits of name and 144 of password, where RFC 8445, section
/// 5.3, asks for 24 and 128, from the system's random source.
///
/// # Errors
/// The system gives no random numbers.
pub(crate) fn random() -> Result<IceCreds, getrandom::Error> {
    let (mut name, mut password) = ([0; 6], [0; 18]);
    getrandom::fill(&mut name)?;
    getrandom::fill(&mut password)?;
    // The characters of base64 are those that ICE has.
    Ok(IceCreds {
        ufrag: BASE64_STANDARD_NO_PAD.encode(name),
        pass: BASE64_STANDARD_NO_PAD.encode(password),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_two_are_alike_and_all_are_long_enough() {
        let (one, other) = (random().unwrap(), random().unwrap());
        assert_ne!(one, other);
        assert_ne!(one.pass, other.pass);
        // Six bits in each character.
        assert_eq!((one.ufrag.len(), one.pass.len()), (8, 24));
    }
}
