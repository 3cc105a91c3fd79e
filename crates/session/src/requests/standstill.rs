//! Commands that ask the robot to stand still.

use super::request::Encoding;

/// Types of messages that end with a velocity: linear and angular, x, y and z of each.
const VELOCITIES: [&str; 2] = ["geometry_msgs/msg/Twist", "geometry_msgs/msg/TwistStamped"];
/// Bytes of six numbers.
const VELOCITY: usize = 6 * size_of::<f64>();
/// Bytes before the first field of CDR.
const HEADER: usize = 4;

/// Whether messages of a type and encoding tell by themselves that the robot is to stand still.
pub(super) fn is_velocity(type_name: &str, encoding: Encoding) -> bool {
    encoding == Encoding::Cdr && VELOCITIES.contains(&type_name)
}

/// Whether a message of such a type asks for no motion. The sign of a zero may be set.
pub(super) fn is_standstill(message: &[u8]) -> bool {
    let Some((rest, velocity)) = message.split_last_chunk::<VELOCITY>() else {
        return false;
    };
    let Some([_, representation, ..]) = rest.first_chunk::<HEADER>() else {
        return false;
    };
    // Its odd values are those of little endian.
    let number = match representation % 2 {
        1 => f64::from_le_bytes,
        _ => f64::from_be_bytes,
    };
    let (numbers, _) = velocity.as_chunks();
    numbers.iter().all(|&bytes| number(bytes) == 0.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn twist(velocity: [f64; 6]) -> Vec<u8> {
        let mut message = vec![0, 1, 0, 0];
        message.extend(velocity.iter().flat_map(|number| number.to_le_bytes()));
        message
    }

    #[test]
    fn only_no_motion_at_all_is_a_standstill() {
        assert!(is_standstill(&twist([0.0; 6])));
        assert!(is_standstill(&twist([-0.0; 6])));
        for at in 0..6 {
            let mut velocity = [0.0; 6];
            velocity[at] = f64::MIN_POSITIVE;
            assert!(!is_standstill(&twist(velocity)), "{at}");
        }
    }

    #[test]
    fn the_header_tells_the_byte_order() {
        // The bytes of a minus zero in one order are those of a very small number in the other.
        let mut message = twist([f64::from_bits((-0.0f64).to_bits().swap_bytes()); 6]);
        assert!(!is_standstill(&message));
        message[1] = 0;
        assert!(is_standstill(&message));
    }

    #[test]
    fn what_is_cut_off_is_no_standstill() {
        let message = twist([0.0; 6]);
        for end in 0..message.len() {
            assert!(!is_standstill(&message[..end]), "{end}");
        }
    }

    #[test]
    fn a_header_before_the_velocity_does_not_matter() {
        let stamped = [&[0, 1, 0, 0, 7, 0, 0, 0][..], &twist([0.0; 6])[4..]].concat();
        assert!(is_standstill(&stamped));
    }

    #[test]
    fn velocities_in_cdr_are_known() {
        assert!(is_velocity("geometry_msgs/msg/TwistStamped", Encoding::Cdr));
        assert!(!is_velocity("geometry_msgs/msg/Twist", Encoding::Json));
        assert!(!is_velocity("std_msgs/msg/String", Encoding::Cdr));
    }
}
