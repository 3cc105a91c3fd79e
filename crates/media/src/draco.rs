//! Clouds as Draco: positions on a grid, fields beside them.
//!
//! The method is Draco's k-d tree, which codes the points in an order of its own and so needs about three
//! bytes for each where the message has sixteen or more.

use draco_core::metadata::Metadata;
use draco_core::{
    DataType, DracoError, EncoderBuffer, EncoderOptions, GeometryAttributeType, PointAttribute,
    PointCloud as DracoCloud, PointCloudEncoder,
};

use crate::cloud::{Field, PointCloud, Reduction};
use crate::error::{CloudError, MediaError};
use crate::message::compressed_point_cloud;

/// Draco's number for the k-d tree.
const KD_TREE: i32 = 1;
/// Most bits of a coordinate: what a `float` can tell apart.
const MOST_BITS: i32 = 24;
/// Bits of a field that has other values than whole numbers.
const FIELD_BITS: i32 = 8;
/// Largest value of such a field; a range of larger ones would not be a number.
const LARGEST: f32 = f32::MAX / 4.0;

impl PointCloud<'_> {
    /// The serialized `foxglove_msgs/msg/CompressedPointCloud` with the points and fields that `reduction`
    /// leaves.
    ///
    /// Coordinates are rounded to multiples of `step`, in metres, so they are off by at most half of it, and a
    /// point that does not move in its frame stays the same point from message to message. A cloud that is wider than
    /// 16 million steps has larger ones. Fields of integers and of whole numbers from 0 to 65,535 are exact, other ones
    /// are off by at most a 510th of their range; what is no number becomes 0. Fields of
    /// several elements are left out.
    ///
    /// # Errors
    /// The cloud is wider than a `float` can say, or the result would be larger than 4 GB.
    pub fn draco(&self, reduction: &Reduction, step: f32) -> Result<Vec<u8>, MediaError> {
        let points = self.kept(reduction);
        let data = if points.is_empty() {
            // Draco's tree needs a point.
            Vec::new()
        } else {
            let encoded = self.encode(&points, reduction, step);
            encoded.map_err(|error| CloudError::Draco(error.to_string()))?
        };
        compressed_point_cloud(self.stamp, self.frame_id, &data)
    }

    fn encode(
        &self,
        points: &[&[u8]],
        reduction: &Reduction,
        step: f32,
    ) -> Result<Vec<u8>, DracoError> {
        let mut cloud = DracoCloud::new();
        let mut options = EncoderOptions::new();
        options.set_encoding_method(KD_TREE);
        options.set_compression_level(10);

        let positions = points.iter().filter_map(|point| self.position(point));
        let mut coordinates: Vec<f32> = positions.flatten().collect();
        let bits = Grid::around(&coordinates, step).extend(&mut coordinates);
        let position = attribute(
            GeometryAttributeType::Position,
            3,
            DataType::Float32,
            &bytes_of(&coordinates),
        )?;
        let position = cloud.add_attribute(position);
        options.set_attribute_quantization(position, bits);

        for field in self.fields_beside_position(reduction) {
            let (data_type, values) = self.values(field, points);
            let values = attribute(GeometryAttributeType::Generic, 1, data_type, &values)?;
            let values = cloud.add_attribute(values);
            if data_type == DataType::Float32 {
                options.set_attribute_quantization(values, FIELD_BITS);
            }
            if !field.name.is_empty() {
                let mut metadata = Metadata::new();
                metadata.set_string("name", field.name)?;
                cloud.set_attribute_metadata(values, metadata)?;
            }
        }
        cloud.set_num_points(points.len());
        let mut encoder = PointCloudEncoder::new();
        encoder.set_point_cloud(cloud);
        let mut encoded = EncoderBuffer::new();
        encoder.encode(&options, &mut encoded)?;
        Ok(encoded.data().to_vec())
    }

    /// The fields that are to be attributes.
    fn fields_beside_position<'a>(
        &'a self,
        reduction: &'a Reduction,
    ) -> impl Iterator<Item = &'a Field<'a>> {
        self.wanted(reduction)
            .filter(|field| field.count == 1 && !["x", "y", "z"].contains(&field.name))
    }

    /// The values of a field, little-endian, and their type.
    fn values(&self, field: &Field<'_>, points: &[&[u8]]) -> (DataType, Vec<u8>) {
        let is_colour = ["rgb", "rgba"].contains(&field.name) && field.size == 4;
        let exact = match field.datatype {
            1 => Some(DataType::Int8),
            2 => Some(DataType::Uint8),
            3 => Some(DataType::Int16),
            4 => Some(DataType::Uint16),
            5 => Some(DataType::Int32),
            6 => Some(DataType::Uint32),
            // PCL has the four bytes of a colour in a float, which is not one.
            _ if is_colour => Some(DataType::Uint32),
            _ => None,
        };
        let mut bytes = Vec::with_capacity(points.len() * field.size);
        for point in points {
            let start = bytes.len();
            let value = point.get(field.offset..field.offset + field.size);
            bytes.extend_from_slice(value.unwrap_or_default());
            if self.big_endian {
                bytes[start..].reverse();
            }
        }
        match exact {
            Some(data_type) => (data_type, bytes),
            None => numbers(&floats(&bytes, field.size)),
        }
    }
}

/// Values as `float`, of four bytes or of eight each.
fn floats(bytes: &[u8], size: usize) -> Vec<f32> {
    let value = |bytes: &[u8]| match (bytes.try_into(), bytes.try_into()) {
        (Ok(single), _) => f32::from_le_bytes(single),
        (_, Ok(double)) => f64::from_le_bytes(double) as f32,
        _ => 0.0,
    };
    bytes
        .chunks_exact(size.max(1))
        .map(|bytes| match value(bytes) {
            number if number.is_nan() => 0.0,
            number => number.clamp(-LARGEST, LARGEST),
        })
        .collect()
}

/// Values in the smallest type that has all of them. Many sensors have whole numbers, as `float`.
fn numbers(values: &[f32]) -> (DataType, Vec<u8>) {
    let all_up_to = |most: f32| {
        let fits = |value: &f32| (0.0..=most).contains(value) && value.fract() == 0.0;
        values.iter().all(fits)
    };
    if all_up_to(f32::from(u8::MAX)) {
        let bytes = values.iter().map(|value| *value as u8);
        (DataType::Uint8, bytes.collect())
    } else if all_up_to(f32::from(u16::MAX)) {
        let bytes = values
            .iter()
            .flat_map(|value| (*value as u16).to_le_bytes());
        (DataType::Uint16, bytes.collect())
    } else {
        (DataType::Float32, bytes_of(values))
    }
}

fn bytes_of(values: &[f32]) -> Vec<u8> {
    let bytes = values.iter().flat_map(|value| value.to_le_bytes());
    bytes.collect()
}

fn attribute(
    kind: GeometryAttributeType,
    components: u8,
    data_type: DataType,
    bytes: &[u8],
) -> Result<PointAttribute, DracoError> {
    let size = data_type.byte_length() * usize::from(components);
    let mut attribute = PointAttribute::new();
    attribute.try_init(kind, components, data_type, false, bytes.len() / size)?;
    attribute.buffer_mut().write(0, bytes);
    Ok(attribute)
}

/// The places that coordinates are rounded to.
struct Grid {
    /// The first place in each direction.
    lowest: [f32; 3],
    /// Distance from it to the last one.
    range: f32,
    bits: i32,
}

impl Grid {
    /// The grid of multiples of `step` that has all these points.
    fn around(coordinates: &[f32], step: f32) -> Self {
        let step = f64::from(step.max(f32::MIN_POSITIVE));
        let mut lowest = [f32::INFINITY; 3];
        let mut highest = [f32::NEG_INFINITY; 3];
        for point in coordinates.chunks_exact(3) {
            for (axis, value) in point.iter().enumerate() {
                lowest[axis] = lowest[axis].min(*value);
                highest[axis] = highest[axis].max(*value);
            }
        }
        let lowest = lowest.map(|value| {
            let place = (f64::from(value) / step).floor() * step;
            value.min(place as f32)
        });
        let width = |axis: usize| f64::from(highest[axis]) - f64::from(lowest[axis]);
        let widest = width(0).max(width(1)).max(width(2));
        let last = (widest / step).ceil();
        let bits = ((last + 1.0).log2().ceil() as i32).clamp(1, MOST_BITS);
        let places = (1u64 << bits) - 1;
        let range = (places as f64 * step).max(widest) as f32;
        Self {
            lowest,
            range,
            bits,
        }
    }

    /// Adds the ends of the grid to the values that points have. Draco lays its grid over all values, also over such that
    /// are no point's.
    fn extend(&self, coordinates: &mut Vec<f32>) -> i32 {
        let [x, y, z] = self.lowest;
        coordinates.extend([x, y, z, x + self.range, y, z]);
        self.bits
    }
}
