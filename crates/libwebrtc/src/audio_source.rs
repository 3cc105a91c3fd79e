//! Audio sources. They keep their settings; capturing is not supported.

/// Samples per second of the device source.
pub const DEFAULT_SAMPLE_RATE: u32 = 48000;
/// Channels of the device source.
pub const DEFAULT_NUM_CHANNELS: u32 = 1;

/// Processing wanted on captured audio.
#[derive(Default, Debug)]
pub struct AudioSourceOptions {
    /// Remove the echo of what is played.
    pub echo_cancellation: bool,
    /// Remove background noise.
    pub noise_suppression: bool,
    /// Level the volume.
    pub auto_gain_control: bool,
}

/// Where the samples of an audio track come from.
#[non_exhaustive]
#[derive(Debug, Clone)]
pub enum RtcAudioSource {
    /// The application hands in frames.
    Native(native::NativeAudioSource),
    /// The platform's microphone.
    Device,
}

impl RtcAudioSource {
    /// Changes the processing; the device source ignores it.
    pub fn set_audio_options(&self, options: AudioSourceOptions) {
        if let Self::Native(source) = self {
            source.set_audio_options(options);
        }
    }

    /// The processing in force.
    pub fn audio_options(&self) -> AudioSourceOptions {
        match self {
            Self::Native(source) => source.audio_options(),
            Self::Device => AudioSourceOptions::default(),
        }
    }

    /// Samples per second and channel.
    pub fn sample_rate(&self) -> u32 {
        match self {
            Self::Native(source) => source.sample_rate(),
            Self::Device => DEFAULT_SAMPLE_RATE,
        }
    }

    /// Number of channels.
    pub fn num_channels(&self) -> u32 {
        match self {
            Self::Native(source) => source.num_channels(),
            Self::Device => DEFAULT_NUM_CHANNELS,
        }
    }
}

/// Sources fed by the application.
pub mod native {
    use std::fmt::{Debug, Formatter};
    use std::sync::Arc;

    use parking_lot::Mutex;

    use super::AudioSourceOptions;
    use crate::{audio_frame::AudioFrame, error::media_unsupported, RtcError};

    /// An audio source that the application would feed. Capturing answers Unsupported.
    #[derive(Clone)]
    pub struct NativeAudioSource {
        options: Arc<Mutex<AudioSourceOptions>>,
        sample_rate: u32,
        num_channels: u32,
    }

    impl Debug for NativeAudioSource {
        fn fmt(&self, f: &mut Formatter<'_>) -> std::fmt::Result {
            f.debug_struct("NativeAudioSource").finish()
        }
    }

    impl NativeAudioSource {
        /// A source with these settings; nothing is ever queued.
        pub fn new(
            options: AudioSourceOptions,
            sample_rate: u32,
            num_channels: u32,
            _queue_size_ms: u32,
        ) -> Self {
            Self {
                options: Arc::new(Mutex::new(options)),
                sample_rate,
                num_channels,
            }
        }

        /// Does nothing: no frame is ever queued.
        pub fn clear_buffer(&self) {}

        /// Always fails.
        ///
        /// # Errors
        /// Local media is not supported.
        pub async fn capture_frame(&self, _frame: &AudioFrame<'_>) -> Result<(), RtcError> {
            Err(media_unsupported("capture_frame"))
        }

        /// Remembers the processing wanted.
        pub fn set_audio_options(&self, options: AudioSourceOptions) {
            *self.options.lock() = options;
        }

        /// The processing last set.
        pub fn audio_options(&self) -> AudioSourceOptions {
            let options = self.options.lock();
            AudioSourceOptions {
                echo_cancellation: options.echo_cancellation,
                noise_suppression: options.noise_suppression,
                auto_gain_control: options.auto_gain_control,
            }
        }

        /// Samples per second and channel.
        pub fn sample_rate(&self) -> u32 {
            self.sample_rate
        }

        /// Number of channels.
        pub fn num_channels(&self) -> u32 {
            self.num_channels
        }
    }
}
