//! Moving images like a camera's, and how alike two images are, to try encoders on.
//!
//! Flat colours and still images flatter every encoder. A [`Scene`] has texture at all scales, motion by
//! fractions of a pixel, things that cross it, and the noise of a sensor, which no encoder can
//! predict. The same arguments give the same images.

mod scene;
mod ssim;

pub use scene::{Motion, Scene};
pub use ssim::ssim;
