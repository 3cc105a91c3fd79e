//! Which network interfaces connections use.

use std::sync::Arc;

use webrtc_channels::configuration::InterfaceFilter;

/// A filter of interfaces by name. Where some are `allowed`, no others are used; without, nearly all
/// are. What is `denied` is not used even if allowed.
pub fn interface_filter(
    allowed: Option<impl Fn(&str) -> bool + Send + Sync + 'static>,
    denied: impl Fn(&str) -> bool + Send + Sync + 'static,
) -> InterfaceFilter {
    Arc::new(move |interface| {
        if denied(interface) {
            Some(false)
        } else {
            allowed.as_ref().map(|allowed| allowed(interface))
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_denied_interface_is_not_used_and_an_unnamed_one_by_default() {
        let is_docker = |name: &str| name == "docker0";
        let is_mobile = |name: &str| name.starts_with("wwan");
        let without_mobile = interface_filter(None::<fn(&str) -> bool>, is_mobile);
        assert_eq!(without_mobile("docker0"), None);
        assert_eq!(without_mobile("wwan0"), Some(false));
        assert_eq!(without_mobile("wlan0"), None);
        let allowed = move |name: &str| is_docker(name) || name.starts_with('w');
        let some = interface_filter(Some(allowed), is_mobile);
        assert_eq!(some("wwan0"), Some(false));
        assert_eq!(some("docker0"), Some(true));
        assert_eq!(some("eth0"), Some(false));
    }
}
