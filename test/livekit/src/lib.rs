//! Empty: the tests are the livekit crate's.
