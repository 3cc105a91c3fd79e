//! Ids of subscriptions.

use serde::{Deserialize, Serialize};

/// Identifies a subscription of a local client, which chooses it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct SubscriptionId(pub u32);
