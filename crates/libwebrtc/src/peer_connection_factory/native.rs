//! The part of the factory that creates tracks and drives the platform's sound devices.

use super::PeerConnectionFactory;
use crate::{
    audio_source::native::NativeAudioSource, audio_track::RtcAudioTrack, inert_track::InertTrack,
    video_source::native::NativeVideoSource, video_track::RtcVideoTrack,
};

/// Defines the device methods of the trait and, for the factory, the answers of a machine that has
/// no sound devices at all.
macro_rules! without_devices {
    ($($name:ident($($arg:ident: $arg_ty:ty)?) -> $ret:ty = $answer:expr;)+) => {
        /// Tracks and sound devices. Tracks carry no media, and there are no devices.
        #[allow(missing_docs)] // The names say what each call would do if there were a device.
        pub trait PeerConnectionFactoryExt {
            fn create_video_track(&self, label: &str, source: NativeVideoSource) -> RtcVideoTrack;
            fn create_audio_track(&self, label: &str, source: NativeAudioSource) -> RtcAudioTrack;
            fn create_device_audio_track(&self, label: &str) -> RtcAudioTrack;
            $(fn $name(&self $(, $arg: $arg_ty)?) -> $ret;)+
        }

        impl PeerConnectionFactoryExt for PeerConnectionFactory {
            fn create_video_track(&self, label: &str, _source: NativeVideoSource) -> RtcVideoTrack {
                RtcVideoTrack(InertTrack::new(label))
            }

            fn create_audio_track(&self, label: &str, _source: NativeAudioSource) -> RtcAudioTrack {
                RtcAudioTrack(InertTrack::new(label))
            }

            fn create_device_audio_track(&self, label: &str) -> RtcAudioTrack {
                RtcAudioTrack(InertTrack::new(label))
            }

            $(
                fn $name(&self $(, $arg: $arg_ty)?) -> $ret {
                    $(let _ = $arg;)?
                    $answer
                }
            )+
        }
    };
}

without_devices! {
    playout_devices() -> i16 = 0;
    recording_devices() -> i16 = 0;
    playout_device_name(index: u16) -> String = String::new();
    recording_device_name(index: u16) -> String = String::new();
    playout_device_guid(index: u16) -> String = String::new();
    recording_device_guid(index: u16) -> String = String::new();
    set_playout_device(index: u16) -> bool = false;
    set_recording_device(index: u16) -> bool = false;
    set_playout_device_by_guid(guid: &str) -> bool = false;
    set_recording_device_by_guid(guid: &str) -> bool = false;
    stop_recording() -> bool = false;
    init_recording() -> bool = false;
    start_recording() -> bool = false;
    recording_is_initialized() -> bool = false;
    stop_playout() -> bool = false;
    init_playout() -> bool = false;
    start_playout() -> bool = false;
    playout_is_initialized() -> bool = false;
    builtin_aec_is_available() -> bool = false;
    builtin_agc_is_available() -> bool = false;
    builtin_ns_is_available() -> bool = false;
    enable_builtin_aec(enable: bool) -> bool = false;
    enable_builtin_agc(enable: bool) -> bool = false;
    enable_builtin_ns(enable: bool) -> bool = false;
    set_adm_recording_enabled(enabled: bool) -> () = ();
    adm_recording_enabled() -> bool = false;
    set_adm_playout_enabled(enabled: bool) -> () = ();
    adm_playout_enabled() -> bool = false;
    acquire_platform_adm() -> bool = false;
    release_platform_adm() -> () = ();
    platform_adm_ref_count() -> i32 = 0;
    is_platform_adm_active() -> bool = false;
}
