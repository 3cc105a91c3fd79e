//! The keys of a room.

use std::collections::HashMap;
use std::sync::Arc;

use parking_lot::Mutex;

use super::key_ring::{Derivation, Key, KeyRing};
use super::options::KeyProviderOptions;

/// Participants that may have keys of their own. The server names them, so their number must have
/// an end.
const MAX_PARTICIPANTS: usize = 10_000;

/// Keeps keys: shared ones, or one ring for each participant. Clones are the same provider.
#[derive(Clone)]
pub struct KeyProvider {
    inner: Arc<Inner>,
}

struct Inner {
    options: KeyProviderOptions,
    derivation: Derivation,
    rings: Mutex<Rings>,
}

#[derive(Default)]
struct Rings {
    shared: Option<KeyRing>,
    /// Where keys are shared: of participants whose keys went another way, by ratcheting.
    own: HashMap<String, KeyRing>,
}

impl KeyProvider {
    /// A provider without keys.
    pub fn new(options: KeyProviderOptions) -> Self {
        let derivation = Derivation::new(
            options.key_derivation_algorithm,
            options.ratchet_salt.clone(),
            options.ratchet_window_size,
        );
        Self {
            inner: Arc::new(Inner {
                options,
                derivation,
                rings: Mutex::default(),
            }),
        }
    }

    fn key(&self, material: Vec<u8>) -> Arc<Key> {
        Key::new(material, &self.inner.derivation)
    }

    fn new_ring(&self) -> KeyRing {
        KeyRing::new(self.inner.options.key_ring_size)
    }

    /// Sets the shared key of this index. Answers `false`, and does nothing, if keys are not shared.
    pub fn set_shared_key(&self, key_index: i32, key: Vec<u8>) -> bool {
        if !self.inner.options.shared_key {
            return false;
        }
        let key = self.key(key);
        let mut rings = self.inner.rings.lock();
        rings
            .shared
            .get_or_insert_with(|| self.new_ring())
            .set(key_index, key.clone());
        for ring in rings.own.values_mut() {
            ring.set(key_index, key.clone());
        }
        true
    }

    /// Moves the shared key of this index one step on, and returns the new one. `None` if there is
    /// no such key.
    pub fn ratchet_shared_key(&self, key_index: i32) -> Option<Vec<u8>> {
        let mut rings = self.inner.rings.lock();
        let key = rings
            .shared
            .as_mut()?
            .ratchet(key_index, &self.inner.derivation)?;
        for ring in rings.own.values_mut() {
            ring.set(key_index, key.clone());
        }
        Some(key.material().to_vec())
    }

    /// The shared key of this index; -1 is the one that was set last.
    pub fn get_shared_key(&self, key_index: i32) -> Option<Vec<u8>> {
        let rings = self.inner.rings.lock();
        Some(rings.shared.as_ref()?.get(key_index)?.material().to_vec())
    }

    /// Sets a participant's key of this index. Answers `false`, and does nothing, beyond 10,000
    /// participants.
    pub fn set_key(&self, participant_id: String, key_index: i32, key: Vec<u8>) -> bool {
        let key = self.key(key);
        let mut rings = self.inner.rings.lock();
        if rings.own.len() >= MAX_PARTICIPANTS && !rings.own.contains_key(&participant_id) {
            log::warn!("no key is kept for more than {MAX_PARTICIPANTS} participants");
            return false;
        }
        rings
            .own
            .entry(participant_id)
            .or_insert_with(|| self.new_ring())
            .set(key_index, key);
        true
    }

    /// Moves a participant's key one step on, and returns the new one. `None` if there is no such
    /// key.
    pub fn ratchet_key(&self, participant_id: String, key_index: i32) -> Option<Vec<u8>> {
        let mut rings = self.inner.rings.lock();
        let ring = rings.own.get_mut(&participant_id)?;
        let key = ring.ratchet(key_index, &self.inner.derivation)?;
        Some(key.material().to_vec())
    }

    /// A participant's key of this index; -1 is the one that was set last.
    pub fn get_key(&self, participant_id: String, key_index: i32) -> Option<Vec<u8>> {
        let rings = self.inner.rings.lock();
        let ring = rings.own.get(&participant_id)?;
        Some(ring.get(key_index)?.material().to_vec())
    }

    /// Does nothing: it concerns media, and no media is sent.
    pub fn set_sif_trailer(&self, _trailer: Vec<u8>) {}

    pub(super) fn derivation(&self) -> &Derivation {
        &self.inner.derivation
    }

    /// The key that a participant uses under this index.
    pub(super) fn find(&self, participant: &str, index: i32) -> Option<Arc<Key>> {
        let rings = self.inner.rings.lock();
        let own = rings.own.get(participant);
        let ring = match (&rings.shared, self.inner.options.shared_key) {
            (None, true) => None,
            (Some(shared), true) => Some(own.unwrap_or(shared)),
            (_, false) => own,
        };
        ring?.get(index).cloned()
    }

    /// A participant went on to the key that follows `old`. Nothing changes if its key is another
    /// one by now.
    pub(super) fn follow(&self, participant: &str, index: i32, old: &Arc<Key>, new: Arc<Key>) {
        let mut rings = self.inner.rings.lock();
        if !rings.own.contains_key(participant) {
            let Some(shared) = rings.shared.clone() else {
                return;
            };
            if rings.own.len() >= MAX_PARTICIPANTS {
                return;
            }
            rings.own.insert(participant.to_owned(), shared);
        }
        if let Some(ring) = rings.own.get_mut(participant) {
            if ring.get(index).is_some_and(|key| Arc::ptr_eq(key, old)) {
                ring.set(index, new);
            }
        }
    }
}
