//! End-to-end encryption: of data packets in full, of media not at all, since no media is sent.

mod data_packet;
mod key_ring;
mod options;
mod provider;

pub use data_packet::{DataPacketCryptor, EncryptedPacket};
pub use options::{EncryptionAlgorithm, KeyDerivationAlgorithm, KeyProviderOptions};
pub use provider::KeyProvider;

use crate::{
    native::packet_trailer::PacketTrailerHandler, peer_connection_factory::PeerConnectionFactory,
    rtp_receiver::RtpReceiver, rtp_sender::RtpSender,
};

/// Called with a participant and the state of its encryption.
pub type OnStateChange = Box<dyn FnMut(String, EncryptionState) + Send + Sync>;

/// State of a participant's encryption.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EncryptionState {
    /// Nothing happened yet.
    New,
    /// It works.
    Ok,
    /// Encrypting failed.
    EncryptionFailed,
    /// Decrypting failed.
    DecryptionFailed,
    /// There is no key.
    MissingKey,
    /// The key was ratcheted.
    KeyRatcheted,
    /// Something else failed.
    InternalError,
}

/// Encrypts media frames. This one never sees a frame.
#[derive(Clone)]
pub struct FrameCryptor {
    participant_id: String,
}

impl FrameCryptor {
    /// An inert cryptor.
    pub fn new_for_rtp_sender(
        _peer_factory: &PeerConnectionFactory,
        participant_id: String,
        _algorithm: EncryptionAlgorithm,
        _key_provider: KeyProvider,
        _sender: RtpSender,
    ) -> Self {
        Self { participant_id }
    }

    /// An inert cryptor.
    pub fn new_for_rtp_receiver(
        _peer_factory: &PeerConnectionFactory,
        participant_id: String,
        _algorithm: EncryptionAlgorithm,
        _key_provider: KeyProvider,
        _receiver: RtpReceiver,
    ) -> Self {
        Self { participant_id }
    }

    /// Does nothing.
    pub fn set_enabled(&self, _enabled: bool) {}

    /// Always `false`.
    pub fn enabled(&self) -> bool {
        false
    }

    /// Does nothing.
    pub fn set_key_index(&self, _index: i32) {}

    /// Always 0.
    pub fn key_index(&self) -> i32 {
        0
    }

    /// The participant it was created for.
    pub fn participant_id(&self) -> String {
        self.participant_id.clone()
    }

    /// Does nothing: the state never changes.
    pub fn on_state_change(&self, _handler: Option<OnStateChange>) {}

    /// Does nothing.
    pub fn set_packet_trailer_handler(&self, _handler: &PacketTrailerHandler) {}
}
