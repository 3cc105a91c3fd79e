//! Received audio as a stream of frames. Without media it ends at once.

/// Streams for native platforms.
pub mod native {
    use std::pin::Pin;
    use std::task::{Context, Poll};

    use tokio_stream::Stream;

    use crate::{audio_frame::AudioFrame, audio_track::RtcAudioTrack};

    /// Settings of a [`NativeAudioStream`].
    #[derive(Clone, Debug, Default)]
    pub struct NativeAudioStreamOptions {
        /// Number of frames that may wait; `Some(0)` asks for no limit.
        pub queue_size_frames: Option<usize>,
    }

    /// The frames of a remote audio track: none, since media is not received.
    #[derive(Debug)]
    pub struct NativeAudioStream {
        track: RtcAudioTrack,
    }

    impl NativeAudioStream {
        /// A stream that ends at once.
        pub fn new(audio_track: RtcAudioTrack, _sample_rate: i32, _num_channels: i32) -> Self {
            Self { track: audio_track }
        }

        /// A stream that ends at once; the options have no effect.
        pub fn with_options(
            audio_track: RtcAudioTrack,
            sample_rate: i32,
            num_channels: i32,
            _options: NativeAudioStreamOptions,
        ) -> Self {
            Self::new(audio_track, sample_rate, num_channels)
        }

        /// The track it belongs to.
        pub fn track(&self) -> RtcAudioTrack {
            self.track.clone()
        }

        /// Does nothing: the stream has ended already.
        pub fn close(&mut self) {}
    }

    impl Stream for NativeAudioStream {
        type Item = AudioFrame<'static>;

        fn poll_next(self: Pin<&mut Self>, _cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
            Poll::Ready(None)
        }
    }
}
