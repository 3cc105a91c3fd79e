//! A callback that may do anything while it runs, even replace itself.

use parking_lot::Mutex;

/// Holds an optional `FnMut`. While it runs it is out of its slot, so no lock is held; if it was
/// replaced or removed meanwhile, the old one is dropped afterwards.
///
/// Only the connection's thread calls it, so calls never overlap.
pub(crate) struct Callback<F> {
    slot: Mutex<Slot<F>>,
}

struct Slot<F> {
    function: Option<F>,
    /// Counts the calls of [`Callback::set`].
    generation: u64,
}

impl<F> Default for Callback<F> {
    fn default() -> Self {
        Self {
            slot: Mutex::new(Slot {
                function: None,
                generation: 0,
            }),
        }
    }
}

impl<F> Callback<F> {
    pub(crate) fn set(&self, function: Option<F>) {
        let old = {
            let mut slot = self.slot.lock();
            slot.generation += 1;
            std::mem::replace(&mut slot.function, function)
        };
        // Dropped without the lock: what it captured may call back into this object.
        drop(old);
    }

    /// Runs the callback; answers whether there was one.
    pub(crate) fn call(&self, run: impl FnOnce(&mut F)) -> bool {
        let (function, generation) = {
            let mut slot = self.slot.lock();
            (slot.function.take(), slot.generation)
        };
        let Some(mut function) = function else {
            return false;
        };
        run(&mut function);
        let mut slot = self.slot.lock();
        if slot.generation == generation {
            slot.function = Some(function);
        } else {
            drop(slot);
            drop(function);
        }
        true
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicU32, Ordering};
    use std::sync::Arc;

    use super::Callback;

    type Boxed = Box<dyn FnMut() + Send + Sync>;

    #[test]
    fn a_callback_may_replace_or_remove_itself() {
        let callback = Arc::new(Callback::<Boxed>::default());
        let calls = Arc::new(AtomicU32::new(0));
        let (inner, count) = (callback.clone(), calls.clone());
        callback.set(Some(Box::new(move || {
            let count = count.clone();
            inner.set(Some(Box::new(move || {
                count.fetch_add(10, Ordering::Relaxed);
            })));
        })));
        for _ in 0..3 {
            assert!(callback.call(|f| f()));
        }
        assert_eq!(calls.load(Ordering::Relaxed), 20);
        let inner = callback.clone();
        callback.set(Some(Box::new(move || inner.set(None))));
        assert!(callback.call(|f| f()));
        assert!(!callback.call(|f| f()));
        // Nothing keeps the callback alive any more.
        assert_eq!(Arc::strong_count(&callback), 1);
    }
}
